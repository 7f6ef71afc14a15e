//! No map may call itself, however far round: evaluation always ends.

use crate::mapping::language::{Body, Expression, Map, Template};
use crate::problem::{Category, Problem};
use crate::yaml::Mark;

/// Reports every call that closes a circle.
pub fn check(maps: &[Map], problems: &mut Vec<Problem>) {
    let calls: Vec<Vec<(usize, Mark)>> = maps
        .iter()
        .map(|map| {
            let mut found = Vec::new();
            template_calls(&map.template, &mut found);
            found
        })
        .collect();
    for start in 0..maps.len() {
        let mut seen = vec![false; maps.len()];
        let mut open: Vec<usize> = vec![start];
        while let Some(at) = open.pop() {
            for (target, mark) in calls.get(at).into_iter().flatten() {
                if *target == start {
                    let problem =
                        mark.problem(Category::BusinessRule, "this map calls itself in the end; a map cannot");
                    if !problems.contains(&problem) {
                        problems.push(problem);
                    }
                }
                if let Some(seen) = seen.get_mut(*target).filter(|seen| !**seen) {
                    *seen = true;
                    open.push(*target);
                }
            }
        }
    }
}

fn template_calls(template: &Template, found: &mut Vec<(usize, Mark)>) {
    template.entries.iter().flat_map(|entry| &entry.ways).for_each(|way| expression_calls(way, found));
}

fn expression_calls(way: &Expression, found: &mut Vec<(usize, Mark)>) {
    match &way.body {
        Body::Datatype { map, .. } | Body::Resource { map, .. } => found.push((*map, way.mark.clone())),
        Body::Nested(template) => template_calls(template, found),
        Body::First(ways) => ways.iter().for_each(|way| expression_calls(way, found)),
        _ => {}
    }
}
