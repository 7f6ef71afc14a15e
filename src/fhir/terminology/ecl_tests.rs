//! What constraints find in a small code system, and which are refused.

use super::compose::{SNOMED, by_constraint};
use super::ecl::compose;
use super::{ExpansionAsked, Membership, Unexpandable};
use crate::fhir::{Library, PackageFile, PackageSource};

/// 100000 stands over 200000 and 300000; 200000 over 210000, 220000; 300000 over 220000, 310000; 310000 over 311000.
fn library() -> Library {
    let text = "codesystem http://snomed.info/sct complete\n100000 = All\n 200000 = Heart\n  210000 = Rate\n  220000 <300000 = Both\n 300000 = Lung\n  310000 = Breath\n   311000 = Breath at night\n\n\
        valueset http://v.example/constraint\n+ http://snomed.info/sct where constraint = \"< 200000 |Heart|\"\n\n\
        valueset http://v.example/ancestor\n+ http://snomed.info/sct where ancestor = 310000\n\n\
        valueset http://v.example/both\n+ http://snomed.info/sct where concept is-a 300000 where constraint = \"< 200000\"\n";
    let file = PackageFile { name: "sct.txt".into(), text: text.into() };
    let (library, problems) = Library::with(&[PackageSource { files: vec![file] }]);
    assert_eq!(problems, []);
    library
}

fn found(library: &Library, url: &str) -> Result<Vec<String>, Unexpandable> {
    let compose = library.value_set(url).ok_or_else(|| Unexpandable::ValueSet(url.to_string()))?;
    let asked = ExpansionAsked::default();
    let mut codes: Vec<_> = library.expand(&compose, &asked, 99)?.contains.into_iter().map(|one| one.code).collect();
    codes.sort();
    Ok(codes)
}

#[test]
fn constraints_find_what_they_say() {
    let library = library();
    for (constraint, wanted) in [
        ("* AND *", "100000 200000 210000 220000 300000 310000 311000"),
        ("* AND < 310000", "311000"),
        ("* MINUS < 100000", "100000"),
        ("*", "100000 200000 210000 220000 300000 310000 311000"),
        ("310000", "310000"),
        ("310000 |Breath \u{2013} of all kinds|", "310000"),
        ("< 300000", "220000 310000 311000"),
        ("<<300000", "220000 300000 310000 311000"),
        ("<! 300000 /* not deeper */", "220000 310000"),
        ("<<! 300000", "220000 300000 310000"),
        ("> 220000", "100000 200000 300000"),
        (">> 311000", "100000 300000 310000 311000"),
        (">! 220000", "200000 300000"),
        (">>! 220000", "200000 220000 300000"),
        ("< 200000 AND < 300000", "220000"),
        ("<200000,<300000", "220000"),
        ("< 200000 or < 310000", "210000 220000 311000"),
        ("< 100000 MINUS << 300000", "200000 210000"),
        ("<< (210000 OR 310000)", "210000 310000 311000"),
        ("< 100000 MINUS (<< 200000 OR 310000)", "300000 311000"),
        ("(< 200000 OR < 310000) AND (< 300000 MINUS 311000)", "220000"),
        ("< 999999", ""),
        ("999999", ""),
    ] {
        let codes = found(&library, &by_constraint(constraint));
        assert_eq!(codes.map(|codes| codes.join(" ")), Ok(wanted.to_string()), "{constraint}");
        for code in ["210000", "220000", "300000", "311000"] {
            let member = library.membership(&by_constraint(constraint), Some(SNOMED), code);
            let is_in = member == Membership::In;
            assert_eq!(is_in, wanted.contains(code), "{code} in {constraint}: {member:?}");
        }
        let other = library.membership(&by_constraint(constraint), Some("http://loinc.org"), "210000");
        assert_eq!(other, Membership::Out, "a code of another system in {constraint}");
    }
    assert_eq!(found(&library, "http://v.example/constraint"), Ok(vec!["210000".to_string(), "220000".to_string()]));
    assert_eq!(found(&library, "http://v.example/ancestor"), Ok(vec!["311000".to_string()]));
    assert_eq!(found(&library, "http://v.example/both"), Ok(vec!["220000".to_string()]));
    let set = found(&library, &by_constraint("^ 210000"));
    assert!(matches!(&set, Err(Unexpandable::Filter(rule)) if rule.contains("concept in 210000")), "{set:?}");
}

#[test]
fn what_cannot_be_told_is_refused_with_its_place() {
    for (constraint, part) in [
        ("", "a SNOMED CT identifier, `*` or `(`, before its end"),
        ("< 100000 AND", "before its end"),
        ("< 100000 AND < 200000 OR 300000", "brackets say which of AND and OR"),
        ("100000 MINUS 200000 MINUS 300000", "brackets around"),
        ("(< 100000", "`)`"),
        ("100000 |Al", "the `|` that ends a term"),
        ("12345", "identifier"),
        ("< 100000: 363698007 = 200000", "a refinement by attributes"),
        ("< 100000 {{ term = \"x\" }}", "a filter of descriptions"),
        ("< 100000 . 363698007", "the value of an attribute"),
        ("< ^ 100000", "where the members of a reference set stand"),
        ("^ (100000)", ""),
        ("<< (100000 AND 200000)", "where what another constraint finds stands"),
        ("100000 200000", "AND, OR, MINUS or the end"),
    ] {
        match compose(constraint) {
            Ok(_) => assert_eq!(constraint, "^ (100000)"),
            Err(reason) => assert!(reason.contains(part), "{constraint}: {reason}"),
        }
    }
    let deep = format!("{}100000{}", "(".repeat(9), ")".repeat(9));
    assert!(compose(&deep).unwrap_err().contains("brackets"));
    assert!(compose(&format!("{}100000", "100000 OR ".repeat(50))).unwrap_err().contains("more than 50 concepts"));
    assert!(compose(&"100000 OR ".repeat(1000)).unwrap_err().contains("may have 4096"));
}
