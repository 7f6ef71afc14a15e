//! Messages run again, many at once: how many and which, what would change, worked out before anything is; then how far it is, and what
//! changed.

use std::collections::BTreeMap;

use actix_web::web;
use askama::Template;
use serde::Deserialize;

use super::fault::{Answer, Fault};
use super::form_key::FormKey;
use super::messages::Words;
use super::page::{self, Frame};
use super::session::Person;
use super::{Console, turn};
use crate::pipeline::{Changed, MessageWords, Rerun, RerunState, Selected, signed};
use crate::problem::Problem;
use crate::store::StoreError;

/// Messages that are worked out for a preview; of more a part from all over the time.
const SAMPLE: usize = 60;
/// Days that are told one by one.
const DAYS: usize = 14;

#[derive(Template)]
#[template(path = "console/replay.html")]
struct Preview {
    frame: Frame,
    asked: Vec<(&'static str, String)>,
    count: u64,
    selected: Selected,
    /// The newest days, and how many more there are.
    days: Vec<(String, u64)>,
    more_days: usize,
    /// How many were worked out, whether that is all, and for how many something changes.
    looked: usize,
    is_all: bool,
    differ: u64,
    changes: Vec<Sum>,
    changed: Changed,
}

/// One kind of change with how often it is.
pub(super) struct Sum {
    what: String,
    count: u64,
}

pub(super) fn sums(changed: &Changed) -> Vec<Sum> {
    let of = |map: &BTreeMap<String, u64>, word: &str| -> Vec<Sum> {
        map.iter().map(|(kind, count)| Sum { what: format!("{kind}{word}"), count: *count }).collect()
    };
    let parts = [
        of(&changed.answers, " (answer)"),
        of(&changed.new, " new"),
        of(&changed.altered, " changed"),
        of(&changed.deliveries, " to send"),
    ];
    parts.into_iter().flatten().collect()
}

/// Why a question cannot be run.
enum Lacking {
    Problem(Problem),
    Store(StoreError),
}

impl From<Lacking> for Fault {
    fn from(lacking: Lacking) -> Self {
        match lacking {
            Lacking::Problem(problem) => problem.into(),
            Lacking::Store(error) => error.into(),
        }
    }
}

pub(super) async fn preview(console: web::Data<Console>, person: Person, words: web::Query<MessageWords>) -> Answer {
    let words = words.into_inner();
    let (gateway, chosen) = (console.gateway.clone(), words.clone());
    let reading = async move {
        let selected = gateway.select(&chosen).await.map_err(Lacking::Problem)?;
        let sample = selected.sample(SAMPLE);
        let changed = gateway.preview(&sample).await.map_err(Lacking::Store)?;
        Ok::<_, Lacking>((selected, sample.len(), changed))
    };
    let (selected, looked, changed) = turn::read(&console, &person, reading).await?;
    let zone = page::zone_of(&console.gateway.site.load());
    let frame = Frame::new("messages", &console, &person).in_zone(&zone);
    turn::make(move || {
        let days = selected.days.iter().rev();
        Preview {
            frame,
            asked: Words::of(&words).asked(),
            count: selected.sequences.len() as u64,
            days: days.map(|(day, count)| (day.to_string(), *count)).take(DAYS).collect(),
            more_days: selected.days.len().saturating_sub(DAYS),
            looked,
            is_all: looked == selected.sequences.len(),
            differ: changed.messages - changed.unchanged,
            changes: sums(&changed),
            changed,
            selected,
        }
    })
    .await
}

#[derive(Deserialize)]
pub(super) struct Pressed {
    #[serde(flatten)]
    key: FormKey,
    #[serde(flatten)]
    words: MessageWords,
}

pub(super) async fn begin(console: web::Data<Console>, person: Person, form: web::Form<Pressed>) -> Answer {
    form.key.check(&person)?;
    let run = console.gateway.begin_rerun(&form.words, &person.agent()).await?;
    let gateway = console.gateway.clone();
    actix_web::rt::spawn(async move { gateway.go_on_with(run).await });
    Ok(page::see("/console/replay/run"))
}

pub(super) async fn resume(console: web::Data<Console>, person: Person, form: web::Form<FormKey>) -> Answer {
    form.check(&person)?;
    let run = console.gateway.resume_rerun(&person.agent()).await?;
    let gateway = console.gateway.clone();
    actix_web::rt::spawn(async move { gateway.go_on_with(run).await });
    Ok(page::see("/console/replay/run"))
}

pub(super) async fn stop(console: web::Data<Console>, person: Person, form: web::Form<FormKey>) -> Answer {
    form.check(&person)?;
    console.gateway.stop_rerun(&person.agent()).await?;
    Ok(page::see("/console/replay/run"))
}

#[derive(Template)]
#[template(path = "console/replay_run.html")]
struct Run {
    frame: Frame,
    run: Rerun,
    asked: Vec<(&'static str, String)>,
    who: String,
    began: String,
    said: String,
    state: &'static str,
    differ: u64,
    left: u64,
    changes: Vec<Sum>,
    /// Messages that something changed for and that are not told one by one.
    more: u64,
}

pub(super) async fn show(console: web::Data<Console>, person: Person) -> Answer {
    let run = console.gateway.rerun().await?.ok_or_else(|| Fault::no_such("run"))?;
    let site = console.gateway.site.load_full();
    let zone = page::zone_of(&site);
    let frame = Frame::new("messages", &console, &person).in_zone(&zone);
    turn::make(move || Run {
        frame,
        asked: Words::of(&run.words).asked(),
        who: signed(&site, &run.who).to_string(),
        began: page::second(run.began, &zone),
        said: page::second(run.said, &zone),
        state: match run.state {
            RerunState::Running => "running",
            RerunState::Done => "done",
            RerunState::Stopped => "stopped",
            RerunState::CutOff => "cut-off",
        },
        differ: run.changed.messages - run.changed.unchanged,
        left: run.total.saturating_sub(run.done),
        changes: sums(&run.changed),
        more: (run.changed.messages + run.changed.gone - run.changed.unchanged).saturating_sub(run.lines.len() as u64),
        run,
    })
    .await
}
