//! The decision: one function for every exit. Each denial names the line of the file that made it.

use std::collections::BTreeSet;
use std::str::FromStr;

use jiff::Timestamp;
use serde_json::Value;

use super::codes::covers;
use super::decision::{Decision, Exit, Question, Verdict, WAITS};
use super::form::Form;
use super::model::{Agreement, Label, Line, Patients, Push, Standing};
use super::set::AgreementSet;
use crate::fhir::Resource;
use crate::identity::{PersonId, ResourceId};
use crate::yaml::Mark;

impl AgreementSet {
    /// The one decision: may this partner have this resource through this exit, now?
    pub fn decide(&self, question: &Question<'_>) -> Decision {
        decide(self, question, None)
    }

    /// The same for a request that states its purpose of use.
    pub fn decide_for(&self, question: &Question<'_>, purpose: &str) -> Decision {
        decide(self, question, Some(purpose))
    }

    /// The decision about pushing a resource, for every partner whose agreements cover its patient.
    pub fn pushes<'a>(
        &'a self,
        resource: &'a Resource,
        panels: &'a [&'a str],
        now: Timestamp,
    ) -> Vec<(&'a str, Decision)> {
        let ask = |partner| self.decide(&Question { partner, exit: Exit::Push, resource, panels, now });
        concerned(self, resource, panels).into_iter().map(|partner| (partner, ask(partner))).collect()
    }
}

fn decide(set: &AgreementSet, question: &Question<'_>, purpose: Option<&str>) -> Decision {
    let opinions = set.of(question.partner).map(|agreement| weigh(set, agreement, question, purpose));
    // Where several agreements speak, the one that allows most counts; of denials, the one that came nearest.
    let best = opinions.reduce(|best, other| if worth(&other) > worth(&best) { other } else { best });
    best.map_or_else(|| Decision::without_agreement(question.partner), |(_, decision)| decision)
}

/// How far the question came: through how many of the checks.
type Opinion = (u8, Decision);

fn worth(opinion: &Opinion) -> (u8, u8) {
    let verdict = match &opinion.1.verdict {
        Verdict::Allowed => 5,
        Verdict::Without(form) if form.instead_of_reason.is_none() => 4,
        Verdict::Without(_) => 3,
        Verdict::Held(form) if form.instead_of_reason.is_none() => 2,
        Verdict::Held(_) => 1,
        Verdict::Denied => 0,
    };
    (verdict, opinion.0)
}

fn weigh(set: &AgreementSet, agreement: &Agreement, question: &Question<'_>, purpose: Option<&str>) -> Opinion {
    let (standing, standing_at) = agreement.standing(question.now);
    let waits = matches!(question.exit, Exit::Push | Exit::Subscription);
    let deny = |stage: u8, because: String, at: Option<&Mark>| {
        let concerns = stage > 2;
        (stage, decision(agreement, Verdict::Denied, concerns, Push::Never, because, at))
    };
    if standing != Standing::Active && !waits {
        return deny(1, format!("the agreement {} {}", agreement.name, standing.words()), standing_at);
    }
    if let Err(because) = covered(agreement, question) {
        return deny(2, because, Some(&agreement.patients_at));
    }
    let line = match find_line(set, agreement, question) {
        Ok(line) => line,
        Err((because, at)) => return deny(3, because, Some(at)),
    };
    let mut form = Form { without: line.without.clone(), instead_of_reason: None };
    let kept_back = kept_back(agreement, question.resource);
    if let Some(label) = kept_back {
        form.instead_of_reason.clone_from(&line.without_reason);
        if form.instead_of_reason.is_none() {
            let because =
                format!("it is labelled {}, which the agreement {} never lets out", label.code, agreement.name);
            let (stage, denied) = deny(4, because, Some(&label.at));
            return (stage, Decision { is_kept_back: true, ..denied });
        }
    }
    if let Some(purpose) = purpose.filter(|purpose| !agreement.purpose.iter().any(|own| own == purpose)) {
        let because = format!("the agreement {} is not for the purpose {purpose}", agreement.name);
        return deny(5, because, Some(&agreement.at));
    }
    if standing != Standing::Active {
        let because = format!("{WAITS}the agreement {} {}", agreement.name, standing.words());
        return (6, decision(agreement, Verdict::Held(form), true, line.push, because, standing_at));
    }
    let words = [format!("the agreement {} allows {}", agreement.name, line.resource), form.words()];
    let labelled = kept_back.map(|label| format!("since it is labelled {}", label.code));
    let because: Vec<String> = words.into_iter().chain(labelled).filter(|words| !words.is_empty()).collect();
    let verdict = if form.is_whole() { Verdict::Allowed } else { Verdict::Without(form) };
    (6, decision(agreement, verdict, true, line.push, because.join(" "), Some(&line.at)))
}

