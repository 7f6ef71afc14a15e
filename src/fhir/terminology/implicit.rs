//! Value sets that no resource defines: their URL says what is in them, for SNOMED CT (http://hl7.org/fhir/R4/snomedct.html, implicit value
//! sets) and LOINC (http://hl7.org/fhir/R4/loinc.html).

use percent_encoding::percent_decode_str;

use super::compose::{Compose, Filter, Include, SNOMED};
use super::ecl;
use crate::fhir::definition::split_version;

const LOINC: &str = "http://loinc.org";

const BY_URL: &str = "?fhir_vs";

/// The property that a concept of a release has for each reference set that it is a member of.
pub const MEMBER_OF: &str = "memberOf";
/// How many members a reference set has, as a property of its own concept.
pub const MEMBERS: &str = "members";
/// The property that an answer of LOINC has for each list that it is in.
pub const ANSWER_LIST: &str = "LIST";

/// The key under which the members of a reference set are found, beside the concepts below each.
pub fn members_key(set: &str) -> String {
    format!("^{set}")
}

/// What such a URL says; none for any other URL, and why for one that says what cannot be told.
pub fn implicit(canonical: &str) -> Option<Result<Compose, String>> {
    if let Some((edition, rest)) = by_edition(canonical) {
        return Some(snomed(edition, rest));
    }
    let rest = split_version(canonical).0.strip_prefix(LOINC)?.strip_prefix("/vs")?;
    if rest.is_empty() {
        return Some(Ok(of(LOINC, None, Vec::new())));
    }
    let id = rest.strip_prefix('/')?;
    Some(match id.get(..2) {
        Some("LL") => Ok(of(LOINC, None, vec![filter(ANSWER_LIST, "=", id)])),
        Some("LP") => Ok(of(LOINC, None, vec![filter("ancestor", "=", id)])),
        _ => Err(format!("`{id}` is no answer list (LL…) and no part (LP…) of LOINC")),
    })
}

/// The code system that such a URL is about, and the version of it that it asks for, where it does.
pub fn implicit_version(canonical: &str) -> Option<(&'static str, &str)> {
    match by_edition(canonical) {
        Some((edition, _)) => (edition != SNOMED).then_some((SNOMED, edition)),
        None => implicit(canonical).and(split_version(canonical).1).map(|version| (LOINC, version)),
    }
}

/// A URL of SNOMED CT: the edition that it begins with, and what it asks for.
fn by_edition(canonical: &str) -> Option<(&str, &str)> {
    let (edition, rest) = canonical.split_once(BY_URL)?;
    let below = edition.strip_prefix(SNOMED)?;
    (below.is_empty() || below.starts_with('/')).then_some((edition, rest))
}

fn snomed(edition: &str, rest: &str) -> Result<Compose, String> {
    let version = Some(edition).filter(|edition| *edition != SNOMED);
    let sct = |filters| Ok(of(SNOMED, version, filters));
    let rest = percent_decode_str(rest).decode_utf8().map_err(|_| "it is not UTF-8".to_string())?;
    if rest.is_empty() {
        return sct(Vec::new());
    }
    let asked = rest.strip_prefix('=').unwrap_or_default();
    match asked.split_once('/') {
        None if asked == "refset" => sct(vec![filter(MEMBERS, "exists", "true")]),
        Some(("isa", id)) => sct(vec![filter("concept", "is-a", sctid(id)?)]),
        Some(("refset", id)) => sct(vec![filter("concept", "in", sctid(id)?)]),
        Some(("ecl", constraint)) => {
            let mut compose = ecl::compose(constraint)?;
            let own = |rule: &&mut Include| rule.system.is_some();
            let rules = compose.include.iter_mut().chain(&mut compose.exclude).filter(own);
            rules.for_each(|rule| rule.version = version.map(str::to_string));
            Ok(compose)
        }
        _ => {
            Err("after `fhir_vs` there is nothing, or `=isa/ID`, `=refset`, `=refset/ID` or `=ecl/CONSTRAINT`"
                .to_string())
        }
    }
}

fn sctid(id: &str) -> Result<&str, String> {
    let is_one = (6..=18).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit());
    is_one.then_some(id).ok_or_else(|| format!("`{id}` is no SNOMED CT identifier"))
}

fn of(system: &str, version: Option<&str>, filters: Vec<Filter>) -> Compose {
    let (system, version) = (Some(system.to_string()), version.map(str::to_string));
    Compose { include: vec![Include { system, version, filters, ..Include::default() }], exclude: Vec::new() }
}

fn filter(property: &str, operator: &str, value: &str) -> Filter {
    Filter { property: property.to_string(), operator: operator.to_string(), value: value.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_say_what_is_in_them() {
        let rule = |url: &str| implicit(url).unwrap().unwrap().include.remove(0);
        let all = rule("http://snomed.info/sct?fhir_vs");
        assert_eq!((all.system.as_deref(), all.version, all.filters.len()), (Some(SNOMED), None, 0));
        let edition = "http://snomed.info/sct/731000124108/version/20250301";
        let below = rule(&format!("{edition}?fhir_vs=isa/73211009"));
        assert_eq!(
            (below.version.as_deref(), &below.filters[0]),
            (Some(edition), &filter("concept", "is-a", "73211009"))
        );
        assert_eq!(
            rule("http://snomed.info/sct?fhir_vs=refset/723264001").filters,
            [filter("concept", "in", "723264001")]
        );
        assert_eq!(rule("http://snomed.info/sct?fhir_vs=refset").filters, [filter(MEMBERS, "exists", "true")]);
        let by_constraint = "http://snomed.info/sct?fhir_vs=ecl/%3C%2073211009%20%7CDiabetes%7C";
        assert_eq!(rule(by_constraint).filters, [filter("concept", "descendent-of", "73211009")]);
        assert_eq!(rule("http://loinc.org/vs/LL1162-8").filters, [filter("LIST", "=", "LL1162-8")]);
        assert_eq!(rule("http://loinc.org/vs/LP14885-5").filters, [filter("ancestor", "=", "LP14885-5")]);
        assert_eq!(rule("http://loinc.org/vs").system.as_deref(), Some(LOINC));
    }

    #[test]
    fn versions_stand_within_or_behind_them() {
        let edition = "http://snomed.info/sct/731000124108";
        assert_eq!(implicit_version(&format!("{edition}?fhir_vs=refset")), Some((SNOMED, edition)));
        assert_eq!(implicit_version("http://snomed.info/sct?fhir_vs=ecl/73211009 |Diabetes|"), None);
        assert_eq!(implicit_version("http://loinc.org/vs/LL1162-8|2.80"), Some((LOINC, "2.80")));
        assert_eq!(implicit_version("http://hl7.org/fhir/ValueSet/a|4.0.1"), None);
    }

    #[test]
    fn what_they_cannot_say_is_told() {
        for url in
            ["http://loinc.org/vs/8480-6", "http://snomed.info/sct?fhir_vs=isa/x", "http://snomed.info/sct?fhir_vs=all"]
        {
            assert!(implicit(url).unwrap().is_err(), "{url}");
        }
        for url in [
            "http://snomed.info/sct",
            "http://loinc.org",
            "http://hl7.org/fhir/ValueSet/a",
            "http://loinc.organic/vs/LL1",
        ] {
            assert_eq!(implicit(url).map(|told| told.is_ok()), None, "{url}");
        }
    }
}
