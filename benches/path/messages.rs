//! The messages of the mixes. Every one has a number of its own as its control id, and no two visits share a number.

use std::sync::atomic::{AtomicU64, Ordering};

static NUMBER: AtomicU64 = AtomicU64::new(1);

pub fn next_number() -> u64 {
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

/// A time some minutes ago, in UTC with its offset.
pub fn minutes_ago(minutes: i64) -> String {
    let moment = jiff::Timestamp::now().checked_sub(jiff::SignedDuration::from_mins(minutes)).unwrap();
    moment.strftime("%Y%m%d%H%M%S+0000").to_string()
}

fn header(kind: &str, at: &str) -> String {
    let control = next_number();
    format!("MSH|^~\\&|RIVER|RIVERSIDE|HANDOVER|BENCH|{at}||{kind}|B{control}|P|2.5.1")
}

fn patient(mrn: usize, phone: u64) -> String {
    format!("PID|1||{mrn}^^^RIVERSIDE^MR||Okafor^Rosalind^M||19580314|F|||||555-{phone:07}")
}

/// What an ADT message tells of a visit.
struct Visit<'a> {
    mrn: usize,
    visit: &'a str,
    start: &'a str,
    end: &'a str,
    phone: u64,
}

fn adt(event: &str, structure: &str, at: &str, told: &Visit) -> String {
    let Visit { mrn, visit, start, end, phone } = told;
    [
        header(&format!("ADT^{event}^{structure}"), at),
        format!("EVN|{event}|{at}"),
        patient(*mrn, *phone),
        format!("PV1|1|E|ED^04^A^RIVERSIDE||||1043^Lindqvist^Maja^^^Dr.^^^RIVERSIDE||||||||||||{visit}^^^RIVERSIDE-VISIT^VN|||||||||||||||||||||||||{start}|{end}"),
        "DG1|1||J44.1^COPD with exacerbation^I10|||F".to_string(),
    ]
    .join("\r")
        + "\r"
}

/// An emergency visit: the registration and the discharge of one patient.
pub fn visit(mrn: usize) -> [String; 2] {
    let visit = format!("V{}", next_number());
    let (start, end, now) = (minutes_ago(90), minutes_ago(5), minutes_ago(0));
    let told = Visit { mrn, visit: &visit, start: &start, end: "", phone: 0 };
    [adt("A04", "ADT_A01", &now, &told), adt("A03", "ADT_A03", &now, &Visit { end: &end, ..told })]
}

/// The same at the other hospital.
pub fn visit_elsewhere(mrn: usize) -> [String; 2] {
    visit(mrn).map(|message| message.replace("RIVERSIDE", "HILLTOP"))
}

/// One queue of visits for each connection; `mrn` says whose the visit of a number is.
pub fn pairs(connections: usize, messages: usize, mrn: impl Fn(usize) -> usize) -> Vec<Vec<String>> {
    let pairs = messages.div_ceil(2 * connections);
    let queue = |connection: usize| (0..pairs).flat_map(|pair| visit(mrn(pair * connections + connection))).collect();
    (0..connections).map(queue).collect()
}

/// Laboratory results, the same twenty tests again and again a minute apart, the newest `minutes` ago. An order has twenty results, or
/// 200 where there are more than 1,000, since a message has at most 10,000 segments.
pub fn results(mrn: usize, count: usize, minutes: i64) -> String {
    let times_per_order = if count > 1_000 { 10 } else { 1 };
    let mut segments = vec![header("ORU^R01^ORU_R01", &minutes_ago(minutes)), patient(mrn, 0)];
    for number in 0..count {
        let (time, test) = (number / TESTS.len(), number % TESTS.len());
        let at = minutes_ago(minutes + time as i64);
        if test == 0 && time.is_multiple_of(times_per_order) {
            let (set, filler) = (time / times_per_order + 1, next_number());
            segments.push(format!("OBR|{set}||F{filler}^RIVERSIDE|PANEL^Results^L|||{at}|||||||||||||||{at}|||F"));
        }
        let (code, name, value, unit) = TESTS[test];
        let value = value + (time % 7) as f64 / 10.0;
        segments.push(format!("OBX|{}|NM|{code}^{name}^LN|{time}|{value:.1}|{unit}^^UCUM|||||F|||{at}", number + 1));
    }
    segments.join("\r") + "\r"
}

/// A message of the past of a patient, of whom `following` more follow half an hour apart: of four, a registration, a
/// discharge and two results.
pub fn past(mrn: usize, number: usize, following: usize) -> String {
    let minutes = following as i64 * 30 + 60;
    let (visit, at) = (format!("P{mrn}-{}", number / 4), minutes_ago(minutes));
    let start = minutes_ago(minutes + (number as i64 % 4) * 30);
    let told = Visit { mrn, visit: &visit, start: &start, end: "", phone: 0 };
    match number % 4 {
        0 => adt("A04", "ADT_A01", &at, &told),
        1 => adt("A03", "ADT_A03", &at, &Visit { end: &at, ..told }),
        _ => results(mrn, 1, minutes),
    }
}

/// Another telephone number for a patient, told with a visit that is over.
pub fn update(mrn: usize) -> String {
    let (visit, start, end) = (format!("P{mrn}-0"), minutes_ago(90), minutes_ago(60));
    let told = Visit { mrn, visit: &visit, start: &start, end: &end, phone: next_number() % 10_000_000 };
    adt("A08", "ADT_A01", &minutes_ago(0), &told)
}

/// Code, name, a value and its unit.
const TESTS: [(&str, &str, f64, &str); 20] = [
    ("2345-7", "Glucose", 96.0, "mg/dL"),
    ("2160-0", "Creatinine", 0.9, "mg/dL"),
    ("3094-0", "Urea nitrogen", 14.0, "mg/dL"),
    ("2951-2", "Sodium", 139.0, "mmol/L"),
    ("2823-3", "Potassium", 4.1, "mmol/L"),
    ("2075-0", "Chloride", 102.0, "mmol/L"),
    ("2028-9", "Carbon dioxide", 25.0, "mmol/L"),
    ("17861-6", "Calcium", 9.4, "mg/dL"),
    ("2885-2", "Protein", 7.0, "g/dL"),
    ("1751-7", "Albumin", 4.2, "g/dL"),
    ("1975-2", "Bilirubin", 0.6, "mg/dL"),
    ("6768-6", "Alkaline phosphatase", 71.0, "U/L"),
    ("1920-8", "AST", 22.0, "U/L"),
    ("1742-6", "ALT", 24.0, "U/L"),
    ("6690-2", "Leukocytes", 6.8, "10*3/uL"),
    ("789-8", "Erythrocytes", 4.6, "10*6/uL"),
    ("718-7", "Hemoglobin", 13.8, "g/dL"),
    ("4544-3", "Hematocrit", 41.0, "%"),
    ("777-3", "Platelets", 245.0, "10*3/uL"),
    ("59408-5", "Oxygen saturation", 96.0, "%"),
];
