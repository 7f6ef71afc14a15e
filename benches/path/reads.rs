//! What is read: FHIR, CDS cards, pages of the console. A gateway takes a hundred requests per second of one address, so they are
//! asked one at a time with a pause, and what counts is CPU and latency.

use std::time::{Duration, Instant};

use crate::compare::{Bench, median};
use crate::gateway::Gateway;
use crate::history;
use crate::mixes::ONE_PANEL;
use crate::reader::{Asked, QUESTIONS, Question, Reader};
use crate::site::member;

/// From one request to the next.
const PACE: Duration = Duration::from_millis(12);

/// Of each question in each round.
const ASKED: usize = 40;

pub async fn reads(bench: &Bench) {
    let gateways = bench.gateways("reads", ONE_PANEL);
    let few: Vec<usize> = (0..100).map(member).collect();
    let much = [member(4_000)];
    for gateway in &gateways {
        history::write_past(bench, gateway, &few, 8).await;
        let written = history::write_past(bench, gateway, &much, 1_000).await;
        println!("  {}: 8 messages of 100 people and {written} of one, all on the panel", gateway.name);
    }
    let mut readers = readers(bench, &gateways).await;
    questions(bench, &gateways, &mut readers, "the patient of 8 messages", few[0]).await;
    questions(bench, &gateways, &mut readers, "the patient of many messages", much[0]).await;
    gateways.into_iter().for_each(Gateway::stop);
}

/// What one question took at one gateway, of all rounds.
#[derive(Default)]
struct Answers {
    latencies: Vec<f64>,
    cpu: Duration,
    bytes: usize,
}

/// Somebody logged in at each; the link to the console opens once.
pub async fn readers<'b>(bench: &'b Bench, gateways: &[Gateway]) -> Vec<Reader<'b>> {
    let mut readers = Vec::new();
    for gateway in gateways {
        readers.push(Reader::new(&bench.key, gateway).await);
    }
    readers
}

/// Asks every question about the patient with this number, at each gateway in turns.
pub async fn questions(bench: &Bench, gateways: &[Gateway], readers: &mut [Reader<'_>], title: &str, mrn: usize) {
    let mut asked = Vec::new();
    for reader in &mut *readers {
        reader.renew().await;
        asked.push(Asked::of(reader, mrn).await);
    }
    println!("\n{title}: {} rounds of {ASKED} of each", bench.rounds);
    println!("  {:<24}{:<14}{:>10}{:>10}{:>10}{:>10}", "", "", "p50 ms", "p99 ms", "CPU µs", "bytes");
    for question in QUESTIONS {
        let mut answers: Vec<Answers> = gateways.iter().map(|_| Answers::default()).collect();
        for round in 0..bench.rounds {
            for turn in 0..gateways.len() {
                let side = (turn + round) % gateways.len();
                readers[side].renew().await;
                ask(&gateways[side], question, &readers[side], &asked[side], &mut answers[side]).await;
            }
        }
        print_answers(question.name, gateways, &mut answers);
    }
}

async fn ask(gateway: &Gateway, question: &Question, reader: &Reader<'_>, asked: &Asked, into: &mut Answers) {
    let before = gateway.used().cpu;
    for _ in 0..ASKED {
        let request = (question.ask)(reader, asked);
        let began = Instant::now();
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let body = answer.bytes().await.unwrap();
        let took = began.elapsed();
        assert_eq!(status, 200, "{}: {}", question.name, String::from_utf8_lossy(&body));
        into.latencies.push(took.as_secs_f64() * 1000.0);
        into.bytes = body.len();
        tokio::time::sleep(PACE.saturating_sub(took)).await;
    }
    into.cpu += gateway.used().cpu - before;
}

fn print_answers(name: &str, gateways: &[Gateway], answers: &mut [Answers]) {
    let mut rows = Vec::new();
    for (gateway, answers) in gateways.iter().zip(answers) {
        answers.latencies.sort_by(f64::total_cmp);
        let count = answers.latencies.len();
        let cpu = answers.cpu.as_secs_f64() * 1e6 / count as f64;
        let (p50, p99) = (median(answers.latencies.iter().copied()), answers.latencies[count * 99 / 100]);
        println!("  {name:<24}{:<14}{p50:>10.2}{p99:>10.2}{cpu:>10.0}{:>10}", gateway.name, answers.bytes);
        rows.push([p50, p99, cpu]);
    }
    for (gateway, row) in gateways.iter().zip(&rows).skip(1) {
        let ratio = |column: usize| rows[0][column] / row[column];
        let against = format!("÷ {}", gateway.name);
        println!("  {:<24}{against:<14}{:>10.3}{:>10.3}{:>10.3}", "", ratio(0), ratio(1), ratio(2));
    }
}
