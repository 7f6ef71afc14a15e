//! At most three cards in a visit, the heaviest first, and one for the rest: who has a patient before them reads three lines, not
//! twelve (alert fatigue is why cards are switched off). What is critical is never behind another card.

use super::cards::{Card, CardCoding, CardSource, Indicator, Suggestion};
use super::names;

/// Cards shown by themselves.
const MOST_SHOWN: usize = 3;

/// The cards as a visit shows them; they come most serious and heaviest first.
pub fn bundled(mut cards: Vec<Card>) -> Vec<Card> {
    let critical = cards.iter().filter(|card| card.indicator == Indicator::Critical).count();
    // Nothing lost: one card stands for those that are not shown by themselves.
    let shown = critical.max(MOST_SHOWN);
    // One card for one more would say less than that one.
    if cards.len() <= shown + 1 {
        return cards;
    }
    let rest = cards.split_off(shown);
    cards.push(together(&rest));
    cards
}

/// One card that names the rest, and takes their answers.
fn together(rest: &[Card]) -> Card {
    let lines: Vec<String> = rest.iter().map(|card| format!("- {}", card.summary)).collect();
    let suggestions: Vec<Suggestion> = rest
        .iter()
        .flat_map(|card| {
            let label = |one: &Suggestion| format!("{}: {}", card.summary, one.label);
            card.suggestions.iter().map(move |one| Suggestion { label: label(one), uuid: one.uuid.clone() })
        })
        .collect();
    let indicator = rest.iter().map(|card| card.indicator).min().unwrap_or(Indicator::Info);
    Card {
        // The first of them stands for all: feedback that says no more than that it was shown has somewhere to go.
        uuid: rest.first().map(|card| card.uuid.clone()).unwrap_or_default(),
        summary: format!("{} more for this visit", rest.len()),
        detail: lines.join("\n"),
        indicator,
        source: CardSource {
            label: "Handover".to_string(),
            topic: CardCoding {
                system: names::PROMPT_CODE,
                code: "more".to_string(),
                display: "More for this visit".to_string(),
            },
        },
        selection_behavior: (!suggestions.is_empty()).then_some("any"),
        suggestions,
        override_reasons: Vec::new(),
        weight: 0,
        about: rest
            .first()
            .map(|card| card.about.clone())
            .unwrap_or_else(|| (String::new(), crate::identity::ResourceId::FIRST)),
    }
}
