//! What trends, pregnancies and offers say when they are written wrongly, and how they read to a clinician and to a partner.

use std::collections::BTreeSet;

use handover::protocol::ProtocolSet;
use handover::yaml::Source;

fn read(rules: &str) -> (Option<ProtocolSet>, Vec<String>) {
    let text = format!("protocol: ours\ntitle: Ours\n{rules}\n");
    let (set, problems) = ProtocolSet::built_in().with_file(&Source::new("protocols/ours.yaml", text.as_str()));
    (set, problems.iter().map(ToString::to_string).collect())
}

fn weight(bounds: &str) -> String {
    let level = "{ respond: 4 h, chain: [ { owner: coach } ] }";
    format!(
        "alerts:\n  - {{ id: gain, title: Gain, text: '{{value}}', warn: {level}, escalate: {level}, series: [ {{ name: weight, \
         code: {{ codes: [loinc 29463-7] }}, unit: kg, plausible: {{ from: 20, to: 300 }}, {bounds} }} ] }}"
    )
}

fn birthday(more: &str) -> String {
    format!("tasks:\n  - {{ id: year, title: Year, text: Year, when: {{ date: {{ day: birthday }} }}, {more} }}")
}

fn gathers(what: &str) -> String {
    birthday(&format!("gathers: {what}"))
}

fn prompt(who: &str) -> String {
    format!("prompts:\n  - {{ id: asks, ask: Well?, for: {who}, answers: {{ well: 30 d }} }}")
}

#[test]
fn a_mistake_is_told_with_what_to_write() {
    let cases = [
        (weight("warn: { trend: { at-least: 1, within: 21 d, days: 5 } }"), "`per`"),
        (weight("warn: { trend: { at-least: 1, per: 7 d, within: 21 d } }"), "`days`"),
        (weight("warn: { trend: { per: 7 d, within: 21 d, days: 5 } }"), "a trend has one bound"),
        (weight("warn: { trend: { at-least: 1, per: 7 d, within: 70 d, days: 5 } }"), "eight weeks at most"),
        (weight("warn: { trend: { at-least: 1, per: 12 h, within: 21 d, days: 5 } }"), "days or weeks"),
        (weight("warn: { trend: { at-least: 1, per: 7 d, within: 21 d, day: 5 } }"), "did you mean `days`"),
        (weight("warn: { trend: { at-least: 1, per: 7 d, within: 21 d, days: 5 } }"), "back in range"),
        (gathers("{ of: [goal], over: 365 d }"), "did you mean `goals`"),
        (gathers("{ of: [goals, events] }"), "`over`"),
        (gathers("{ of: goals, ever: 365 d }"), "did you mean `over`"),
        (birthday("at-practice: true"), "no visit triggers this"),
        (birthday("done-by: [ { encounter: { class: AMB }, before: 30 d } ]"), "`before` under `unless`"),
        (birthday("unless: [ { encounter: { class: AMB }, before: 30 d, from: 2 d } ]"), "say one of the two"),
        (prompt("{ pregnent: true }"), "did you mean `pregnant`"),
        (prompt("{ pregnant: perhaps }"), "pregnant"),
        (prompt("{ gestational-age: { since: 20 } }"), "since"),
        (prompt("{ gestational-age: {} }"), "completed weeks"),
        (prompt("{ gestational-age: { from: 60 } }"), "from"),
        (prompt("{ not-enroled: { programme: { valueset: enhanced-care } } }"), "did you mean `not-enrolled`"),
    ];
    for (rules, words) in cases {
        let (_, problems) = read(&rules);
        assert!(problems.iter().any(|problem| problem.contains(words)), "{words}: {problems:#?}\n{rules}");
    }
}

#[test]
fn what_never_comes_is_warned_of() {
    let clear = "clear: { trend: { below: 1, per: 7 d, within: 21 d, days: 5 } }";
    let cases = [
        (
            weight(&format!("warn: {{ trend: {{ at-least: 1, per: 7 d, within: 6 d, days: 8 }} }}, {clear}")),
            "never judged",
        ),
        (prompt("{ gestational-age: { from: 30, to: 20 } }"), "nobody is in week 30 or later"),
        (prompt("{ pregnant: false, gestational-age: { from: 20 } }"), "not pregnant and in some week"),
        (prompt("{ pregnant: true, age: { from: 70 } }"), "nobody of 70 years"),
    ];
    let sent: BTreeSet<String> = ["Encounter", "Observation", "Condition"].map(str::to_string).into();
    for (rules, words) in cases {
        let (set, problems) = read(&rules);
        assert!(problems.is_empty(), "{problems:#?}");
        let odd: Vec<String> = set.unwrap().oddities(&sent).iter().map(ToString::to_string).collect();
        assert!(odd.iter().any(|line| line.contains(words)), "{words}: {odd:#?}");
    }
    let (set, _) = read(&prompt("{ pregnant: true }"));
    let nothing = BTreeSet::from(["Encounter".to_string()]);
    let odd: Vec<String> = set.unwrap().oddities(&nothing).iter().map(ToString::to_string).collect();
    assert!(odd.iter().any(|line| line.contains("brings a Condition")), "{odd:#?}");
}

#[test]
fn a_clinician_and_a_partner_read_the_same_words() {
    let set = ProtocolSet::built_in();
    let sheet = set.plain("pregnancy").unwrap();
    assert_eq!(sheet.who, "people who are pregnant");
    let words = |name: &str| {
        let definitions = set.plan_definitions();
        let plan = definitions.iter().find(|one| one.id().is_some_and(|id| id == name)).unwrap();
        serde_json::to_string(plan.as_map()).unwrap()
    };
    assert!(words("pregnancy").contains("in week 27 to 36 of pregnancy"));
    assert!(words("pregnancy").contains("For people who are pregnant."));
    assert!(words("heart-failure").contains("trend of weight in 7 days, within 21 days 1.5 lb or above"));
}
