//! Which segments are near which: the message's groups as a tree to climb.

use std::collections::HashMap;

use crate::hl7::{Group, Message};
use crate::mapping::language::{Root, SourcePath};

/// The groups of one message.
#[derive(Debug)]
pub struct Structure<'m> {
    named: HashMap<&'m str, Vec<usize>>,
    groups: Vec<Node>,
    /// Which group each segment stands in.
    group_of: Vec<usize>,
    /// The name of each segment.
    name_of: Vec<&'m str>,
}

#[derive(Debug)]
struct Node {
    name: &'static str,
    parent: Option<usize>,
    depth: usize,
    segments: Vec<usize>,
    children: Vec<usize>,
}

impl<'m> Structure<'m> {
    pub fn of(message: &'m Message) -> Self {
        let mut named: HashMap<&'m str, Vec<usize>> = HashMap::new();
        for segment in message.segments() {
            named.entry(segment.name()).or_default().push(segment.index());
        }
        let name_of: Vec<&'m str> = message.segments().map(|segment| segment.name()).collect();
        let mut structure = Self { named, groups: Vec::new(), group_of: vec![0; name_of.len()], name_of };
        structure.add(&message.own_groups(), None);
        structure
    }

    fn add(&mut self, group: &Group, parent: Option<usize>) -> usize {
        let index = self.groups.len();
        let depth = parent.and_then(|parent| self.groups.get(parent)).map_or(0, |parent| parent.depth + 1);
        let segments = group.segments.clone();
        self.groups.push(Node { name: group.name, parent, depth, segments, children: Vec::new() });
        for segment in &group.segments {
            if let Some(place) = self.group_of.get_mut(*segment) {
                *place = index;
            }
        }
        for child in &group.children {
            let child = self.add(child, Some(index));
            if let Some(node) = self.groups.get_mut(index) {
                node.children.push(child);
            }
        }
        index
    }

    /// The segments a path means from a segment: itself, else those of the nearest group around it that has any. Groups in
    /// the path must enclose the segment or lie below the group it stands in: a neighbour's notes are not its own.
    pub fn segments(&self, path: &SourcePath, from: usize) -> Vec<usize> {
        // Nothing lost: a path that begins at a value names no segment.
        let Root::Segment { groups, name } = &path.root else { return Vec::new() };
        let all = self.all_named(name);
        if groups.is_empty() {
            return if all.binary_search(&from).is_ok() { vec![from] } else { self.nearest(from, all) };
        }
        let is_named = |found: &usize| all.binary_search(found).is_ok();
        let mut at = self.group_of.get(from).copied();
        while let Some(node) = at.and_then(|index| self.groups.get(index)) {
            if groups.first().is_some_and(|first| first == node.name) {
                let rest = groups.get(1..).unwrap_or_default();
                return self.below(node, rest).into_iter().filter(is_named).collect();
            }
            at = node.parent;
        }
        let own = self.group_of.get(from).and_then(|index| self.groups.get(*index));
        let below = own.map(|node| self.below(node, groups)).unwrap_or_default();
        below.into_iter().filter(is_named).collect()
    }

    /// The first of them.
    pub fn segment(&self, path: &SourcePath, from: usize) -> Option<usize> {
        match &path.root {
            // Nearly all paths stay in the segment at hand.
            Root::Segment { groups, name }
                if groups.is_empty() && self.name_of.get(from).is_some_and(|own| own == name) =>
            {
                Some(from)
            }
            _ => self.segments(path, from).first().copied(),
        }
    }

    /// All segments of the message that a path means.
    pub fn everywhere(&self, path: &SourcePath) -> Vec<usize> {
        // Nothing lost: a path that begins at a value names no segment.
        let Root::Segment { groups, name } = &path.root else { return Vec::new() };
        self.all_named(name).iter().copied().filter(|&index| self.is_within(index, groups)).collect()
    }

    /// The last segment of a name that stands before another.
    pub fn last_before(&self, name: &str, at: usize) -> Option<usize> {
        let all = self.all_named(name);
        let before = all.partition_point(|&index| index < at);
        all.get(before.checked_sub(1)?).copied()
    }

    fn all_named(&self, name: &str) -> &[usize] {
        self.named.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// Those of some segments that share the innermost group with one; of these, those that stand in it themselves.
    pub fn nearest(&self, from: usize, candidates: &[usize]) -> Vec<usize> {
        let mut best = None;
        let mut found = Vec::new();
        for &candidate in candidates {
            let closeness = self.closeness(from, candidate);
            if best.is_none_or(|best| closeness > best) {
                best = Some(closeness);
                found.clear();
            }
            if best == Some(closeness) {
                found.push(candidate);
            }
        }
        found
    }

    /// The depth of the innermost group around both, and whether the second stands in that group itself.
    fn closeness(&self, from: usize, candidate: usize) -> (usize, bool) {
        let group = |segment: usize| self.group_of.get(segment).copied().unwrap_or(0);
        let up = |index: usize| self.groups.get(index).and_then(|node| node.parent).unwrap_or(0);
        let depth = |index: usize| self.groups.get(index).map_or(0, |node| node.depth);
        let (mut left, own) = (group(from), group(candidate));
        let mut right = own;
        while left != right {
            if depth(left) >= depth(right) {
                left = up(left);
            } else {
                right = up(right);
            }
        }
        (depth(left), right == own)
    }

    fn is_within(&self, index: usize, groups: &[String]) -> bool {
        let mut at = self.group_of.get(index).copied();
        for wanted in groups.iter().rev() {
            // Nothing lost: a segment in no further group is in none of those wanted.
            let Some(node) = at.and_then(|index| self.groups.get(index)) else { return false };
            if node.name != wanted {
                return false;
            }
            at = node.parent;
        }
        true
    }

    fn below(&self, node: &Node, path: &[String]) -> Vec<usize> {
        let Some((first, rest)) = path.split_first() else { return node.segments.clone() };
        let children = node.children.iter().filter_map(|child| self.groups.get(*child));
        children.filter(|child| child.name == first).flat_map(|child| self.below(child, rest)).collect()
    }
}
