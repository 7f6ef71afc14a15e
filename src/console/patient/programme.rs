//! The programmes on a patient's page: how the patient stands to each, and what a care manager does about it.

use actix_web::web;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::loaded::{Loaded, load};
use crate::console::fault::{Answer, Fault};
use crate::console::form_key::FormKey;
use crate::console::session::Person;
use crate::console::{Console, page, when};
use crate::pipeline::{EnrolStep, EnrolWord, Known};
use crate::protocol::{Episode, Holder, Standing};
use crate::site::{Site, StaffRole};

/// One programme.
pub(crate) struct Programme {
    pub name: String,
    pub title: String,
    /// "Enrolled since Nov 3, level High, with Nia Brooks RN."
    pub words: String,
    pub is_offered: bool,
    pub is_in: bool,
    /// What is over, the newest first.
    pub past: Vec<String>,
    pub levels: Vec<String>,
    pub level: Option<usize>,
    /// Open Tasks that what is done here finishes.
    pub tasks: Vec<String>,
}

impl Programme {
    pub(crate) fn is_level(&self, place: &usize) -> bool {
        self.level == Some(*place)
    }
}

pub(super) fn programmes(site: &Site, known: &Known, now: Timestamp, zone: &TimeZone) -> Vec<Programme> {
    // What is not for whoever looks was left out of the record.
    site.protocols.standings(&known.record, |_| true, now).into_iter().map(|one| programme(&one, now, zone)).collect()
}

fn programme(standing: &Standing, now: Timestamp, zone: &TimeZone) -> Programme {
    let today = when::date_in(now, zone);
    let day = |at: Timestamp| when::day(when::date_in(at, zone), today);
    let levels: Vec<String> = standing.programme.levels.iter().map(|level| level.title.clone()).collect();
    let why = |episode: &Episode| if episode.why.is_empty() { String::new() } else { format!(": {}", episode.why) };
    let said = |episode: &Episode| {
        let begun = match episode.status.as_str() {
            "active" => "Enrolled",
            "onhold" => "Enrolled, and paused,",
            _ => "Offered",
        };
        let level = episode.level.and_then(|level| levels.get(level)).map(|title| format!(", level {title}"));
        let lead = Some(&episode.lead).filter(|lead| !lead.is_empty()).map(|lead| format!(", with {lead}"));
        let parts = [level, lead].into_iter().flatten().collect::<String>();
        format!("{begun} since {}{parts}{}.", day(episode.since), why(episode))
    };
    let past = |episode: &Episode| {
        let ended = if episode.status == "cancelled" { "Declined or called off" } else { "Ended" };
        format!("{ended} {}{}", day(episode.until.unwrap_or(episode.since)), why(episode))
    };
    let status = standing.now.as_ref().map(|episode| episode.status.as_str());
    Programme {
        name: standing.programme.name.clone(),
        title: standing.programme.title.clone(),
        words: standing.now.as_ref().map_or_else(|| "Not enrolled.".to_string(), said),
        is_in: matches!(status, Some("active" | "onhold")),
        is_offered: status.is_some(),
        past: standing.past.iter().map(past).collect(),
        level: standing.now.as_ref().and_then(|episode| episode.level),
        tasks: [&standing.offers, &standing.graduations].into_iter().flatten().map(ToString::to_string).collect(),
        levels,
    }
}

/// Who may lead: the care managers of the patient's practices, whoever looks first.
pub(super) fn leads(site: &Site, known: &Known, person: &Person) -> Vec<(String, String)> {
    let own = person.holder();
    let of_panels = |panels: &crate::site::Panels| known.memberships.iter().any(|one| panels.holds(&one.panel));
    let others = site.people.values().filter(|other| {
        let leads = other.roles.contains(&StaffRole::CareManager);
        leads && !other.disabled && other.login != own.id && of_panels(&other.panels)
    });
    let others = others.map(|other| (other.login.clone(), other.name.clone()));
    [(own.id.clone(), own.name.clone())].into_iter().chain(others).collect()
}

#[derive(Deserialize)]
pub(crate) struct Form {
    #[serde(flatten)]
    key: FormKey,
    #[serde(default)]
    once: String,
    #[serde(default)]
    programme: String,
    #[serde(default)]
    act: String,
    #[serde(default)]
    level: String,
    #[serde(default)]
    lead: String,
    #[serde(default)]
    why: String,
}

/// Takes what is done about one.
pub(crate) async fn enrol(
    console: web::Data<Console>,
    person: Person,
    id: web::Path<String>,
    form: web::Form<Form>,
) -> Answer {
    form.key.check(&person)?;
    let Loaded { known, patient, .. } = load(&console, &person, &id, 0).await?;
    let site = console.gateway.site.load_full();
    let Form { once, programme, act, level, lead, why, .. } = form.into_inner();
    let refused = |text: &str| Fault::Refused(format!("Nothing is saved: {text}"));
    let step = EnrolStep::WORDS.into_iter().find(|(word, _)| *word == act);
    let (_, step) = step.ok_or_else(|| refused("press one of the form’s buttons."))?;
    let level = match level.as_str() {
        "" => None,
        place => Some(place.parse().map_err(|_| refused("choose one of the levels."))?),
    };
    let lead = match lead.as_str() {
        "" => None,
        login => {
            let named = leads(&site, &known, &person).into_iter().find(|(id, _)| id == login);
            let (id, name) = named.ok_or_else(|| refused("choose who leads."))?;
            Some(Holder { id, name })
        }
    };
    let word = EnrolWord { programme, step, level, lead, why, once, sees_few: person.sensitive };
    console.gateway.enrol(patient.id.person, &word, &person.agent()).await?;
    Ok(page::see(&format!("/console/patients/{}?saved=programme#programme", patient.id)))
}