fn decision(
    agreement: &Agreement,
    verdict: Verdict,
    concerns: bool,
    push: Push,
    because: String,
    at: Option<&Mark>,
) -> Decision {
    Decision {
        verdict,
        concerns,
        is_kept_back: false,
        push,
        agreement: Some(agreement.name.clone()),
        because,
        at: at.cloned(),
    }
}

/// Whether the agreement covers the patient. What belongs to no patient (practitioners, places) concerns nobody.
fn covered(agreement: &Agreement, question: &Question<'_>) -> Result<(), String> {
    if is_shared(question.resource) { Ok(()) } else { covers_patient(agreement, question.panels) }
}

/// The partners with an agreement that covers the patient, whatever else it says; in order of name.
fn concerned<'a>(set: &'a AgreementSet, resource: &Resource, panels: &[&str]) -> BTreeSet<&'a str> {
    let is_shared = is_shared(resource);
    let covers = |agreement: &&Agreement| match &agreement.patients {
        Patients::All => true,
        Patients::Panels(own) => is_shared || own.iter().any(|panel| panels.contains(&panel.as_str())),
    };
    set.agreements().iter().filter(covers).map(|agreement| agreement.partner.as_str()).collect()
}

/// Whether it covers a patient who is on these panels.
pub(super) fn covers_patient(agreement: &Agreement, known: &[&str]) -> Result<(), String> {
    match &agreement.patients {
        Patients::All => Ok(()),
        Patients::Panels(panels) if panels.iter().any(|panel| known.contains(&panel.as_str())) => Ok(()),
        Patients::Panels(panels) => Err(format!("the patient is not on the panel {}", panels.join(" or "))),
    }
}

fn is_shared(resource: &Resource) -> bool {
    resource.id().and_then(|id| ResourceId::from_str(id).ok()).is_some_and(|id| id.person == PersonId::SHARED)
}

/// The first line that lets this resource out by this exit; otherwise the line that came nearest, and why it does not.
fn find_line<'a>(
    set: &AgreementSet,
    agreement: &'a Agreement,
    question: &Question<'_>,
) -> Result<&'a Line, (String, &'a Mark)> {
    let kind = question.resource.resource_type();
    let mut why = None;
    for line in agreement.receives.iter().filter(|line| line.resource == kind) {
        let fault = if !offers(line, question.exit) {
            format!("the agreement {} does not let {kind} be {}", agreement.name, word(question.exit))
        } else if let Err(fault) = matches(set, line, question) {
            fault
        } else {
            return Ok(line);
        };
        why = Some((fault, &line.at));
    }
    Err(why.unwrap_or_else(|| {
        (format!("the agreement {} has no line for {kind}", agreement.name), &agreement.receives_at)
    }))
}

fn offers(line: &Line, exit: Exit) -> bool {
    match exit {
        Exit::Push => line.push != Push::Never,
        Exit::Read | Exit::Search | Exit::Include | Exit::History | Exit::Export => line.pull,
        Exit::Subscription | Exit::Card | Exit::Console => line.pull || line.push != Push::Never,
    }
}

fn word(exit: Exit) -> &'static str {
    match exit {
        Exit::Push => "pushed",
        Exit::Read | Exit::Search | Exit::Include | Exit::History => "read (`pull: true`)",
        Exit::Export => "exported (`pull: true`)",
        Exit::Subscription => "subscribed to",
        Exit::Card | Exit::Console => "shown",
    }
}

fn matches(set: &AgreementSet, line: &Line, question: &Question<'_>) -> Result<(), String> {
    let resource = question.resource;
    let codings: Vec<(&str, &str)> = ["code", "type", "reasonCode", "category", "medicationCodeableConcept"]
        .into_iter()
        .flat_map(|element| resource.codings(element))
        .collect();
    if !line.codes.is_empty() && !line.codes.iter().any(|name| set.value_sets().contains_any(name, &codings)) {
        return Err(format!("none of its codes is in {}", line.codes.join(" or ")));
    }
    match line
        .condition
        .as_ref()
        .map(|condition| (condition, condition.holds(resource, set.value_sets(), question.now)))
    {
        None | Some((_, Ok(true))) => Ok(()),
        Some((condition, Ok(false))) => Err(format!("it is not one where {}", condition.text)),
        Some((condition, Err(fault))) => Err(format!("`{}` could not be decided: {fault}", condition.text)),
    }
}

/// The label in `meta.security` that the agreement never lets out.
fn kept_back<'a>(agreement: &'a Agreement, resource: &Resource) -> Option<&'a Label> {
    let labels = resource.get("meta").and_then(|meta| meta.get("security")).and_then(Value::as_array);
    let codes: Vec<&str> = labels.into_iter().flatten().filter_map(|label| label.get("code")?.as_str()).collect();
    agreement.never.iter().find(|never| codes.iter().any(|code| covers(&never.code, code)))
}
