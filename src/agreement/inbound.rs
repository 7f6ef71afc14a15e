//! What a partner may send: the one gate for everything that comes in from a partner, an answered card now and each write to
//! come. `sends:` names types (`Observation`) and elements of types (`Task.status`).

use jiff::Timestamp;

use super::decide::covers_patient;
use super::decision::{Decision, Verdict};
use super::model::{Agreement, Push, Standing};
use super::set::AgreementSet;
use crate::fhir::Definitions;
use crate::fhir::definition::Kind;
use crate::problem::{Problem, Severity};
use crate::yaml::{Mark, Node, nearest};

/// Something that a partner would write.
#[derive(Debug, Clone, Copy)]
pub struct Offer<'a> {
    pub partner: &'a str,
    /// `Flag.status`, `Observation`
    pub what: &'a str,
    /// The panels that the patient is a member of.
    pub panels: &'a [&'a str],
    pub now: Timestamp,
}

impl AgreementSet {
    /// Whether a partner may write this about a patient, and the line that says so. Leave to send a type is leave to send
    /// its elements.
    pub fn admits(&self, offer: &Offer<'_>) -> Decision {
        let opinions = self.of(offer.partner).map(|agreement| weigh(agreement, offer));
        // Of refusals, the one that came nearest.
        let best = opinions.reduce(|best, other| if other.0 > best.0 { other } else { best });
        best.map_or_else(|| Decision::without_agreement(offer.partner), |(_, decision)| decision)
    }
}

fn weigh(agreement: &Agreement, offer: &Offer<'_>) -> (u8, Decision) {
    let name = &agreement.name;
    let refuse = |stage: u8, because: String, at: Option<&Mark>| (stage, say(agreement, Verdict::Denied, because, at));
    let (standing, standing_at) = agreement.standing(offer.now);
    if standing != Standing::Active {
        return refuse(0, format!("the agreement {name} {}", standing.words()), standing_at);
    }
    if let Err(because) = covers_patient(agreement, offer.panels) {
        return refuse(1, because, Some(&agreement.patients_at));
    }
    let whole = offer.what.split('.').next().unwrap_or_default();
    match agreement.sends.iter().find(|(sends, _)| sends == offer.what || sends == whole) {
        Some((sends, at)) => {
            (3, say(agreement, Verdict::Allowed, format!("the agreement {name} lets it send {sends}"), Some(at)))
        }
        None => refuse(2, format!("`sends` of the agreement {name} does not name {}", offer.what), Some(&agreement.at)),
    }
}

fn say(agreement: &Agreement, verdict: Verdict, because: String, at: Option<&Mark>) -> Decision {
    Decision {
        verdict,
        concerns: true,
        is_kept_back: false,
        push: Push::Never,
        agreement: Some(agreement.name.clone()),
        because,
        at: at.cloned(),
    }
}

/// Types of HL7 v2 messages (MSH-9.1), which come by feeds.
const MESSAGES: [&str; 12] = ["ADT", "ORU", "ORM", "OMG", "OML", "MDM", "SIU", "DFT", "VXU", "RDE", "PPR", "REF"];

/// Reads an item of `sends`: a type of FHIR R4 or an element of one.
pub(super) fn read(node: &Node, problems: &mut Vec<Problem>) -> Option<(String, Mark)> {
    let written = node.as_text().unwrap_or_default();
    if MESSAGES.contains(&written.as_str()) {
        let text =
            format!("{written} messages come by feeds, and a feed's `accepts` says which it takes; this opens nothing");
        problems.push(Problem { severity: Severity::Warning, ..node.problem(text) });
        return None;
    }
    let (kind, element) = written.split_once('.').map_or((written.as_str(), None), |(kind, rest)| (kind, Some(rest)));
    if !Definitions::r4().is_resource(kind) {
        let hint = nearest(kind, Definitions::r4().type_names(Kind::Resource));
        let hint = hint.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        problems.push(node.problem(format!("`{kind}` is not a resource type of FHIR R4{hint}")));
        return None;
    }
    let known = Definitions::r4().type_definition(kind)?;
    if let Some(element) = element.filter(|element| known.element(element).is_none()) {
        let hint = nearest(element, known.element_names()).map(|near| format!("; did you mean `{near}`?"));
        let text = format!("`{kind}` has no element `{element}`{}", hint.unwrap_or_default());
        problems.push(node.problem(text));
        return None;
    }
    Some((written, node.mark.clone()))
}
