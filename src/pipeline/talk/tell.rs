//! Tells those whom a person names while they do something with a task: in the same commit, with who told whom in the audit. Whoever
//! may not see the patient is not told, and whoever named them hears so; the note is kept whatever becomes of the names.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use super::communication::{is_unread, open, query};
use super::named::{hindrance, nearest};
use super::{MOST_NAMED, Message, named};
use crate::agreement::{Uncoded, is_for_few, label_arrival};
use crate::fhir::{add_labels, labels_of};
use crate::identity::ResourceId;
use crate::pipeline::change::{Acted, Fault, Named, acted};
use crate::pipeline::{Deed, DeedKind, Gateway, Known};
use crate::problem::{Category, Place, Problem};
use crate::protocol::{Holder, stamped, told_of};
use crate::record::{Change, Stored};
use crate::site::Site;
use crate::store::{AuditEntry, Cursor, Page, StoreError};

/// Unread messages that are counted for the head of a page; of more it says so.
pub const MOST_UNREAD: usize = 99;

/// What somebody says, beside what they do.
#[derive(Debug, Clone)]
pub struct Words {
    pub text: String,
    pub from: Holder,
    /// The Communication that is answered, and who is told besides those whom the text names.
    pub answers: Option<(ResourceId, Holder)>,
    /// By which the same form sent twice is known; none where nobody asks.
    pub once: Option<String>,
}

/// What became of the names in a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heard {
    /// Who was told.
    pub told: Vec<Holder>,
    /// The names that nobody was told by, each with why, in words.
    pub untold: Vec<(String, String)>,
    /// It was done before, by the same form, stands so still, and is not done twice. Nobody was told once more.
    pub is_again: bool,
    /// What may be taken back; none where nothing was done.
    pub deed: Option<Deed>,
}

/// How many messages somebody has not opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unread {
    pub count: usize,
    /// There are more than were counted.
    pub more: bool,
}

impl Gateway {
    /// Does several things that a person decided about a task, in order, all of them or none, and tells those whom their words name.
    /// Each has its name in the audit. What the same form did before is not done twice as long as it stands.
    ///
    /// # Errors
    /// There is no such task, or it cannot be done. That somebody cannot be told is none: `Heard` says so.
    pub async fn take_steps(
        &self,
        task: ResourceId,
        steps: &[Named],
        words: &Words,
        who: &str,
    ) -> Result<Heard, Problem> {
        // What is decided may be decided anew, when somebody else was faster.
        let heard = Mutex::new(Heard::default());
        let told_before = words.once.as_deref().map(|once| ("Provenance", told_of(task, once)));
        let done = self.change_with(task.person, told_before, |site, known| {
            let now = self.clock.now();
            let told = told(site, known, task, words, (who, now));
            let was_done = told_before.is_some_and(|(kind, id)| known.record.get(kind, id).is_some());
            let stands = |stored: &Stored| steps.iter().all(|(_, action)| action.stands(stored));
            if was_done && known.record.get("Task", task).is_some_and(stands) {
                // Nothing lost: whom it told then is told; who could not be told is said again.
                let again = Heard { told: Vec::new(), untold: told.heard.untold, is_again: true, deed: None };
                *heard.lock().unwrap_or_else(PoisonError::into_inner) = again;
                return Ok((Vec::new(), Vec::new()));
            }
            let because = "a person decided it in the console";
            // What was undone since and is done anew is told of beside the first time.
            let once = words.once.as_deref().filter(|_| !was_done);
            let taken = Acted { target: task, subject: format!("Task/{task}"), who, because, once };
            let (mut changes, mut entries) = acted(site, known, steps, &taken, now)?;
            changes.extend(told.changes);
            entries.extend(told.entries);
            *heard.lock().unwrap_or_else(PoisonError::into_inner) = told.heard;
            Ok((changes, entries))
        });
        let written = done.await.map_err(Fault::told)?;
        let heard = heard.into_inner().unwrap_or_else(PoisonError::into_inner);
        let deed = Deed::among(&written, DeedKind::Task, "Task", task);
        Ok(Heard { deed: deed.filter(|_| !heard.is_again), ..heard })
    }

    /// Notes that somebody opened what is for them; nothing where they did before.
    ///
    /// # Errors
    /// There is no such message for them.
    pub async fn read_message(&self, id: ResourceId, login: &str, who: &str) -> Result<(), Problem> {
        let done = self.change_with(id.person, Some(("Communication", id)), |_, known| {
            let stored = known.record.get("Communication", id);
            let theirs = stored.filter(|stored| Message::of(stored).is_some_and(|message| message.to.id == login));
            let stored = theirs
                .ok_or_else(|| Problem::error(Category::NotFound, Place::Whole, "There is no such message for you."))?;
            if !is_unread(&stored.resource, login) {
                return Ok((Vec::new(), Vec::new()));
            }
            let now = self.clock.now();
            let mut resource = stored.resource.clone();
            open(&mut resource, login, now);
            let subject = format!("Communication/{id}");
            let entry = entry(known, (who, now), "message-read", subject, true, "whom it is for opened it");
            Ok((vec![stamped(id, Some(stored), resource, now, None)], vec![entry]))
        });
        done.await.map(|_| ()).map_err(Fault::told)
    }

