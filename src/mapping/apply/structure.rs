//! Which segments are near which: the message's groups as a tree to climb.

use crate::hl7::{Group, Message};
use crate::mapping::language::{Root, SourcePath};

/// The groups of one message.
#[derive(Debug)]
pub struct Structure<'m> {
    message: &'m Message,
    groups: Vec<Node>,
    /// Which group each segment stands in.
    group_of: Vec<usize>,
}

#[derive(Debug)]
struct Node {
    name: &'static str,
    parent: Option<usize>,
    segments: Vec<usize>,
    children: Vec<usize>,
}

impl<'m> Structure<'m> {
    pub fn of(message: &'m Message) -> Self {
        let mut structure = Self { message, groups: Vec::new(), group_of: vec![0; message.segments().count()] };
        structure.add(&message.own_groups(), None);
        structure
    }

    fn add(&mut self, group: &Group, parent: Option<usize>) -> usize {
        let index = self.groups.len();
        self.groups.push(Node { name: group.name, parent, segments: group.segments.clone(), children: Vec::new() });
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
        let Root::Segment { groups, name } = &path.root else { return Vec::new() };
        if groups.is_empty() {
            if self.is_named(from, name) {
                return vec![from];
            }
            return self.climb(from, |found| self.is_named(found, name));
        }
        let mut at = self.group_of.get(from).copied();
        while let Some(node) = at.and_then(|index| self.groups.get(index)) {
            if groups.first().is_some_and(|first| first == node.name) {
                let rest = groups.get(1..).unwrap_or_default();
                return self.below(node, rest).into_iter().filter(|found| self.is_named(*found, name)).collect();
            }
            at = node.parent;
        }
        let own = self.group_of.get(from).and_then(|index| self.groups.get(*index));
        let below = own.map(|node| self.below(node, groups)).unwrap_or_default();
        below.into_iter().filter(|found| self.is_named(*found, name)).collect()
    }

    /// All segments of the message that a path means.
    pub fn everywhere(&self, path: &SourcePath) -> Vec<usize> {
        let Root::Segment { groups, name } = &path.root else { return Vec::new() };
        (0..self.group_of.len()).filter(|&index| self.is_named(index, name) && self.is_within(index, groups)).collect()
    }

    /// From the group of a segment outwards: the first that has what is wanted, in itself or else below.
    pub fn climb(&self, from: usize, is_wanted: impl Fn(usize) -> bool) -> Vec<usize> {
        let mut at = self.group_of.get(from).copied();
        while let Some(node) = at.and_then(|index| self.groups.get(index)) {
            let own: Vec<usize> = node.segments.iter().copied().filter(|&index| is_wanted(index)).collect();
            if !own.is_empty() {
                return own;
            }
            let below: Vec<usize> = self.all_below(node).into_iter().filter(|&index| is_wanted(index)).collect();
            if !below.is_empty() {
                return below;
            }
            at = node.parent;
        }
        Vec::new()
    }

    fn is_named(&self, index: usize, name: &str) -> bool {
        self.message.segment_at(index).is_some_and(|segment| segment.name() == name)
    }

    fn is_within(&self, index: usize, groups: &[String]) -> bool {
        let mut at = self.group_of.get(index).copied();
        for wanted in groups.iter().rev() {
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

    fn all_below(&self, node: &Node) -> Vec<usize> {
        let children = node.children.iter().filter_map(|child| self.groups.get(*child));
        children
            .flat_map(|child| child.segments.iter().copied().chain(self.all_below(child)).collect::<Vec<_>>())
            .collect()
    }
}
