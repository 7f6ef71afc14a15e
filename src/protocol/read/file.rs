//! One protocol file as a whole, and what its parts must agree on.

use jiff::civil::Time;

use super::alert::{read_alert, read_repeat};
use super::prompt::read_prompt;
use super::task::read_task;
use super::words::Reading;
use crate::fhir::ValueSets;
use crate::problem::Problem;
use crate::protocol::model::{Example, PlanRule, Protocol, Trigger};
use crate::protocol::names::REPEAT;
use crate::protocol::quiet_hours::QuietHours;
use crate::yaml::{Fields, Kind, Mark, Node, Source, nearest, parse};

/// Names of work that every protocol may make.
const RESERVED: [&str; 2] = ["plan", REPEAT];

/// Reads one protocol; none when so much is missing that nothing of it can be used.
pub fn read_protocol(source: &Source, value_sets: &ValueSets, problems: &mut Vec<Problem>) -> Option<Protocol> {
    let tree = match parse(source) {
        Ok(tree) => tree,
        Err(problem) => {
            problems.push(problem);
            return None;
        }
    };
    let mut reading = Reading { value_sets, problems: Vec::new() };
    let protocol = read_tree(&tree, source, &mut reading);
    if let Some(protocol) = &protocol {
        check_names(protocol, &mut reading.problems);
    }
    problems.append(&mut reading.problems);
    protocol
}

fn read_tree(tree: &Node, source: &Source, reading: &mut Reading<'_>) -> Option<Protocol> {
    let mut fields = Fields::of(tree, "a protocol");
    let name = fields.required_text("protocol").filter(|name| is_name(name));
    if name.is_none() && tree.get("protocol").is_some() {
        reading.problems.push(tree.problem("a protocol's name is small letters, digits and hyphens"));
    }
    let title = fields.required_text("title");
    let basis = fields.text("source");
    let who = fields.optional("for");
    let who = reading.who(who);
    let plan = fields.optional("plan");
    let asks = ["prompts", "tasks", "alerts"].map(|key| fields.list(key).len());
    if plan.is_none() && asks.iter().all(|count| *count == 0) {
        let text = "this protocol asks for nothing: give it a plan, prompts, tasks or alerts";
        fields.lacking(&["plan", "prompts", "tasks", "alerts"], tree.problem(text));
    }
    let plan = plan.and_then(|node| {
        let mut keys = Fields::of(node, "a plan");
        let title = keys.required_text("title");
        keys.finish(&mut reading.problems);
        Some(PlanRule { title: title?, mark: node.mark.clone() })
    });
    let prompts = fields.list("prompts").into_iter().filter_map(|node| read_prompt(node, reading)).collect();
    let code_stem = name.clone().unwrap_or_default();
    let tasks = fields.list("tasks").into_iter().filter_map(|node| read_task(node, &code_stem, reading)).collect();
    let alerts = fields.list("alerts").into_iter().filter_map(|node| read_alert(node, reading)).collect();
    let quiet_hours = fields.optional("quiet-hours").and_then(|node| read_quiet_hours(node, reading));
    let repeat = fields.optional("repeat");
    let repeat = read_repeat(repeat, reading);
    let examples = fields.list("examples").into_iter().flat_map(|node| read_examples(node, reading)).collect();
    fields.finish(&mut reading.problems);
    Some(Protocol {
        name: name?,
        title: title?,
        source: basis,
        mark: Mark::start(&source.name),
        who,
        quiet_hours,
        plan,
        prompts,
        tasks,
        alerts,
        repeat,
        examples,
    })
}

/// `{ from: '20:00', to: '07:00' }`.
fn read_quiet_hours(node: &Node, reading: &mut Reading<'_>) -> Option<QuietHours> {
    let mut fields = Fields::of(node, "quiet hours");
    let ends = ["from", "to"].map(|key| {
        let node = fields.required(key)?;
        let time = node.as_text().filter(|text| text.len() == 5).and_then(|text| text.parse::<Time>().ok());
        if time.is_none() {
            reading.problems.push(node.problem("a time of day is written like '20:00', in quotes"));
        }
        time
    });
    if let [Some(from), Some(to)] = ends
        && from == to
    {
        fields.report(node.problem("quiet hours end at another time than they begin"));
    }
    fields.finish(&mut reading.problems);
    let [from, to] = ends;
    Some(QuietHours { from: from?, to: to? })
}

