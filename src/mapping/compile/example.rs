//! `examples:` — tests that live in the file they test.

use crate::mapping::Habits;
use crate::mapping::language::Example;
use crate::problem::Problem;
use crate::yaml::{Fields, Node};

/// Reads the examples of a file.
pub fn compile(node: Option<&Node>, problems: &mut Vec<Problem>) -> Vec<Example> {
    let Some(node) = node else { return Vec::new() };
    let Some(items) = node.as_list() else {
        problems.push(node.problem("examples are a list of `- why: …` with `given` and `expect`"));
        return Vec::new();
    };
    items.iter().filter_map(|item| example(item, problems)).collect()
}

fn example(node: &Node, problems: &mut Vec<Problem>) -> Option<Example> {
    let mut fields = Fields::of(node, "an example");
    let why = fields.required_text("why");
    let given = fields.required_text("given");
    let expect = fields.required("expect").map(Node::to_json);
    let zone = fields.text("zone");
    let authorities = fields.optional("authorities").and_then(Node::as_map).unwrap_or_default();
    let authorities = authorities.iter().filter_map(|(key, value)| Some((key.as_text()?, value.as_text()?))).collect();
    let habits = fields.optional("assume").map(|node| Habits::read(node, problems)).unwrap_or_default();
    let says = fields.optional("says").is_some().then(|| fields.texts("says"));
    fields.finish(problems);
    Some(Example {
        mark: node.mark.clone(),
        why: why?,
        given: given?,
        expect: expect?,
        authorities,
        zone,
        habits,
        says,
    })
}
