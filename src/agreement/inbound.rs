//! What a partner may send: the one gate for everything that comes in from a partner, an answered card and each FHIR write.
//! `sends:` names types (`Observation`) and elements of types (`Task.status`).

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
    /// Somebody else said all there is of it: leave for a type is leave for things of one's own, and changing another's needs the
    /// element's name.
    pub is_anothers: bool,
    /// It belongs to no patient, so that no panel covers it.
    pub is_shared: bool,
}

/// How far an offer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// No agreement with the partner is in force.
    NotInForce,
    /// None of them covers the patient.
    NotCovered,
    /// `sends` does not name it.
    NotNamed,
    Admitted,
}

impl<'a> Offer<'a> {
    /// Of something of the partner's own about a patient.
    pub fn of(partner: &'a str, what: &'a str, panels: &'a [&'a str], now: Timestamp) -> Self {
        Self { partner, what, panels, now, is_anothers: false, is_shared: false }
    }
}

impl AgreementSet {
    /// Whether an agreement in force names the type, or an element of it, in `sends`; why not, else. Tells of no patient.
    pub fn sends(&self, partner: &str, kind: &str, now: Timestamp) -> Result<(), String> {
        let mut why = format!("no agreement lets {partner} send {kind}");
        for agreement in self.of(partner) {
            let names = |sends: &str| sends == kind || sends.split('.').next() == Some(kind);
            match agreement.standing(now).0 {
                _ if !agreement.sends.iter().any(|(sends, _)| names(sends)) => {}
                Standing::Active => return Ok(()),
                standing => why = format!("the agreement {} {}", agreement.name, standing.words()),
            }
        }
        Err(why)
    }

    /// Whether an agreement in force lets the partner use ids of its own for anything.
    pub fn takes_ids(&self, partner: &str, now: Timestamp) -> bool {
        let is_active = |agreement: &&Agreement| matches!(agreement.standing(now).0, Standing::Active);
        self.of(partner).filter(is_active).any(|agreement| agreement.update_create)
    }

    /// The same for a type, which `sends` names as a whole.
    pub fn takes_ids_of(&self, partner: &str, kind: &str, now: Timestamp) -> bool {
        let is_active = |agreement: &&Agreement| matches!(agreement.standing(now).0, Standing::Active);
        let names = |agreement: &Agreement| agreement.sends.iter().any(|(sends, _)| sends == kind);
        self.of(partner).filter(is_active).any(|agreement| agreement.update_create && names(agreement))
    }

    /// The types that `sends` of any agreement with the partner names.
    pub fn sent_types<'s>(&'s self, partner: &'s str) -> Vec<&'s str> {
        let named = self.of(partner).flat_map(|agreement| &agreement.sends);
        named.map(|(sends, _)| sends.split('.').next().unwrap_or_default()).collect()
    }

    /// Whether a partner may write this about a patient, and the line that says so. Leave to send a type is leave to send
    /// its elements.
    pub fn admits(&self, offer: &Offer<'_>) -> Decision {
        self.reach(offer).1
    }

    /// The same with how far it came: whether there is such a patient is told only to whom an agreement covers them.
    pub fn reach(&self, offer: &Offer<'_>) -> (Reach, Decision) {
        let opinions = self.of(offer.partner).map(|agreement| weigh(agreement, offer));
        // Of refusals, the one that came nearest.
        let best = opinions.reduce(|best, other| if other.0 > best.0 { other } else { best });
        best.unwrap_or_else(|| (Reach::NotInForce, Decision::without_agreement(offer.partner)))
    }
}

fn weigh(agreement: &Agreement, offer: &Offer<'_>) -> (Reach, Decision) {
    let name = &agreement.name;
    let refuse =
        |stage: Reach, because: String, at: Option<&Mark>| (stage, say(agreement, Verdict::Denied, because, at));
    let (standing, standing_at) = agreement.standing(offer.now);
    if standing != Standing::Active {
        return refuse(Reach::NotInForce, format!("the agreement {name} {}", standing.words()), standing_at);
    }
    if !offer.is_shared
        && let Err(because) = covers_patient(agreement, offer.panels)
    {
        return refuse(Reach::NotCovered, because, Some(&agreement.patients_at));
    }
    let whole = offer.what.split('.').next().unwrap_or_default();
    let is_named = |sends: &str| sends == offer.what || (sends == whole && !offer.is_anothers);
    match agreement.sends.iter().find(|(sends, _)| is_named(sends)) {
        Some((sends, at)) => {
            let because = format!("the agreement {name} lets it send {sends}");
            (Reach::Admitted, say(agreement, Verdict::Allowed, because, Some(at)))
        }
        None => {
            let whose = if offer.is_anothers { ", and somebody else said what it would change" } else { "" };
            let because = format!("`sends` of the agreement {name} does not name {}{whose}", offer.what);
            refuse(Reach::NotNamed, because, Some(&agreement.at))
        }
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
