//! Whole sites: the demo's, one with mistakes, and small ones made to break one rule each.

use std::path::Path;

use super::{Loaded, StoreChoice, load, render};

fn fixture(name: &str) -> Loaded {
    load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name))
}

/// A site of the given files, each `(name, text)`, checked.
fn site_of(files: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    load(folder.path()).problems.iter().map(ToString::to_string).collect()
}

const SETTINGS: (&str, &str) = ("handover.yaml", "http: { listen: '127.0.0.1:8080' }\n");

#[test]
fn the_demo_site_checks_clean() {
    let loaded = fixture("demo");
    assert_eq!(render(&loaded.problems, &loaded.sources, false, 100), "");
    let site = loaded.site.unwrap();
    assert_eq!(site.settings.store, StoreChoice::Fjall);
    assert_eq!(site.feeds["riverside"].identified_by, ["urn:oid:2.16.840.1.113883.19.5"]);
    let panel = &site.panels["lakeside"];
    let roster = std::fs::read(site.folder.join(panel.members.as_ref().unwrap())).unwrap();
    let roster = site.read_roster(panel, "panels/lakeside.csv", &roster);
    assert_eq!((roster.members.len(), roster.problems.len()), (8, 0));
}

#[test]
fn every_mistake_of_a_site_is_told_in_one_run_with_its_line_and_what_to_do() {
    let loaded = fixture("broken");
    assert!(loaded.site.is_none());
    insta::assert_snapshot!(render(&loaded.problems, &loaded.sources, false, 120));
}

#[test]
fn a_folder_without_settings_or_that_is_not_there_is_one_problem() {
    assert_eq!(site_of(&[]).len(), 1);
    let missing = load(Path::new("no/such/folder"));
    assert_eq!(missing.problems.len(), 1);
    assert!(missing.site.is_none());
}

#[test]
fn files_nobody_reads_are_named_with_what_they_were_meant_to_be() {
    let problems =
        site_of(&[SETTINGS, ("feeds/a.yml", ""), ("feed/a.yaml", ""), ("handover.yam", ""), ("README.md", "")]);
    assert_eq!(problems.len(), 3, "{problems:?}");
    assert!(problems.iter().any(|text| text.contains("rename it to `a.yaml`")), "{problems:?}");
    assert!(problems.iter().any(|text| text.contains("did you mean the folder `feeds`?")), "{problems:?}");
    assert!(problems.iter().any(|text| text.contains("did you mean `handover.yaml`?")), "{problems:?}");
}

#[test]
fn sled_is_taken_with_a_warning_of_what_was_measured() {
    let problems = site_of(&[("handover.yaml", "http: { listen: '127.0.0.1:8080' }\nstore: { engine: sled }\n")]);
    assert_eq!(problems.len(), 1);
    assert!(problems[0].contains("29 of 30 cuts"), "{problems:?}");
}

#[test]
fn two_listeners_on_one_port_and_listening_everywhere_without_tls_are_faults() {
    let feed = "feed: a\nzone: UTC\nauthorities: { default_patient: 'urn:x:1' }\nmllp: { listen: '0.0.0.0:8080' }\n";
    let problems = site_of(&[SETTINGS, ("feeds/a.yaml", feed)]);
    assert!(problems.iter().any(|text| text.contains("port 8080 is taken already at handover.yaml:1")), "{problems:?}");
    assert!(problems.iter().any(|text| text.contains("without TLS")), "{problems:?}");
    assert!(problems.iter().any(|text| text.contains("`peers` is missing here")), "{problems:?}");
}

#[test]
fn a_certificate_and_a_key_that_do_not_belong_together_are_refused() {
    let pem = || rcgen::generate_simple_self_signed(["localhost".to_string()]).unwrap();
    let (one, other) = (pem(), pem());
    let settings = "http: { listen: '0.0.0.0:8443', tls: { certificate: c.pem, key: k.pem } }\n";
    let site = |key: String| site_of(&[("handover.yaml", settings), ("c.pem", &one.cert.pem()), ("k.pem", &key)]);
    assert_eq!(site(one.signing_key.serialize_pem()), Vec::<String>::new());
    let problems = site(other.signing_key.serialize_pem());
    assert!(problems.iter().any(|text| text.contains("cannot be used together")), "{problems:?}");
    let problems = site_of(&[("handover.yaml", settings)]);
    assert_eq!(problems.iter().filter(|text| text.contains("there is no file")).count(), 2, "{problems:?}");
}

#[test]
fn a_token_in_the_site_and_a_file_under_another_name_are_faults() {
    let feed =
        "feed: b\nzone: UTC\nauthorities: { default_patient: 'urn:x:1' }\nhttp: { credentials: { token: abc } }\n";
    let problems = site_of(&[SETTINGS, ("feeds/a.yaml", feed)]);
    assert!(problems.iter().any(|text| text.contains("a token does not stand in the site")), "{problems:?}");
    assert!(problems.iter().any(|text| text.contains("the file is a.yaml")), "{problems:?}");
    assert!(!problems.iter().any(|text| text.contains("abc")), "{problems:?}");
}

