//! A person offers a programme, enrols, writes down who declined and why, changes level or lead, lets somebody graduate: statements about an
//! EpisodeOfCare and its CareTeam (http://hl7.org/fhir/R4/episodeofcare.html, careteam.html) that go the way of a partner's. The Tasks that
//! asked for it are done by it.

use jiff::Timestamp;

use super::Gateway;
use super::change::{Acted, Fault, acted};
use super::enrolment::{EnrolStep, EnrolWord, episode, outdated, person_of, team, teams, types};
use super::find::Known;
use super::signed::signed;
use super::written::{By, refused, short_enough, written, written_without};
use crate::agreement::is_for_few;
use crate::identity::{PersonId, ResourceId};
use crate::problem::{Category, Problem};
use crate::protocol::{Action, Episode, Standing};
use crate::record::Change;
use crate::site::Site;
use crate::store::AuditEntry;

impl Gateway {
    /// Does it, with all that follows. Returns what that changed.
    ///
    /// # Errors
    /// The patient does not stand so to the programme, something is left out, or a text is too long.
    pub async fn enrol(&self, patient: PersonId, word: &EnrolWord, who: &str) -> Result<Vec<String>, Problem> {
        short_enough(&[&word.why])?;
        let done = self.change_with(patient, None, |site, known| {
            let now = self.clock.now();
            let standings =
                site.protocols.standings(&known.record, |stored| word.sees_few || !is_for_few(&stored.resource), now);
            let absent = || refused(Category::NotFound, "The site has no such programme.");
            let standing = standings.iter().find(|one| one.programme.name == word.programme).ok_or_else(absent)?;
            let by = By { source: who, author: signed(site, who), value_sets: &site.value_sets };
            let (id, mut changes) = said(known, standing, word, &by, now)?;
            let mut entries = vec![AuditEntry {
                at: now,
                agent: who.to_string(),
                action: format!("programme-{}", word.step.word()),
                person: Some(known.record.head.person),
                subject: format!("EpisodeOfCare/{id}"),
                allowed: true,
                because: "a person wrote it down on the patient's page".to_string(),
            }];
            for (task, outcome) in done_by(standing, word) {
                let (more, told) = finish(site, known, (task, outcome), who, now)?;
                changes.extend(more);
                entries.extend(told);
            }
            Ok((changes, entries))
        });
        done.await.map_err(Fault::told)
    }
}

/// The open Tasks that this answers, and what came of them.
fn done_by(standing: &Standing, word: &EnrolWord) -> Vec<(ResourceId, String)> {
    let why =
        |said: &str| if word.why.trim().is_empty() { said.to_string() } else { format!("{said}: {}", word.why.trim()) };
    let (tasks, outcome) = match word.step {
        EnrolStep::Enrol => (&standing.offers, why("enrolled")),
        EnrolStep::Decline => (&standing.offers, why("declined")),
        EnrolStep::Graduate => (&standing.graduations, why("graduated")),
        _ => return Vec::new(),
    };
    tasks.iter().map(|task| (*task, outcome.clone())).collect()
}

fn finish(
    site: &Site,
    known: &Known,
    (task, outcome): (ResourceId, String),
    who: &str,
    now: Timestamp,
) -> Result<(Vec<Change>, Vec<AuditEntry>), Problem> {
    let because = "a person did on the patient's page what it asks for";
    let by = Acted { target: task, subject: format!("Task/{task}"), who, because, once: None };
    acted(site, known, &[("task-complete", Action::Complete { outcome: Some(outcome) })], &by, now)
}

