//! `notices:` of a segment map.

use super::element::Compiler;
use crate::mapping::language::Notice;
use crate::problem::{Category, Severity};
use crate::unused::{Duty, Kind};
use crate::yaml::{Fields, Node};

const SEVERITIES: [(&str, Severity); 2] = [("warning", Severity::Warning), ("information", Severity::Information)];
const DUTIES: [(&str, Duty); 2] = [("feed", Duty::Feed), ("practice", Duty::Practice)];

impl Compiler<'_> {
    pub fn notices(&mut self, node: Option<&Node>) -> Vec<Notice> {
        let Some(node) = node else { return Vec::new() };
        let Some(items) = node.as_list() else {
            self.report(node, Category::Structure, "notices are a list of `- when: …` with `at`, `kind` and `text`");
            return Vec::new();
        };
        items.iter().filter_map(|item| self.notice(item)).collect()
    }

    fn notice(&mut self, node: &Node) -> Option<Notice> {
        let mut fields = Fields::of(node, "a notice");
        let (when, at, of) = (fields.required("when"), fields.required("at"), fields.optional("of"));
        let kinds: Vec<(&'static str, Kind)> = Kind::ALL.into_iter().map(|kind| (kind.word(), kind)).collect();
        fields.required("kind");
        let kind = fields.choice("kind", &kinds);
        let severity = fields.choice("severity", &SEVERITIES).unwrap_or(Severity::Warning);
        let duty = fields.choice("duty", &DUTIES);
        let text = fields.required_text("text");
        fields.finish(self.problems);
        let (when, at, of) = (self.when(when), at.and_then(|at| self.path(at)), self.path_of(of));
        Some(Notice { when: when?, at: at?, kind: kind?, severity, duty, of, text: text? })
    }
}
