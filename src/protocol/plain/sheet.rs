//! The whole of a protocol in plain words.

use super::row::PlainRule;
use super::{alerts, rules, words};
use crate::protocol::set::ProtocolSet;

/// A protocol in plain words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    pub name: String,
    pub title: String,
    pub source: String,
    /// Whom it is about.
    pub who: String,
    pub rules: Vec<PlainRule>,
}

impl ProtocolSet {
    /// A protocol in plain words, by its name.
    pub fn plain(&self, name: &str) -> Option<Sheet> {
        let protocol = self.protocol(name)?;
        let sets = self.value_sets();
        let mut all: Vec<PlainRule> = protocol.prompts.iter().map(|prompt| rules::of_prompt(prompt, sets)).collect();
        all.extend(protocol.tasks.iter().map(|task| rules::of_task(task, protocol.quiet_hours, sets)));
        all.extend(protocol.alerts.iter().map(|alert| alerts::of_alert(alert, sets)));
        Some(Sheet {
            name: protocol.name.clone(),
            title: protocol.title.clone(),
            source: protocol.source.clone().unwrap_or_else(|| "not said".to_string()),
            who: words::who(&protocol.who, sets).unwrap_or_else(|| "everybody".to_string()),
            rules: all,
        })
    }
}