fn said(
    known: &Known,
    standing: &Standing,
    word: &EnrolWord,
    by: &By<'_>,
    now: Timestamp,
) -> Result<(ResourceId, Vec<Change>), Problem> {
    check(standing, word)?;
    let person = known.record.head.person;
    let current = standing.now.as_ref();
    let key = format!("{}/{}/{}/{}", word.programme, word.step.word(), word.once, word.why.trim());
    let new = || ResourceId::of(person, "EpisodeOfCare", &key);
    let id = current.map_or_else(new, |episode| episode.id);
    let before = known.record.get("EpisodeOfCare", id).map(|stored| &stored.resource);
    if let (None, Some(before)) = (current, before) {
        // One form sent twice says it once.
        return match before.text("status") == word.step.status() {
            true => Ok((id, Vec::new())),
            false => Err(refused(Category::Conflict, "This was saved before, and changed since; load the page anew.")),
        };
    }
    let mut episode = episode(standing, word, before, (person, now));
    let begins = matches!(word.step, EnrolStep::Enrol | EnrolStep::Change);
    // A form sends who leads with whatever is pressed in it.
    let (level, lead) = (word.level, word.lead.as_ref().filter(|_| begins));
    if (begins && level.is_some()) || before.is_none() {
        episode.set("type", types(standing, level.filter(|_| begins), before, by.value_sets));
    }
    let mut changes = Vec::new();
    let team_id = ResourceId::of(person, "CareTeam", &format!("{}/{id}", word.programme));
    let has_team = known.record.get("CareTeam", team_id).map(|stored| &stored.resource);
    let ends = matches!(word.step, EnrolStep::Graduate | EnrolStep::Leave | EnrolStep::Mistake);
    if let Some(lead) = lead {
        episode.set("careManager", person_of(lead));
        episode.set("team", teams(before, team_id));
    }
    if lead.is_some() || (has_team.is_some() && ends) {
        let team = team(standing, lead, has_team, (person, now));
        changes.extend(written(known, team_id, team, by, now));
    }
    changes.extend(written_without(known, id, (episode, outdated(word)), by, now));
    Ok((id, changes))
}

