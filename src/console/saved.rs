//! Views of My work that somebody keeps under a name: durable, each with its count as it is now. A view is an address and no right: what
//! is none of theirs any more is said to be so.

use actix_web::web;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::Console;
use super::fault::{Answer, Fault};
use super::form_key::FormKey;
use super::page;
use super::session::Person;
use super::work_place::{PARTS, Place, midnight, sums};
use crate::pipeline::Gateway;
use crate::site::{Panels, Site};
use crate::store::StoreError;

/// Views that one person keeps, each counted whenever the page is opened.
const MOST_VIEWS: usize = 12;
/// In characters.
const LONGEST_NAME: usize = 40;

/// Whoever keeps one waits for whoever does in this process, so that neither writes over the other. Of two gateways on one database that
/// write one person's views in the same moment, the later one's stand: a view that is gone is seen to be, and kept again.
static KEEPING: Mutex<()> = Mutex::const_new(());

/// One view, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct View {
    name: String,
    panel: String,
    whose: String,
    show: String,
}

/// One view, as the page shows it.
pub(super) struct Line {
    pub name: String,
    pub address: String,
    /// None where it is not theirs any more.
    pub count: Option<u64>,
}

impl View {
    fn address(&self) -> String {
        format!("/console/work?panel={}&whose={}&show={}", self.panel, self.whose, self.show)
    }

    /// What it is a view of; none where that is not theirs any more. All practices are one only for whom all are.
    fn place(&self, site: &Site, person: &Person) -> Option<Place> {
        let is_theirs = !self.panel.is_empty() || person.panels == Panels::All;
        // Nothing lost: the line says so.
        Place::of(site, person, &self.panel).ok().filter(|_| is_theirs)
    }
}

fn state(login: &str) -> String {
    format!("views/{login}")
}

async fn kept(gateway: &Gateway, login: &str) -> Result<Vec<View>, StoreError> {
    let bytes = gateway.store.get_state(&state(login)).await?.unwrap_or_else(|| b"[]".to_vec());
    serde_json::from_slice(&bytes).map_err(|error| {
        tracing::error!(%error, "the views that somebody keeps cannot be read");
        StoreError::Refused("The views that you keep cannot be read.".to_string())
    })
}

/// The views that somebody keeps, with what is in each now; none where they have no account.
pub(super) async fn lines(
    console: &Console,
    site: &Site,
    person: &Person,
    now: Timestamp,
) -> Result<Option<Vec<Line>>, StoreError> {
    let Some(login) = &person.login else { return Ok(None) };
    let mut lines = Vec::new();
    for view in kept(&console.gateway, login).await? {
        let count = match view.place(site, person) {
            Some(place) => Some(count(console, &view, &place, person, now).await?),
            None => None,
        };
        lines.push(Line { address: view.address(), name: view.name, count });
    }
    Ok(Some(lines))
}

async fn count(
    console: &Console,
    view: &View,
    place: &Place,
    person: &Person,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let (store, list) = (&console.gateway.store, place.list(&view.whose, person));
    let end = midnight(now, &place.zone);
    let (at_once, by_midnight) =
        tokio::try_join!(store.work_counts(list.as_deref(), now), store.work_counts(list.as_deref(), end))?;
    let part = PARTS.iter().position(|(part, _)| *part == view.show);
    let sums = sums(&at_once, &by_midnight);
    Ok(part.and_then(|part| sums.get(part).copied()).unwrap_or_else(|| sums.iter().sum()))
}

#[derive(Deserialize)]
pub(super) struct Form {
    #[serde(flatten)]
    key: FormKey,
    #[serde(default)]
    act: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    panel: String,
    #[serde(default)]
    whose: String,
    #[serde(default)]
    show: String,
}

/// Keeps a view, or keeps it no more.
pub(super) async fn act(console: web::Data<Console>, person: Person, form: web::Form<Form>) -> Answer {
    let form = form.into_inner();
    form.key.check(&person)?;
    let site = console.gateway.site.load_full();
    let view = View { name: form.name.trim().to_string(), panel: form.panel, whose: form.whose, show: form.show };
    let done = match form.act.as_str() {
        "keep" => keep(&console.gateway, &site, &person, view.clone()).await.map(|()| "keep"),
        "drop" => drop(&console.gateway, &person, &view.name).await.map(|()| "drop"),
        _ => Err(Fault::Refused("Not saved: press one of the form’s buttons.".to_string())),
    };
    Ok(page::see(&format!("{}&done={}", view.address(), done?)))
}

fn login(person: &Person) -> Result<&str, Fault> {
    let text = "Views are kept for people with an account, and you came by a link. Keep the address as a bookmark.";
    person.login.as_deref().ok_or_else(|| Fault::Refused(text.to_string()))
}

