//! What a resource's text comes to: its problems, each with its place in the file.

use std::sync::Arc;

use serde_json::Value;

use super::input::Piece;
use crate::fhir::{Located, Span, operation_outcome_in_text};
use crate::problem::{Category, Place, Problem};
use crate::profile::{Profiles, validate_against};
use crate::yaml::Mark;

/// A problem, the FHIRPath of what it is about, and its place.
#[derive(Debug, Clone)]
pub struct Finding {
    pub problem: Problem,
    pub mark: Mark,
}

/// One resource that was looked at; none when what was found in a folder is no resource.
pub struct Checked {
    pub findings: Vec<Finding>,
}

/// Checks one text. `is_found` says that it was found in a folder, where there may be other JSON and XML.
pub fn check(piece: &Piece, file: &Arc<str>, is_found: bool, asked: &[String], profiles: &Profiles) -> Option<Checked> {
    let mark = |span: Span| Mark {
        file: Arc::clone(file),
        line: span.line.saturating_add(piece.first_line - 1),
        column: span.column,
        length: span.length,
    };
    let failed = |span: Span, text: &str| {
        let problem = Problem::fatal(Category::Structure, Place::Whole, text);
        Some(Checked { findings: vec![Finding { problem, mark: mark(span) }] })
    };
    let start = Span { line: 1, column: 1, length: 1 };
    let text = match &piece.text {
        Ok(text) => text,
        Err(reason) => return failed(start, reason),
    };
    let located = match Located::read_either(text) {
        Ok(located) => located,
        Err(unreadable) if unreadable.is_other && is_found => return None,
        Err(unreadable) => return failed(unreadable.span, &unreadable.text),
    };
    let faults = located.faults().into_iter();
    let mut findings: Vec<Finding> = faults.map(|(span, problem)| Finding { problem, mark: mark(span) }).collect();
    for problem in validate_against(&located.resource, asked, profiles) {
        let mark = mark(located.place_of(&problem));
        findings.push(Finding { problem, mark });
    }
    findings.sort_by_key(|finding| (finding.mark.line, finding.mark.column));
    Some(Checked { findings })
}

/// An OperationOutcome whose issues have both their FHIRPath and their place in the file.
pub fn outcome(findings: &[Finding]) -> Value {
    let place = |finding: &Finding| (finding.problem.clone(), Place::File(finding.mark.clone()).to_string());
    operation_outcome_in_text(&findings.iter().map(place).collect::<Vec<_>>()).into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn checked(text: &str, is_found: bool) -> Option<Checked> {
        let piece = Piece { first_line: 11, text: Ok(text.to_string()) };
        check(&piece, &"x.ndjson".into(), is_found, &[], Profiles::built_in())
    }

    #[test]
    fn a_fault_has_its_place_in_the_file_and_in_the_resource() {
        let found = checked("{ \"resourceType\": \"Patient\",\n  \"gender\": \"F\" }", false).unwrap();
        let errors: Vec<Finding> = found.findings.into_iter().filter(|finding| finding.problem.is_error()).collect();
        let issue = outcome(&errors)["issue"][0].clone();
        assert_eq!(issue["location"], json!(["x.ndjson:12:13"]));
        assert_eq!((&issue["expression"], &issue["code"]), (&json!(["Patient.gender"]), &json!("code-invalid")));
    }

    #[test]
    fn xml_is_checked_like_json_and_told_with_its_own_lines() {
        let text = "<Patient xmlns=\"http://hl7.org/fhir\">\n  <gender value=\"F\" unit=\"x\"/>\n <multipleBirthInteger value=\"two\"/></Patient>";
        let errors = |text: &str| {
            let findings =
                checked(text, false).unwrap().findings.into_iter().filter(|finding| finding.problem.is_error());
            findings.map(|it| (it.mark.line, it.mark.column, it.problem.to_string())).collect::<Vec<_>>()
        };
        let found = errors(text);
        assert_eq!(
            found.iter().map(|(line, column, _)| (*line, *column)).collect::<Vec<_>>(),
            [(12, 3), (12, 3), (13, 2)]
        );
        assert!(found[0].2.contains("no attribute `unit`") && found[1].2.contains("Patient.gender"), "{found:?}");
        assert!(found[2].2.contains("a whole number") && !found[2].2.contains("quotes"), "{found:?}");
        assert_eq!(errors("<Patient xmlns=\"http://hl7.org/fhir\"><active value=\"true\"/></Patient>"), []);
        assert!(checked("<project xmlns=\"http://maven.apache.org/POM/4.0.0\"/>", true).is_none());
        assert_eq!(checked("<!DOCTYPE a><a/>", true).unwrap().findings.len(), 1);
    }

    #[test]
    fn broken_json_is_a_fault_and_other_json_in_a_folder_is_none() {
        assert!(checked("{}", true).is_none());
        assert_eq!(checked("{}", false).unwrap().findings.len(), 1);
        assert!(checked("{", true).unwrap().findings[0].problem.is_error());
    }

    #[test]
    fn a_key_that_stands_twice_is_a_fault() {
        let found = checked("{ \"resourceType\": \"Patient\", \"active\": true, \"active\": false }", false).unwrap();
        assert!(found.findings.iter().any(|finding| finding.problem.text.contains("twice")));
    }
}