/// Whether somebody who stands so to the programme can do this, and what it needs is said.
fn check(standing: &Standing, word: &EnrolWord) -> Result<(), Problem> {
    let late = |text: String| Err(refused(Category::Conflict, text));
    let lacks = |text: &str| Err(refused(Category::Required, text));
    let title = &standing.programme.title;
    let status = standing.now.as_ref().map(|episode: &Episode| episode.status.as_str());
    let is_in = matches!(status, Some("active" | "onhold"));
    match word.step {
        EnrolStep::Offer if status.is_some() => {
            return late(format!("{title}: it is offered already, or they are enrolled."));
        }
        EnrolStep::Enrol | EnrolStep::Decline if is_in => return late(format!("{title}: they are enrolled already.")),
        EnrolStep::Change | EnrolStep::Graduate | EnrolStep::Leave if !is_in => {
            return late(format!("{title}: they are not enrolled."));
        }
        EnrolStep::Mistake if status.is_none() => return late(format!("{title}: there is nothing to take back.")),
        // Nothing lost: who stands so can do all else.
        _ => {}
    }
    let has_why = !word.why.trim().is_empty();
    match word.step {
        EnrolStep::Decline if !has_why => lacks("Write down why: whoever asks the next time should know."),
        EnrolStep::Graduate if !has_why => lacks("Write down what was reached, and who looks after them from now on."),
        EnrolStep::Leave | EnrolStep::Mistake if !has_why => lacks("Write down why."),
        EnrolStep::Enrol if word.lead.is_none() => lacks("Choose who leads."),
        EnrolStep::Enrol if word.level.is_none() && !standing.programme.levels.is_empty() => lacks("Choose a level."),
        EnrolStep::Change if word.level.is_none() && word.lead.is_none() => lacks("Choose another level or lead."),
        _ if word.level.is_some_and(|level| level >= standing.programme.levels.len()) => {
            Err(refused(Category::Value, "The programme has no such level."))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::{Identifier, Resource, ValueSets};
    use crate::protocol::{Holder, ProtocolSet};
    use crate::record::Record;
    use serde_json::json;

    struct Told {
        known: Known,
        set: ProtocolSet,
        forms: u32,
    }

    impl Told {
        fn new() -> Self {
            let record = Record::new(PersonId::of(&Identifier::new("urn:s", "1")));
            Self { known: Known { record, memberships: Vec::new() }, set: ProtocolSet::built_in(), forms: 0 }
        }

        fn standing(&self, at: &str) -> Standing {
            self.set
                .standings(&self.known.record, |stored| !is_for_few(&stored.resource), at.parse().unwrap())
                .remove(0)
        }

        fn say(
            &mut self,
            step: EnrolStep,
            (level, lead): (Option<usize>, &str),
            why: &str,
            at: &str,
        ) -> Result<(), Problem> {
            self.forms += 1;
            let holder = |login: &str| Holder { id: login.to_string(), name: login.to_uppercase() };
            let word = EnrolWord {
                programme: "enhanced-care".to_string(),
                step,
                level,
                lead: Some(lead).filter(|lead| !lead.is_empty()).map(holder),
                why: why.to_string(),
                once: self.forms.to_string(),
                sees_few: false,
            };
            let by = By { source: "person:nbrooks", author: "Nia Brooks RN", value_sets: self.set.value_sets() };
            let (_, changes) = said(&self.known, &self.standing(at), &word, &by, at.parse().unwrap())?;
            changes.iter().for_each(|change| self.known.record.apply(change));
            Ok(())
        }

        /// What a practice's own system wrote.
        fn stated(&mut self, key: &str, episode: serde_json::Value) {
            let by = By { source: "ehr", author: "ehr", value_sets: ValueSets::built_in() };
            let id = ResourceId::of(self.known.record.head.person, "EpisodeOfCare", key);
            let at = "2026-10-01T13:00:00Z".parse().unwrap();
            let changes = written(&self.known, id, Resource::try_from(episode).unwrap(), &by, at);
            changes.iter().for_each(|change| self.known.record.apply(change));
        }

        fn only<'t>(&'t self, kind: &'t str) -> &'t Resource {
            let mut all = self.known.record.of_type(kind);
            let one = all.next().unwrap();
            assert!(all.next().is_none(), "one {kind}");
            &one.resource
        }
    }

    #[test]
    fn who_is_offered_enrols_changes_and_graduates_in_one_episode_with_one_lead() {
        let mut told = Told::new();
        told.say(EnrolStep::Offer, (None, ""), "at the bedside", "2026-11-02T13:00:00Z").unwrap();
        assert_eq!(told.only("EpisodeOfCare").text("status"), Some("planned"));
        told.say(EnrolStep::Enrol, (Some(0), "ann"), "", "2026-11-05T13:00:00Z").unwrap();
        let now = told.standing("2026-11-05T14:00:00Z").now.unwrap();
        assert_eq!((now.level, now.lead.as_str(), now.status.as_str()), (Some(0), "ANN", "active"));
        assert_eq!(now.since.to_string(), "2026-11-05T13:00:00Z");
        told.say(EnrolStep::Change, (Some(2), "bob"), "goals met", "2026-12-05T13:00:00Z").unwrap();
        let episode = told.only("EpisodeOfCare");
        let codes: Vec<&str> = episode.codings("type").iter().map(|(_, code)| *code).collect();
        assert_eq!(codes, ["enhanced-care", "level-low"], "the level that was is no level beside the new one");
        assert_eq!(episode.get("statusHistory").unwrap()[0]["status"], "planned");
        let team = told.only("CareTeam").get("participant").unwrap().as_array().unwrap();
        let ended: Vec<bool> = team.iter().map(|member| member["period"].get("end").is_some()).collect();
        assert_eq!(ended, [true, false], "{team:?}");
        told.say(EnrolStep::Graduate, (None, "bob"), "walks to church", "2027-03-05T13:00:00Z").unwrap();
        let standing = told.standing("2027-03-05T14:00:00Z");
        assert_eq!((standing.now, standing.past[0].why.as_str()), (None, "walks to church"));
        assert_eq!(told.only("CareTeam").text("status"), Some("inactive"));
        told.say(EnrolStep::Enrol, (Some(1), "ann"), "", "2027-06-05T13:00:00Z").unwrap();
        assert_eq!(told.known.record.of_type("EpisodeOfCare").count(), 2, "who comes back has another episode");
    }

    #[test]
    fn who_declined_is_known_with_why_and_can_be_asked_again() {
        let mut told = Told::new();
        told.say(EnrolStep::Decline, (None, "ann"), "her daughter helps", "2026-11-02T13:00:00Z").unwrap();
        assert_eq!(told.known.record.of_type("CareTeam").count(), 0, "who declined has no team");
        let standing = told.standing("2026-11-02T14:00:00Z");
        let past = &standing.past[0];
        assert_eq!((past.status.as_str(), past.why.as_str()), ("cancelled", "her daughter helps"));
        told.say(EnrolStep::Offer, (None, ""), "", "2026-11-20T13:00:00Z").unwrap();
        told.say(EnrolStep::Mistake, (None, ""), "another patient", "2026-11-20T13:10:00Z").unwrap();
        assert_eq!(told.standing("2026-11-20T14:00:00Z").past.len(), 1, "what never was is not told as past");
    }

    #[test]
    fn the_level_of_a_practices_own_system_gives_way_by_whatever_code_it_is_said() {
        let (programme, theirs) = ("https://handover.health/CodeSystem/programme", "urn:oid:1.2.3");
        let coding = |system: &str, code: &str| json!({ "system": system, "code": code });
        let high = format!(
            "valueset: care-level-high\ntitle: Level of care, high\ninclude:\n  - {{ system: '{programme}', codes: [level-high] }}\n  \
             - {{ system: '{theirs}', codes: [T3] }}\n"
        );
        let mut sources = crate::fhir::built_in_value_sets();
        sources.retain(|source| !source.name.contains("care-level-high"));
        sources.push(crate::yaml::Source::new("valuesets/care-level-high.yaml", high));
        let (sets, problems) = ValueSets::compile(&sources);
        assert!(problems.is_empty(), "{problems:?}");
        let sets = std::sync::Arc::new(sets);
        let (set, _) = crate::protocol::compile(&crate::protocol::built_in_protocols(), &[], sets);
        // Programme and level in one concept, or each in its own.
        let one = json!([{ "coding": [coding(programme, "enhanced-care"), coding(theirs, "T3")] }]);
        let two = json!([{ "coding": [coding(programme, "enhanced-care")] }, { "coding": [coding(theirs, "T3")] }]);
        for types in [one, two] {
            let mut told = Told { set: set.clone(), ..Told::new() };
            let team = json!([{ "reference": "CareTeam/of-the-practice" }]);
            let period = json!({ "start": "2026-09-01T08:00:00Z" });
            told.stated("theirs", json!({ "resourceType": "EpisodeOfCare", "status": "active", "type": types, "team": team, "period": period }));
            assert_eq!(told.standing("2026-11-01T13:00:00Z").now.unwrap().level, Some(0));
            told.say(EnrolStep::Change, (Some(2), "ann"), "", "2026-11-02T13:00:00Z").unwrap();
            let now = told.standing("2026-11-03T13:00:00Z").now.expect("the programme stays");
            assert_eq!(now.level, Some(2), "{types}");
            assert!(!told.only("EpisodeOfCare").codings("type").contains(&(theirs, "T3")));
            let teams = told.only("EpisodeOfCare").get("team").unwrap().as_array().unwrap();
            assert!(teams.len() == 2 && teams[0]["reference"] == "CareTeam/of-the-practice", "{teams:?}");
        }
    }

    #[test]
    fn what_few_may_know_is_neither_told_nor_changed_by_who_may_not() {
        let mut told = Told::new();
        let coding = json!({ "system": "https://handover.health/CodeSystem/programme", "code": "enhanced-care" });
        let label = json!({ "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R" });
        told.stated("few", json!({
            "resourceType": "EpisodeOfCare", "status": "active", "type": [{ "coding": [coding] }], "meta": { "security": [label] },
        }));
        let at = "2026-11-02T13:00:00Z";
        assert_eq!(told.standing(at).now, None);
        for step in [EnrolStep::Change, EnrolStep::Graduate, EnrolStep::Leave] {
            let refused = told.say(step, (Some(1), "ann"), "x", at).unwrap_err();
            assert!(refused.text.contains("not enrolled"), "{step:?}: {}", refused.text);
        }
        told.say(EnrolStep::Enrol, (Some(1), "ann"), "", at).unwrap();
        let all: Vec<&Resource> = told.known.record.of_type("EpisodeOfCare").map(|stored| &stored.resource).collect();
        let few: Vec<_> = all.iter().filter(|one| is_for_few(one)).collect();
        assert!(all.len() == 2 && few.len() == 1 && few[0].get("careManager").is_none(), "{all:?}");
        let sees_all = told.set.standings(&told.known.record, |_| true, at.parse().unwrap()).remove(0);
        assert!(sees_all.now.is_some());
    }

    #[test]
    fn one_form_sent_twice_says_it_once_and_why_it_was_stays_with_what_was() {
        let mut told = Told::new();
        told.say(EnrolStep::Decline, (None, ""), "no time", "2026-11-02T13:00:00Z").unwrap();
        told.forms -= 1;
        told.say(EnrolStep::Decline, (None, ""), "no time", "2026-11-02T13:00:04Z").unwrap();
        assert_eq!(told.only("EpisodeOfCare").get("statusHistory"), None);
        // The page of then, gone back to: what was declined stays so.
        told.forms -= 1;
        told.say(EnrolStep::Offer, (None, ""), "at the bedside", "2026-11-03T13:00:00Z").unwrap();
        told.say(EnrolStep::Enrol, (Some(0), "ann"), "", "2026-11-05T13:00:00Z").unwrap();
        let standing = told.standing("2026-11-05T14:00:00Z");
        assert_eq!((standing.past.len(), standing.past[0].why.as_str()), (1, "no time"));
        let now = standing.now.unwrap();
        assert_eq!(now.why, "", "why it was offered is not why they enrolled");
        let episode = &told.known.record.get("EpisodeOfCare", now.id).unwrap().resource;
        assert_eq!(episode.get("statusHistory").unwrap()[0]["extension"][0]["valueString"], "at the bedside");
    }

    #[test]
    fn what_cannot_be_done_is_said_and_nothing_is_written() {
        let mut told = Told::new();
        let at = "2026-11-02T13:00:00Z";
        let mut refused = |step, with, why: &str| told.say(step, with, why, at).unwrap_err();
        for (step, with, why, expected) in [
            (EnrolStep::Enrol, (Some(0), ""), "", "who leads"),
            (EnrolStep::Enrol, (None, "ann"), "", "Choose a level"),
            (EnrolStep::Enrol, (Some(9), "ann"), "", "no such level"),
            (EnrolStep::Decline, (None, ""), " ", "why"),
            (EnrolStep::Graduate, (None, ""), "x", "not enrolled"),
            (EnrolStep::Change, (Some(1), ""), "", "not enrolled"),
            (EnrolStep::Mistake, (None, ""), "x", "nothing to take back"),
        ] {
            assert!(refused(step, with, why).text.contains(expected), "{step:?}");
        }
        told.say(EnrolStep::Enrol, (Some(0), "ann"), "", at).unwrap();
        let late = told.say(EnrolStep::Enrol, (Some(1), "bob"), "", "2026-11-03T13:00:00Z").unwrap_err();
        assert_eq!(late.category, Category::Conflict, "{}", late.text);
        assert!(told.say(EnrolStep::Change, (None, ""), "", at).unwrap_err().text.contains("another level or lead"));
        assert_eq!(told.standing(at).now.unwrap().level, Some(0));
    }

    #[test]
    fn the_tasks_that_asked_are_finished_with_why() {
        let mut standing = Told::new().standing("2026-11-02T13:00:00Z");
        let person = PersonId::of(&Identifier::new("urn:s", "1"));
        let task = |key: &str| ResourceId::of(person, "Task", key);
        (standing.offers, standing.graduations) = (vec![task("1"), task("2")], vec![task("3")]);
        let word = |step, why: &str| EnrolWord {
            programme: "enhanced-care".to_string(),
            step,
            level: None,
            lead: None,
            why: why.to_string(),
            once: String::new(),
            sees_few: false,
        };
        let done = |step, why| done_by(&standing, &word(step, why));
        assert_eq!(
            done(EnrolStep::Decline, "no time"),
            [1, 2].map(|one| (task(&one.to_string()), "declined: no time".to_string()))
        );
        assert_eq!(done(EnrolStep::Enrol, "")[0].1, "enrolled");
        assert_eq!(done(EnrolStep::Graduate, "walks"), [(task("3"), "graduated: walks".to_string())]);
        assert!(done(EnrolStep::Offer, "").is_empty() && done(EnrolStep::Leave, "moved").is_empty());
    }
}