async fn keep(gateway: &Gateway, site: &Site, person: &Person, view: View) -> Result<(), Fault> {
    let (login, refused) = (login(person)?, |text: String| Err(Fault::Refused(text)));
    let length = view.name.chars().count();
    if !(1..=LONGEST_NAME).contains(&length) || view.name.chars().any(char::is_control) {
        return refused(format!(
            "Not kept: give the view a name of 1 to {LONGEST_NAME} characters; this one has {length}."
        ));
    }
    let is_known = ["", "mine", "free", "snoozed"].contains(&view.whose.as_str())
        && (view.show.is_empty() || PARTS.iter().any(|(part, _)| *part == view.show));
    if !is_known || view.place(site, person).is_none() {
        return refused("Not kept: there is no such list, or it is none of yours.".to_string());
    }
    let _one = KEEPING.lock().await;
    let mut views = kept(gateway, login).await?;
    match views.iter().find(|other| other.name == view.name) {
        // Sent twice.
        Some(same) if *same == view => return Ok(()),
        Some(_) => return refused(format!("Not kept: there is a view “{}” already. Take another name.", view.name)),
        None => {}
    }
    // Nothing lost: the person is told, and nothing is taken.
    if views.len() >= MOST_VIEWS {
        return refused(format!("Not kept: you keep {MOST_VIEWS} views, which is all there can be. Delete one first."));
    }
    views.push(view);
    write(gateway, login, &views).await
}

async fn drop(gateway: &Gateway, person: &Person, name: &str) -> Result<(), Fault> {
    let login = login(person)?;
    let _one = KEEPING.lock().await;
    let mut views = kept(gateway, login).await?;
    views.retain(|view| view.name != name);
    write(gateway, login, &views).await
}

async fn write(gateway: &Gateway, login: &str, views: &[View]) -> Result<(), Fault> {
    let bytes = serde_json::to_vec(views).map_err(|error| Fault::Refused(error.to_string()))?;
    Ok(gateway.store.put_state(&state(login), &bytes).await?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use super::*;
    use crate::clock::ManualClock;
    use crate::console::Sessions;
    use crate::store::{EngineChoice, StoreSettings, open};

    fn nia(panels: Panels) -> Person {
        Person { panels, ..Person::for_tests("nbrooks", &[]) }
    }

    fn view(name: &str, panel: &str, whose: &str, show: &str) -> View {
        View { name: name.to_string(), panel: panel.to_string(), whose: whose.to_string(), show: show.to_string() }
    }

    #[actix_web::test]
    async fn a_view_is_kept_counted_and_deleted_and_is_no_right() {
        let folder = tempfile::tempdir().unwrap();
        crate::site::write_demo(folder.path(), &|text| text).unwrap();
        let site = crate::site::load(folder.path()).site.unwrap();
        let settings = StoreSettings { engine: EngineChoice::Memory, path: "unused".into() };
        let now = Timestamp::UNIX_EPOCH;
        let gateway = Gateway::new(open(&settings).unwrap(), site, Arc::new(ManualClock::at(now)));
        let console = Console::new(Arc::new(gateway), Arc::new(Sessions::default()), Arc::default(), false);
        let site = console.gateway.site.load_full();
        let own = nia(Panels::Of(BTreeSet::from(["lakeside".to_string()])));
        let keep = async |person: &Person, view: View| match keep(&console.gateway, &site, person, view).await {
            Ok(()) => "kept".to_string(),
            Err(Fault::Refused(text)) => text,
            Err(other) => panic!("{other:?}"),
        };
        let late = view("Late <and> mine", "lakeside", "mine", "late");
        assert_eq!(keep(&own, late.clone()).await, "kept");
        assert_eq!(keep(&own, late).await, "kept", "sent twice is once");
        for (refused, why) in [
            (view("Late <and> mine", "lakeside", "", ""), "there is a view"),
            (view("", "lakeside", "", ""), "1 to 40 characters; this one has 0"),
            (view(&"ж".repeat(41), "lakeside", "", ""), "this one has 41"),
            (view("a\nb", "lakeside", "", ""), "give the view a name"),
            (view("other", "nowhere", "", ""), "none of yours"),
            (view("all", "", "", ""), "none of yours"),
            (view("odd", "lakeside", "", "never"), "no such list"),
        ] {
            let told = keep(&own, refused).await;
            assert!(told.contains(why), "{told}");
        }
        let shown = async |person: &Person| {
            let lines = lines(&console, &site, person, now).await.unwrap().unwrap();
            lines.into_iter().map(|line| (line.name, line.count)).collect::<Vec<_>>()
        };
        assert_eq!(shown(&own).await, [("Late <and> mine".to_string(), Some(0))]);
        let elsewhere = nia(Panels::Of(BTreeSet::from(["hillside".to_string()])));
        assert_eq!(shown(&elsewhere).await, [("Late <and> mine".to_string(), None)], "it is said, and not counted");
        for number in 1..MOST_VIEWS {
            assert_eq!(keep(&own, view(&number.to_string(), "lakeside", "", "")).await, "kept");
        }
        assert!(keep(&own, view("one more", "lakeside", "", "")).await.contains("Delete one first"));
        drop(&console.gateway, &own, "Late <and> mine").await.unwrap();
        drop(&console.gateway, &own, "Late <and> mine").await.unwrap();
        assert_eq!(shown(&own).await.len(), MOST_VIEWS - 1);
        let link = Person { login: None, ..own };
        assert!(keep(&link, view("x", "", "", "")).await.contains("by a link"));
    }
}