    /// How many messages somebody has not opened. Costs what there is, not what there was.
    ///
    /// # Errors
    /// A store that does not answer.
    pub async fn unread(&self, login: &str) -> Result<Unread, StoreError> {
        // Nothing lost: `more` says that there are more.
        let page = self.messages(login, true, None, MOST_UNREAD).await?;
        Ok(Unread { count: page.items.len(), more: page.next.is_some() })
    }

    /// What is for somebody, what was said or opened last first.
    ///
    /// # Errors
    /// A store that does not answer.
    pub async fn messages(
        &self,
        login: &str,
        unread: bool,
        after: Option<&Cursor>,
        count: usize,
    ) -> Result<Page<Stored>, StoreError> {
        self.store.search(&query(login, unread)?, after, count).await
    }
}

/// What telling comes to.
#[derive(Default)]
struct Telling {
    changes: Vec<Change>,
    entries: Vec<AuditEntry>,
    heard: Heard,
}

fn told(site: &Site, known: &Known, task: ResourceId, words: &Words, by: (&str, Timestamp)) -> Telling {
    let mut telling = Telling::default();
    let Some(task) = known.record.get("Task", task) else { return telling };
    let answered = words.answers.as_ref();
    let names = named(&words.text);
    let to_answered = answered.map(|(_, holder)| holder.clone()).filter(|holder| holder.id != words.from.id);
    if let Some(holder) = to_answered.filter(|holder| !names.contains(&holder.id)) {
        let is_known = site.people.contains_key(&holder.id);
        // Who came by a link is no one of the site's people: what is said to them stands under the name that they gave.
        if is_known {
            telling.name(site, known, task, words, &holder.id, by)
        } else {
            telling.tell(site, known, task, words, &holder, by)
        };
    }
    for (place, name) in names.iter().enumerate() {
        // Nothing lost: whoever wrote it is told that they were not told.
        if place >= MOST_NAMED {
            // Nothing lost: this is where it is said.
            let text = format!("at most {MOST_NAMED} people are told at once; this name came after them");
            telling.heard.untold.push((name.clone(), text));
        } else if *name == words.from.id {
            telling.heard.untold.push((name.clone(), "that is you".to_string()));
        } else {
            telling.name(site, known, task, words, name, by);
        }
    }
    telling
}

impl Telling {
    /// Tells whom a name means, where they may be told.
    fn name(&mut self, site: &Site, known: &Known, task: &Stored, words: &Words, name: &str, by: (&str, Timestamp)) {
        let for_few = is_for_few(&task.resource) || says_what_few_may_know(site, task, words);
        let nearest = || nearest(name, site, &known.memberships, for_few);
        let proposed = |text: &str| match nearest() {
            near if near.is_empty() => format!("{text}; nobody else here can be told"),
            near => format!("{text}. Nearest: {near}"),
        };
        let Some(member) = site.people.get(name) else {
            self.heard.untold.push((name.to_string(), proposed("nobody here has this name")));
            return;
        };
        if let Some(why) = hindrance(member, &known.memberships, for_few) {
            let subject = format!("Task/{}", task.id);
            self.entries.push(entry(known, by, "mention", subject, false, &format!("{name} {why}")));
            self.heard.untold.push((name.to_string(), proposed(&format!("{} {why}", member.name))));
            return;
        }
        let holder = Holder { id: member.login.clone(), name: member.name.clone() };
        self.tell(site, known, task, words, &holder, by);
    }

    fn tell(&mut self, site: &Site, known: &Known, task: &Stored, words: &Words, to: &Holder, by: (&str, Timestamp)) {
        let (_, now) = by;
        let key = format!("talk/Task/{}/{}/{}/{now}", task.id, words.from.id, to.id);
        let id = ResourceId::of(task.id.person, "Communication", &key);
        let message = Message {
            id,
            about: Some(task.id),
            from: words.from.clone(),
            to: to.clone(),
            sent: now,
            text: words.text.trim().to_string(),
            read: None,
        };
        let answers = words.answers.as_ref().map(|(id, _)| *id);
        let mut resource = message.write(task, known.record.head.person, answers);
        label_arrival(&mut resource, None, &site.value_sets, Uncoded::Recognised);
        let labels: Vec<_> = labels_of(&task.resource).cloned().collect();
        add_labels(&mut resource, &labels);
        self.changes.push(stamped(id, None, resource, now, None));
        let how = if answers.is_some() { "answered" } else { "named in a note" };
        let because = format!("{} told, {how} on Task/{}", to.id, task.id);
        self.entries.push(entry(known, by, "mention", format!("Communication/{id}"), true, &because));
        self.heard.told.push(to.clone());
    }
}

/// Whether the words themselves name what few may know.
fn says_what_few_may_know(site: &Site, task: &Stored, words: &Words) -> bool {
    let (from, to) = (words.from.clone(), words.from.clone());
    let message =
        Message { id: task.id, about: None, from, to, sent: task.updated, text: words.text.clone(), read: None };
    let mut resource = message.write(task, task.id.person, None);
    label_arrival(&mut resource, None, &site.value_sets, Uncoded::Recognised);
    is_for_few(&resource)
}