#[test]
fn two_partners_with_one_client_id_cannot_be_told_apart() {
    let partner = |name: &str| {
        format!("partner: {name}\nclient: {{ id: ehr, jwks: 'https://x.example/jwks', scopes: [system/Task.rs] }}\n")
    };
    let problems = site_of(&[SETTINGS, ("partners/a.yaml", &partner("a")), ("partners/b.yaml", &partner("b"))]);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains("partner `a`'s already"));
}

#[test]
fn a_private_key_in_a_partners_jwks_is_refused() {
    let text = "partner: a\nclient:\n  id: ehr\n  jwks: { keys: [{ kty: EC, kid: x, crv: P-384, x: a, y: b, d: c }] }\n  \
                scopes: [system/Task.rs]\n";
    let problems = site_of(&[SETTINGS, ("partners/a.yaml", text)]);
    assert!(problems[0].contains("private key"), "{problems:?}");
}

#[test]
fn numbers_that_two_feeds_name_are_owned_by_whoever_says_so_and_else_by_nobody() {
    let feed = |name: &str, port: u16, more: &str| {
        format!(
            "feed: {name}\nzone: UTC\nmllp: {{ listen: '127.0.0.1:{port}' }}\n\
             authorities: {{ namespaces: {{ N: 'urn:example:n', M: 'urn:example:m' }} }}\n{more}"
        )
    };
    let owned = |first: &str, second: &str| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("feeds")).unwrap();
        std::fs::write(folder.path().join(SETTINGS.0), SETTINGS.1).unwrap();
        std::fs::write(folder.path().join("feeds/a.yaml"), feed("a", 4001, first)).unwrap();
        std::fs::write(folder.path().join("feeds/b.yaml"), feed("b", 4002, second)).unwrap();
        let loaded = load(folder.path());
        let said: Vec<String> = loaded.problems.iter().map(ToString::to_string).collect();
        let site = loaded.site.unwrap();
        let of = |name: &str| (site.feeds[name].owns.join(" "), site.feeds[name].foreign.join(" "));
        (of("a"), of("b"), said)
    };
    let pair = |owns: &str, foreign: &str| (owns.to_string(), foreign.to_string());
    let (n, m) = ("urn:example:n", "urn:example:m");
    let (a, b, said) = owned("identified_by: [N]\n", "identified_by: [M, N]\n");
    assert_eq!((a, b), (pair("", m), pair(m, "")), "N is nobody's until somebody says whose");
    assert!(matches!(said.as_slice(), [one] if one.contains("a, b") && one.contains(n)), "{said:?}");
    let (a, b, said) = owned("identified_by: [N]\nowns: [N]\n", "identified_by: [M, N]\n");
    assert_eq!((a, b, said.len()), (pair(n, m), pair(m, n), 0));
    let (a, b, said) = owned("identified_by: [N]\n", "identified_by: [M]\nowns: [N]\n");
    assert_eq!((a, b, said.len()), (pair("", n), pair(n, ""), 0), "who says what it owns owns no more");
}

#[test]
fn facilities_that_share_one_numbering_say_so() {
    let feed = |more: &str| {
        let text = format!(
            "feed: a\nzone: UTC\nmllp: {{ listen: '127.0.0.1:0' }}\nauthorities: {{ namespaces: {{ N: 'urn:example:n' }} }}\n\
             identified_by: [N]\n{more}"
        );
        site_of(&[SETTINGS, ("feeds/a.yaml", &text)])
    };
    let warned = feed("facilities: [NORTH, SOUTH]\n");
    assert!(matches!(warned.as_slice(), [one] if one.contains("2 facilities send here")), "{warned:?}");
    assert_eq!(feed("facilities: [NORTH]\n"), Vec::<String>::new());
    assert_eq!(feed("facilities: [NORTH, SOUTH]\nowns: [N]\n"), Vec::<String>::new());
    assert_eq!(feed("owns: [M]\n").len(), 1, "what nothing is called");
}

#[test]
fn a_private_key_in_the_data_folder_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let pem = rcgen::generate_simple_self_signed(["localhost".to_string()]).unwrap();
    let settings = "http: { listen: '0.0.0.0:8443', tls: { certificate: c.pem, key: keys/k.pem } }\n";
    let key = folder.path().join("data/k.pem");
    std::fs::create_dir(folder.path().join("data")).unwrap();
    std::fs::write(folder.path().join("handover.yaml"), settings).unwrap();
    std::fs::write(folder.path().join("c.pem"), pem.cert.pem()).unwrap();
    std::fs::write(&key, pem.signing_key.serialize_pem()).unwrap();
    // By whatever path it is named.
    std::os::unix::fs::symlink("data", folder.path().join("keys")).unwrap();
    let problems = |mode: u32| {
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
        load(folder.path()).problems.iter().filter(|problem| problem.is_error()).map(ToString::to_string).collect()
    };
    assert_eq!(problems(0o600), Vec::<String>::new());
    for mode in [0o640, 0o604] {
        let told: Vec<String> = problems(mode);
        assert!(told.len() == 1 && told[0].contains("lies in the data folder"), "{told:?}");
    }
}
