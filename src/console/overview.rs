//! The overview: what comes in, what is owed, what waits, in numbers and a chart that move.

use actix_web::web;
use askama::Template;
use jiff::tz::TimeZone;

use super::fault::{Answer, Fault};
use super::page::{self, Frame};
use super::pulse::Minute;
use super::session::Person;
use super::unused::Sums;
use super::{Console, turn};
use crate::store::{Health, MessageFilter, MessageSummary, StoreError, Urgency, WorkCounts};

/// How many of the newest messages are shown.
const NEWEST: usize = 8;
/// The chart's size in its own units.
const WIDTH: u32 = 1080;
const HEIGHT: u32 = 120;

#[derive(Template)]
#[template(path = "console/overview.html")]
struct Overview {
    frame: Frame,
    /// What partners' servers say that they do not offer.
    not_offered: Vec<String>,
    numbers: Numbers,
}

/// The part that moves; fetched anew when something happens.
#[derive(Template)]
#[template(path = "console/numbers.html")]
struct Numbers {
    health: Health,
    messages_hour: u32,
    faulty_hour: u32,
    delivered_hour: u32,
    work: WorkCounts,
    unused: Sums,
    /// How much waits for a look.
    to_look_at: u64,
    bars: Vec<Bar>,
    peak: u32,
    newest: Vec<Row>,
    feeds: Vec<String>,
}

struct Bar {
    x: u32,
    height: u32,
    y: u32,
    faulty_height: u32,
    faulty_y: u32,
    width: u32,
    title: String,
}

struct Row {
    summary: MessageSummary,
    received: String,
}

pub(super) async fn show(console: web::Data<Console>, person: Person) -> Answer {
    let zone = page::zone_of(&console.gateway.site.load());
    let frame = Frame::new("overview", &console, &person).in_zone(&zone);
    let numbers = gather(&console, &person, zone).await?;
    let not_offered = console.gateway.not_offered();
    turn::make(move || Overview { frame, not_offered, numbers }).await
}

pub(super) async fn numbers(console: web::Data<Console>, person: Person) -> Answer {
    let zone = page::zone_of(&console.gateway.site.load());
    let numbers = gather(&console, &person, zone).await?;
    turn::make(move || numbers).await
}

async fn gather(console: &Console, person: &Person, zone: TimeZone) -> Result<Numbers, Fault> {
    let gateway = console.gateway.clone();
    let now = gateway.clock.now();
    let hour = console.pulse.hour(now.as_second() / 60);
    let reading = async move {
        let site = gateway.site.load_full();
        let peak = hour.iter().map(|minute| minute.messages).max().unwrap_or_default();
        let newest = gateway.store.messages(&MessageFilter::default(), None, NEWEST).await?;
        let row = |summary: MessageSummary| Row { received: page::second(summary.received, &zone), summary };
        Ok::<_, StoreError>(Numbers {
            health: gateway.store.health().await,
            unused: Sums::of(&gateway.store.unused_totals().await?),
            messages_hour: hour.iter().map(|minute| minute.messages).sum(),
            faulty_hour: hour.iter().map(|minute| minute.faulty).sum(),
            delivered_hour: hour.iter().map(|minute| minute.delivered).sum(),
            work: gateway.store.work_counts(None, now).await?,
            to_look_at: gateway.store.to_look_at(None, 1).await?.total,
            bars: bars(&hour, peak),
            peak,
            newest: newest.items.into_iter().map(row).collect(),
            feeds: site.feeds.keys().cloned().collect(),
        })
    };
    turn::read(console, person, reading).await
}

fn bars(hour: &[Minute], peak: u32) -> Vec<Bar> {
    let count = u32::try_from(hour.len()).unwrap_or(1).max(1);
    let step = WIDTH / count;
    let scale = |number: u32| number * HEIGHT / peak.max(1);
    hour.iter()
        .zip(0..)
        .map(|(minute, place): (&Minute, u32)| {
            let (height, faulty_height) = (scale(minute.messages), scale(minute.faulty));
            Bar {
                x: place * step,
                height,
                y: HEIGHT - height,
                faulty_height,
                faulty_y: HEIGHT - faulty_height,
                width: step.saturating_sub(2).max(1),
                title: format!(
                    "{} min ago: {}, {} refused, {} delivered",
                    count - 1 - place,
                    page::counted(u64::from(minute.messages), "message", "messages"),
                    minute.faulty,
                    minute.delivered
                ),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busiest_minute_fills_the_chart() {
        let quiet = Minute { messages: 5, ..Minute::default() };
        let busy = Minute { messages: 10, faulty: 10, ..Minute::default() };
        let bars = bars(&[quiet, busy], 10);
        assert_eq!((bars[0].height, bars[0].y), (60, 60));
        assert_eq!((bars[1].height, bars[1].faulty_height, bars[1].y), (120, 120, 0));
    }
}