fn entry(
    known: &Known,
    (who, now): (&str, Timestamp),
    action: &str,
    subject: String,
    allowed: bool,
    because: &str,
) -> AuditEntry {
    AuditEntry {
        at: now,
        agent: who.to_string(),
        action: action.to_string(),
        person: Some(known.record.head.person),
        subject,
        allowed,
        because: because.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::clock::ManualClock;
    use crate::pipeline::Arrival;
    use crate::pipeline::change::Named;
    use crate::protocol::{Action, Hand};
    use crate::site;
    use crate::store::{EngineChoice, StoreSettings, WorkFilter, open};

    /// A practice with a task that nobody has taken.
    async fn house() -> (Gateway, ResourceId) {
        let site = site::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/demo")).site.unwrap();
        let panel = &site.panels["lakeside"];
        let file = panel.members.clone().unwrap();
        let members = site.read_roster(panel, &file, &std::fs::read(site.folder.join(&file)).unwrap()).members;
        let store = open(&StoreSettings { engine: EngineChoice::Memory, path: "unused".into() }).unwrap();
        let now = "2026-03-02T22:00:00Z".parse().unwrap();
        store.replace_panel("lakeside", members, now).await.unwrap();
        let gateway = Gateway::new(store, site, Arc::new(ManualClock::at(now)));
        let raw = "MSH|^~\\&|RIVER-ADT|RIVERSIDE|HANDOVER|DEMO|20260302160000-0500||ADT^A03^ADT_A03|1|P|2.5.1\r\
                   PID|1||4712^^^RIVERSIDE^MR||Brandt^Theo||19510809|M\r\
                   PV1|1|E|ED^02^B^RIVERSIDE|||||||||||||||V30001^^^RIVERSIDE-VISIT^VN|||||||||||||||||||||||||20260302140000-0500|20260302155500-0500";
        gateway.accept(Arrival { feed: "riverside".into(), raw: raw.into(), ..Arrival::default() }).await;
        let task = gateway.store.worklist(&WorkFilter::default(), None, 1).await.unwrap().items.remove(0).id;
        (gateway, task)
    }

    fn words(text: &str, once: &str) -> Words {
        let from = Holder { id: "ida".to_string(), name: "Ida Roe".to_string() };
        Words { text: text.to_string(), from, answers: None, once: Some(once.to_string()) }
    }

    #[tokio::test]
    async fn who_could_not_be_told_is_said_again_when_the_form_comes_again() {
        let (gateway, task) = house().await;
        let (text, who) = ("rang @nobody-here, no answer", "person:ida");
        let note = [("task-note", Action::Note { text: text.to_string() })];
        let first = gateway.take_steps(task, &note, &words(text, "a form"), who).await.unwrap();
        let again = gateway.take_steps(task, &note, &words(text, "a form"), who).await.unwrap();
        assert_eq!((first.is_again, again.is_again, first.untold.len()), (false, true, 1));
        assert_eq!(again.untold, first.untold);
        let stored = gateway.store.resource("Task", task).await.unwrap().unwrap();
        assert_eq!(stored.resource.get("note").unwrap().as_array().unwrap().len(), 1, "it stands there once");
    }

    #[tokio::test]
    async fn what_was_undone_since_is_done_anew_and_what_stands_is_not() {
        let (gateway, task) = house().await;
        let who = "person:ida";
        let me = words("", "").from;
        let until = gateway.clock.now() + jiff::SignedDuration::from_hours(20);
        let claim = ("task-claim", Action::Hand(Hand::Claim(me.clone())));
        let start = vec![claim.clone(), ("task-start", Action::Start)];
        let back: Vec<Named> = vec![("task-give-back", Action::Hand(Hand::Back))];
        let snooze = vec![("task-snooze", Action::Hand(Hand::Snooze { until, why: "asleep".to_string() }))];
        let give = |to: &str| {
            let to = Holder { id: to.to_string(), name: to.to_uppercase() };
            vec![
                ("task-give", Action::Hand(Hand::Give(to))),
                ("task-note", Action::Note { text: "Given away".to_string() }),
            ]
        };
        let steps = [vec![claim], start, snooze, give("kim"), give("lee")];
        for (number, done) in steps.iter().enumerate() {
            let form = format!("form {number}");
            let take = async |steps: &[Named], form: &str| {
                gateway.take_steps(task, steps, &words("", form), who).await.unwrap().is_again
            };
            let stands = async || {
                let stored = gateway.store.resource("Task", task).await.unwrap().unwrap();
                done.iter().all(|(_, action)| action.stands(&stored))
            };
            assert!(!take(done, &form).await && stands().await, "{done:?}");
            assert!(take(done, &form).await, "a double click: {done:?}");
            assert!(!take(&back, &format!("back {number}")).await);
            assert!(!take(done, &form).await && stands().await, "from the page before: {done:?}");
            assert!(take(done, &form).await, "and once only: {done:?}");
            assert!(!take(&back, &format!("back again {number}")).await);
        }
    }
}
