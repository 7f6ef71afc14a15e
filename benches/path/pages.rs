//! What the pages of the console cost where much is kept, as somebody sees them who may open all: time until the whole page is there, and its
//! weight without the style and the script, which come once.

use std::time::{Duration, Instant};

use crate::compare::Bench;
use crate::generate::Content;
use crate::reader::Reader;
use crate::site::{Plan, member};
use crate::stores;

/// From one request to the next: a gateway takes a hundred per second of one address.
const PACE: Duration = Duration::from_millis(12);

/// Of each page; of a slow one as often as this time allows.
const ASKED: usize = 60;
const LONGEST: Duration = Duration::from_secs(10);

const PRACTICES: usize = 20;

pub async fn pages(bench: &Bench, mix: &str, patients: usize) {
    let content =
        Content { patients, members: patients, practices: PRACTICES, deliveries_each: 0, more_messages_each: 9 };
    let plan = Plan { practices: PRACTICES, members: patients };
    let gateways = stores::started(bench, &stores::sites(bench, mix, plan, content).await).await;
    for gateway in gateways {
        let mut reader = Reader::new(&bench.key, &gateway).await;
        let addresses = addresses(&mut reader).await;
        println!("\n{mix}, {}: {ASKED} of each", gateway.name);
        println!("  {:<52}{:>10}{:>10}{:>10}{:>8}", "", "p50 ms", "p95 ms", "most ms", "kB");
        for address in addresses {
            measure(&reader, &address).await;
        }
        gateway.stop();
    }
}

/// Those of the menu, of a practice, and of one patient, message, delivery and partner.
async fn addresses(reader: &mut Reader<'_>) -> Vec<String> {
    reader.renew().await;
    let first = reader.page("/console").await;
    let sum = reader.page("/console/work").await;
    let sum = sum.split("<p class=\"sum\"><strong>").nth(1).and_then(|rest| rest.split('<').next());
    println!("  {}", sum.unwrap_or_default());
    let menu = first.split("<nav aria-label=\"Main\">").nth(1).and_then(|rest| rest.split("</nav>").next()).unwrap();
    let mut all: Vec<String> = links(menu).collect();
    let patient = format!("/console/patients/{}", reader.patient(member(PRACTICES)).await);
    let messages = reader.page("/console/messages").await;
    let link = |page: &str, begin: &str| links(page).find(|link| link.starts_with(begin));
    all.extend(link(&messages, "/console/messages/1").or_else(|| link(&messages, "/console/messages/2")));
    for part in ["now", "late", "today", "later"] {
        all.push(format!("/console/work?show={part}"));
    }
    let practice = ["work", "huddle", "caseload", "referrals", "measures", "measures/table"];
    all.extend(practice.map(|page| format!("/console/{page}?panel=practice-7")));
    all.extend(["", "/records", "/plan"].map(|page| format!("{patient}{page}")));
    let others = [
        "/console/for-you",
        "/console/patients?find=Family77",
        "/console/patients?find=1958",
        "/console/messages?faulty=yes",
        "/console/messages?text=Okafor",
        "/console/deliveries?partner=practice-7",
        "/console/deliveries?state=dead",
        "/console/unused?kind=code",
        "/console/maps",
    ];
    all.extend(others.map(str::to_string));
    all.dedup();
    all
}

fn links(page: &str) -> impl Iterator<Item = String> + use<'_> {
    page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_string)
}

async fn measure(reader: &Reader<'_>, address: &str) {
    let (mut took, mut bytes) = (Vec::new(), 0);
    let first = Instant::now();
    while took.len() < ASKED && (took.len() < 3 || first.elapsed() < LONGEST) {
        let began = Instant::now();
        let answer = reader.console(address).send().await.unwrap();
        let status = answer.status().as_u16();
        bytes = answer.bytes().await.unwrap().len();
        let time = began.elapsed();
        if status != 200 {
            println!("  {address:<52}{status:>10}");
            return;
        }
        took.push(time.as_secs_f64() * 1000.0);
        tokio::time::sleep(PACE.saturating_sub(time)).await;
    }
    took.sort_by(f64::total_cmp);
    let at = |percent: usize| took[(took.len() * percent / 100).min(took.len() - 1)];
    let shown: String = address.chars().take(51).collect();
    println!("  {shown:<52}{:>10.1}{:>10.1}{:>10.1}{:>8.0}", at(50), at(95), at(100), bytes as f64 / 1000.0);
}