/// One example, or with `each` one for every value, which takes the place of the word EACH.
fn read_examples(node: &Node, reading: &mut Reading<'_>) -> Vec<Example> {
    let mut fields = Fields::of(node, "an example");
    let why = fields.required_text("why");
    fields.required("story");
    let story: Vec<Node> = fields.list("story").into_iter().cloned().collect();
    let expect = fields.required("expect").cloned();
    let each = fields.texts("each");
    fields.finish(&mut reading.problems);
    let (Some(why), Some(expect)) = (why, expect) else { return Vec::new() };
    if each.is_empty() {
        return vec![Example { why, mark: node.mark.clone(), story, expect }];
    }
    let one = |value: &String| Example {
        why: format!("{why} ({value})"),
        mark: node.mark.clone(),
        story: story.iter().map(|step| filled(step, value)).collect(),
        expect: filled(&expect, value),
    };
    each.iter().map(one).collect()
}

/// The node with a value for the word EACH.
fn filled(node: &Node, value: &str) -> Node {
    let kind = match &node.kind {
        Kind::Text(text) => Kind::Text(text.replace("EACH", value)),
        Kind::List(items) => Kind::List(items.iter().map(|item| filled(item, value)).collect()),
        Kind::Map(entries) => Kind::Map(entries.iter().map(|(key, item)| (key.clone(), filled(item, value))).collect()),
        other => other.clone(),
    };
    Node { mark: node.mark.clone(), kind }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// Ids are unique in the file and what rules say of each other is there.
fn check_names(protocol: &Protocol, problems: &mut Vec<Problem>) {
    let prompts = protocol.prompts.iter().map(|prompt| (&prompt.id, &prompt.mark));
    let tasks = protocol.tasks.iter().map(|task| (&task.id, &task.mark));
    let alerts = protocol.alerts.iter().map(|alert| (&alert.id, &alert.mark));
    let mut seen: Vec<&str> = RESERVED.to_vec();
    for (id, mark) in prompts.chain(tasks).chain(alerts) {
        if !is_name(id) {
            problems.push(mark.problem(
                crate::problem::Category::Value,
                format!("`{id}` is no id: small letters, digits and hyphens"),
            ));
        }
        if seen.contains(&id.as_str()) {
            let text =
                format!("`{id}` names two rules of this file; the work of one could not be told from the other's");
            problems.push(mark.problem(crate::problem::Category::Duplicate, text));
        }
        seen.push(id);
    }
    for (place, task) in protocol.tasks.iter().enumerate() {
        // Only rules above, so that two rules cannot cover each other.
        let above = protocol.tasks.iter().take(place).map(|task| task.id.as_str());
        for other in &task.covered_by {
            require(other, above.clone(), "task above this one named", &task.mark, problems);
        }
        let Trigger::Answer { prompt, is } = &task.when else { continue };
        require(prompt, protocol.prompts.iter().map(|prompt| prompt.id.as_str()), "prompt", &task.mark, problems);
        if let Some(asked) = protocol.prompts.iter().find(|known| known.id == *prompt) {
            for answer in is {
                require(answer, asked.answers.iter().map(|known| known.id.as_str()), "answer", &task.mark, problems);
            }
        }
    }
}

fn require<'n>(
    name: &str,
    names: impl Iterator<Item = &'n str> + Clone,
    what: &str,
    mark: &Mark,
    problems: &mut Vec<Problem>,
) {
    if !names.clone().any(|known| known == name) {
        let hint = nearest(name, names).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        let text = format!("this file has no {what} `{name}`{hint}");
        problems.push(mark.problem(crate::problem::Category::NotFound, text));
    }
}
