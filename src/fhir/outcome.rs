//! OperationOutcome (http://hl7.org/fhir/R4/operationoutcome.html): the one translation of problems for FHIR clients.

use serde_json::{Map, Value, json};

use super::Resource;
use crate::problem::{Place, Problem};

/// All problems as one OperationOutcome; an empty list says that all is well.
pub fn operation_outcome(problems: &[Problem]) -> Resource {
    let issues: Vec<Value> = if problems.is_empty() {
        vec![json!({ "severity": "information", "code": "informational", "diagnostics": "All is well." })]
    } else {
        problems.iter().map(issue).collect()
    };
    Resource::new("OperationOutcome").with("issue", Value::Array(issues))
}

/// The same, each with its place in a text, such as `bundle.json:12:5`; empty where it has none.
pub fn operation_outcome_in_text(problems: &[(Problem, String)]) -> Resource {
    if problems.is_empty() {
        return operation_outcome(&[]);
    }
    let issues = problems.iter().map(|(problem, location)| {
        let mut issue = issue(problem);
        if let Some(issue) = issue.as_object_mut().filter(|_| !location.is_empty()) {
            issue.insert("location".to_string(), json!([location]));
        }
        issue
    });
    Resource::new("OperationOutcome").with("issue", Value::Array(issues.collect()))
}

fn issue(problem: &Problem) -> Value {
    let mut issue = Map::new();
    issue.insert("severity".to_string(), json!(problem.severity));
    issue.insert("code".to_string(), json!(problem.category.code()));
    issue.insert("diagnostics".to_string(), json!(problem.text));
    match &problem.place {
        Place::Whole => {}
        Place::Element(path) => {
            issue.insert("expression".to_string(), json!([path]));
        }
        place @ (Place::Field(_) | Place::File(_)) => {
            issue.insert("location".to_string(), json!([place.to_string()]));
        }
    }
    Value::Object(issue)
}
