//! What the compiler says of files: the whole built-in set is clean, and every seeded mistake is found where it stands.

use crate::mapping::{Layers, compile};
use crate::problem::{Place, Problem};
use crate::yaml::Source;

fn layers(files: &[(&str, &str)]) -> Layers {
    let built_in = files.iter().map(|(name, text)| Source::new(format!("mappings/{name}"), text)).collect();
    Layers { built_in, ..Layers::default() }
}

fn problems(files: &[(&str, &str)]) -> Vec<String> {
    compile(&layers(files)).1.iter().map(Problem::to_string).collect()
}

#[test]
fn the_built_in_set_compiles_without_a_problem() {
    let start = std::time::Instant::now();
    let (set, problems) = compile(&Layers::built_in());
    assert_eq!(problems.iter().map(Problem::to_string).collect::<Vec<_>>(), Vec::<String>::new());
    for trigger in ["A01", "A02", "A03", "A04", "A05", "A06", "A07", "A08", "A11", "A13", "A28", "A31", "A40"] {
        assert!(set.covers("ADT", trigger), "{trigger}");
    }
    assert!(set.covers("ORU", "R01") && !set.covers("ADT", "A99"));
    assert!(start.elapsed().as_secs() < 10, "compiled in {:?}", start.elapsed());
}

#[test]
fn every_seeded_mistake_is_found_where_it_stands_with_advice() {
    let pid = "segment: PID\nresource: Patient\nelements:\n  nmae: PID-5.1\n  gender: { table: administrative-sexx, from: PID-8 }\n  birthDate: { integer: PID-7 }\n  active: { fixed: maybe }\n  maritalStatus: PID-16\n  deceasedBoolean: PID-30x\n  contact: [ { name: { from: PID-5, as: CX-Identifier } } ]\n  multipleBirth: PID-25\n  communication: { preferred: { fixed: true } }\n  managingOrganization: [ { from: PID-3, as: CX-Identifier } ]\nkeey: PID-3\n";
    let cx = "datatype: CX\ntype: Identifier\nelements:\n  value: XPN.1\n  use: { fixed: offical }\n  system: { authority: CX.4, when: CX.4 == X }\n";
    let found = problems(&[
        ("segments/PID-Patient.yaml", pid),
        ("datatypes/CX-Identifier.yaml", cx),
        ("tables/administrative-sex.yaml", "table: administrative-sex\ncodes: { F: female }\n"),
        ("tabels/x.yaml", "table: x\n"),
    ]);
    let expected = [
        "mappings/datatypes/CX-Identifier.yaml:4:10: `XPN.1`: this file reads CX; write `CX.1`",
        "mappings/datatypes/CX-Identifier.yaml:5:17: `offical` is not a code of `Identifier.use`; did you mean `official`?",
        "mappings/segments/PID-Patient.yaml:4:3: Patient has no element `nmae`; did you mean `name`?",
        "mappings/segments/PID-Patient.yaml:5:20: there is no table `administrative-sexx`; did you mean `administrative-sex`?",
        "mappings/segments/PID-Patient.yaml:6:14: this element is a date, not a integer",
        "mappings/segments/PID-Patient.yaml:7:20: `active` must be true or false",
        "mappings/segments/PID-Patient.yaml:8:18: `maritalStatus` is a CodeableConcept; write its elements in place",
        "mappings/segments/PID-Patient.yaml:9:20: `PID-30x` is not a place in a segment",
        "mappings/segments/PID-Patient.yaml:10:41: this element is a HumanName, but the map gives a Identifier",
        "mappings/segments/PID-Patient.yaml:11:3: say which type: multipleBirthBoolean, multipleBirthInteger",
        "mappings/segments/PID-Patient.yaml:12:18: Patient.communication must have `language`; say where it comes from",
        "mappings/segments/PID-Patient.yaml:13:25: `managingOrganization` takes one value",
        "mappings/segments/PID-Patient.yaml:14:1: unknown key `keey`; did you mean `key`?",
        "mappings/tabels/x.yaml:1:1: a mapping file lies in messages/, segments/, datatypes/, tables/ or readings/",
    ];
    for expected in expected {
        assert!(found.iter().any(|found| found.starts_with(expected)), "missing: {expected}\nfound: {found:#?}");
    }
    // One more: the condition of CX-Identifier.
    assert_eq!(found.len(), expected.len() + 1, "{found:#?}");
}

