//! CDS Hooks 2.0 cards (https://cds-hooks.hl7.org/2.0/): what comes up when the patient is in the practice. The questions
//! that wait for an answer, open alerts, and open tasks that say they belong in the visit.

use std::borrow::Cow;
use std::cmp::Reverse;

use serde::Serialize;
use serde_json::Value;

use super::memory::Memory;
use super::model::Prompt;
use super::names;
use super::set::ProtocolSet;
use super::view::View;
use super::wording::shorten;
use super::work::{Existing, existing_work};
use crate::identity::ResourceId;

/// The hooks that cards come up at.
pub const HOOKS: [&str; 2] = ["patient-view", "encounter-start"];

const LONGEST_SUMMARY: usize = 140;

/// Work that is owed comes before most questions.
const OF_WORK: u8 = 80;

/// One card. `uuid` is the id of the Flag or Task it shows; a suggestion's is `<flag id>.<answer>`, which is what
/// feedback sends back.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Card {
    pub uuid: String,
    /// At most 140 characters.
    pub summary: String,
    /// Markdown.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
    pub indicator: Indicator,
    pub source: CardSource,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub suggestions: Vec<Suggestion>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selection_behavior: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub override_reasons: Vec<CardCoding>,
    /// Of several that are as serious the heavier come first.
    #[serde(skip)]
    pub weight: u8,
    /// What the card shows, for the decision whether it may be shown: resource type and id.
    #[serde(skip)]
    pub about: (String, ResourceId),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Indicator {
    Critical,
    Warning,
    Info,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CardSource {
    pub label: String,
    pub topic: CardCoding,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CardCoding {
    pub system: &'static str,
    pub code: String,
    pub display: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Suggestion {
    pub label: String,
    pub uuid: String,
}

impl ProtocolSet {
    /// The cards for a patient at a hook, the most serious first; none for hooks that are not ours. Judged at `view.now`, so
    /// that a card never depends on a timer that is still to fire.
    pub fn cards(&self, view: &View<'_>, hook: &str) -> Vec<Card> {
        self.cards_again(view, hook, &mut Memory::default())
    }

    /// The same for a record of which something is remembered.
    pub fn cards_again(&self, view: &View<'_>, hook: &str, memory: &mut Memory) -> Vec<Card> {
        if !HOOKS.contains(&hook) {
            return Vec::new();
        }
        let mut record = Cow::Borrowed(view.record);
        for change in self.look_again(view, memory).changes {
            record.to_mut().apply(&change);
        }
        let existing = existing_work(&record, &mut |stored| memory.work(stored));
        let open = existing.values().filter_map(|works| works.first()).filter(|work| !work.is_ended());
        let mut cards: Vec<Card> = open.filter_map(|work| self.card(work)).collect();
        let order = |card: &Card| (card.indicator, Reverse(card.weight), card.summary.clone());
        cards.sort_by_cached_key(order);
        cards
    }

    fn card(&self, existing: &Existing<'_>) -> Option<Card> {
        let work = &existing.work;
        let protocol = self.protocol(&work.protocol)?;
        let resource = &existing.stored.resource;
        let mut card = Card {
            uuid: existing.stored.id.to_string(),
            summary: String::new(),
            detail: resource.text("description").unwrap_or_default().to_string(),
            indicator: Indicator::Info,
            source: CardSource {
                label: format!("Handover: {}", protocol.title),
                topic: CardCoding {
                    system: names::PROMPT_CODE,
                    code: format!("{}-{}", protocol.name, work.rule),
                    display: protocol.title.clone(),
                },
            },
            suggestions: Vec::new(),
            selection_behavior: None,
            override_reasons: Vec::new(),
            weight: OF_WORK,
            about: (resource.resource_type().to_string(), existing.stored.id),
        };
        if let Some(prompt) = protocol.prompts.iter().find(|prompt| prompt.id == work.rule) {
            ask(&mut card, prompt);
            return Some(card);
        }
        let code_text =
            resource.get("code").and_then(|code| code.get("text")).and_then(Value::as_str).unwrap_or_default();
        card.summary = summary(code_text);
        card.source.topic.system = names::TASK_CODE;
        if let Some(alert) = protocol.alerts.iter().find(|alert| alert.id == work.rule) {
            card.indicator =
                if work.level.as_deref() == Some("warning") { Indicator::Warning } else { Indicator::Critical };
            card.summary = summary(resource.text("description").unwrap_or(&alert.title));
            return Some(card);
        }
        // Who has the patient before them can repeat the reading at once.
        if work.rule == names::REPEAT {
            card.indicator = Indicator::Warning;
            return Some(card);
        }
        protocol.tasks.iter().find(|task| task.id == work.rule && task.card).map(|_| card)
    }
}

fn ask(card: &mut Card, prompt: &Prompt) {
    card.summary = summary(&prompt.ask);
    card.weight = prompt.weight;
    card.detail = prompt.detail.clone();
    for answer in &prompt.answers {
        if answer.is_override {
            card.override_reasons.push(CardCoding {
                system: names::ANSWER,
                code: answer.id.clone(),
                display: answer.label.clone(),
            });
        } else {
            card.suggestions
                .push(Suggestion { label: answer.label.clone(), uuid: format!("{}.{}", card.uuid, answer.id) });
        }
    }
    card.selection_behavior = (!card.suggestions.is_empty()).then_some("at-most-one");
}

fn summary(text: &str) -> String {
    // Nothing lost: the card's detail says it whole.
    shorten(text, LONGEST_SUMMARY)
}
