//! `labels:` and `uncoded_diagnoses:` of a feed: what all it sends, or some of it, is labelled as, because of who treated.

use serde_json::Value;

use crate::agreement::{Uncoded, security_label, security_label_codes};
use crate::mapping::MessageCondition;
use crate::problem::{Category, Problem};
use crate::yaml::{Fields, Node, nearest};

/// What a feed's content is labelled as.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Labelling {
    pub rules: Vec<LabelRule>,
    pub uncoded: Uncoded,
}

/// Labels of what is told of a patient by messages that meet a condition; by all without one.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelRule {
    pub labels: Vec<Value>,
    pub when: Option<MessageCondition>,
}

pub(super) fn read(fields: &mut Fields<'_>, problems: &mut Vec<Problem>) -> Labelling {
    let rules = fields.list("labels").into_iter().map(|node| rule(node, problems)).collect();
    let choices = [("recognised", Uncoded::Recognised), ("restricted", Uncoded::Restricted)];
    Labelling { rules, uncoded: fields.choice("uncoded_diagnoses", &choices).unwrap_or_default() }
}

fn rule(node: &Node, problems: &mut Vec<Problem>) -> LabelRule {
    let mut fields = Fields::of(node, "a rule of labels");
    fields.required("give");
    let mut labels = Vec::new();
    for given in fields.list("give") {
        let code = given.as_text().unwrap_or_default();
        match security_label(&code) {
            Some(label) => labels.push(label),
            None => {
                let hint = nearest(&code, security_label_codes().iter().copied());
                let hint = hint.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                let text = format!("`{code}` is no security label of HL7 (v3-Confidentiality, v3-ActCode){hint}");
                fields.report(given.mark.problem(Category::CodeInvalid, text));
            }
        }
    }
    let when = fields.optional("when").and_then(|node| {
        let read = MessageCondition::parse(&node.as_text().unwrap_or_default());
        read.map_err(|text| fields.report(node.mark.problem(Category::Value, text))).ok()
    });
    fields.finish(problems);
    LabelRule { labels, when }
}