#[test]
fn a_table_must_give_codes_that_the_element_takes() {
    let found = problems(&[
        (
            "segments/PID-Patient.yaml",
            "segment: PID\nresource: Patient\nelements:\n  gender: { table: sex, from: PID-8 }\n",
        ),
        ("tables/sex.yaml", "table: sex\ncodes:\n  F: female\n  M: man\n"),
    ]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("mappings/tables/sex.yaml:4:6: `man` is not a code of `Patient.gender`"),
        "{}",
        found[0]
    );
}

#[test]
fn maps_cannot_call_each_other_in_a_circle() {
    let found = problems(&[
        (
            "datatypes/CX-Identifier.yaml",
            "datatype: CX\ntype: Identifier\nelements:\n  value: CX.1\n  assigner: { from: CX.4, as: HD-Organization }\n",
        ),
        (
            "datatypes/HD-Organization.yaml",
            "datatype: HD\nresource: Organization\nelements:\n  identifier: { from: HD.1, as: CX-Identifier }\n",
        ),
    ]);
    assert!(found.iter().any(|found| found.contains("calls itself")), "{found:?}");
}

#[test]
fn a_file_that_is_no_yaml_is_one_problem_and_the_rest_still_compiles() {
    let files =
        [("segments/PID-Patient.yaml", "segment: [PID\n"), ("tables/sex.yaml", "table: sex\ncodes: { F: female }\n")];
    let (_, problems) = compile(&layers(&files));
    assert_eq!(problems.len(), 1);
    assert!(matches!(&problems[0].place, Place::File(mark) if &*mark.file == "mappings/segments/PID-Patient.yaml"));
}

#[test]
fn a_layer_changes_only_what_it_names_and_keeps_its_own_lines() {
    let base = layers(&[
        (
            "segments/PID-Patient.yaml",
            "segment: PID\nresource: Patient\nelements:\n  gender: PID-8\n  birthDate: PID-7\n",
        ),
        ("tables/sex.yaml", "table: sex\ncodes: { F: female, M: male }\n"),
    ]);
    let site = [
        (
            "segments/PID-Patient.yaml",
            "elements:\n  gender: ~\n  birthDate: { date: PID-7x }\n  active: { fixed: true }\n",
        ),
        ("tables/sex.yaml", "codes: { W: female }\n"),
    ];
    let site = site.iter().map(|(name, text)| Source::new(format!("mappings/site/{name}"), text)).collect();
    let (set, problems) = compile(&base.with_site(site));
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].to_string().starts_with("mappings/site/segments/PID-Patient.yaml:3:"), "{}", problems[0]);
    let names: Vec<&str> = set.maps[0].template.entries.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, ["active"]);
    assert_eq!(set.tables[0].codes.len(), 3);
}

#[test]
fn a_field_beyond_the_standards_segment_is_a_warning_that_names_its_length() {
    let text = "elements:\n  maritalStatus: { table: marital-status, from: PID-700 }\n  gender: { table: administrative-sex, from: PID-8, when: PV1-90 = Y }\n  birthDate: { date: ZPI-90 }\n";
    let layers = Layers::built_in().with_site(vec![Source::new("mappings/segments/PID-Patient.yaml", text)]);
    let (_, problems) = compile(&layers);
    let told: Vec<String> = problems.iter().filter(|problem| !problem.is_error()).map(ToString::to_string).collect();
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(told[0].contains(":2:") && told[0].contains("PID has 40 fields"), "{told:#?}");
    assert!(told[1].contains(":3:") && told[1].contains("PV1 has 54 fields"), "{told:#?}");
}

#[test]
fn only_a_time_stands_in_for_a_field_that_is_meant_for_it() {
    let map = "segment: PID\nresource: Patient\nelements:\n  identifier: { each: PID-3, as: CX-Identifier }\n  \
               birthDate: { first: [PID-7, { from: PID-33, instead-of: this }] }\n  \
               active: { from: PID-30, instead-of: PID-31 }\n  deceasedDateTime: { from: PID-33, instead-of: PID-29 }\nkey: identifier\n";
    let cx = "datatype: CX\ntype: Identifier\nelements:\n  value: CX.1\n";
    let found = problems(&[("segments/PID-Patient.yaml", map), ("datatypes/CX-Identifier.yaml", cx)]);
    let [this, active] = found.as_slice() else { panic!("{found:#?}") };
    assert!(this.contains("PID-Patient.yaml:5:") && this.contains("`instead-of` names the field"), "{this}");
    assert!(active.contains("PID-Patient.yaml:6:") && active.contains("`instead-of` names the field"), "{active}");
}
