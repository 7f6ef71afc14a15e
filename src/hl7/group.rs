//! Groups of a message structure, such as one insurance with its IN1, IN2 and IN3. Made for real messages: segments may come
//! in any order and unknown ones stay with the group they were sent in; every segment has exactly one place.

use super::message::Message;
use super::structures::{GroupShape, shape_of};

/// One group found in a message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Group {
    pub name: &'static str,
    /// Places in the message of its own segments, in order; those of `children` are not among them.
    pub segments: Vec<usize>,
    pub children: Vec<Group>,
}

impl Group {
    /// The groups at a path of names below this one (`["PATIENT_RESULT", "ORDER_OBSERVATION"]`), in message order;
    /// the group itself for an empty path.
    pub fn descendants<'g>(&'g self, path: &[impl AsRef<str>]) -> Vec<&'g Group> {
        path.iter().fold(vec![self], |found, name| {
            found.into_iter().flat_map(|group| &group.children).filter(|child| child.name == name.as_ref()).collect()
        })
    }

    /// Places of all segments in it and below, in message order.
    pub fn all_segments(&self) -> Vec<usize> {
        let below = self.children.iter().flat_map(Group::all_segments);
        let mut all: Vec<usize> = self.segments.iter().copied().chain(below).collect();
        all.sort_unstable();
        all
    }
}

impl Message {
    /// Parts the message into the groups of a shape ([`super::shape_of`]). Costs one pass.
    pub fn groups(&self, shape: &'static GroupShape) -> Group {
        let mut grouping = Grouping { message: self, open: vec![Open::new(shape)] };
        for segment in self.segments() {
            grouping.place(segment.name(), segment.index());
        }
        grouping.finish()
    }

    /// The groups of this message's own structure; one flat group where the structure has none.
    pub fn own_groups(&self) -> Group {
        match shape_of(&self.header().structure()) {
            Some(shape) => self.groups(shape),
            None => Group { name: "", segments: (0..self.segments.len()).collect(), children: Vec::new() },
        }
    }
}

/// A group being filled.
#[derive(Debug)]
struct Open {
    shape: &'static GroupShape,
    group: Group,
}

impl Open {
    fn new(shape: &'static GroupShape) -> Self {
        Self { shape, group: Group { name: shape.name, ..Group::default() } }
    }
}

struct Grouping<'m> {
    message: &'m Message,
    /// The outermost first; never empty.
    open: Vec<Open>,
}

impl Grouping<'_> {
    fn place(&mut self, name: &str, index: usize) {
        // From the innermost open group outwards: where the segment belongs, or where a group it leads does.
        for depth in (0..self.open.len()).rev() {
            // Nothing lost: every depth below the length is there.
            let Some(open) = self.open.get(depth) else { continue };
            if let Some(lead) = open.shape.leads.iter().position(|lead| *lead == name) {
                match self.has_lead_from(open, lead) {
                    false => return self.put(depth, &[], index),
                    true if open.shape.repeats && depth > 0 => return self.reopen(depth, index),
                    true => {}
                }
            } else if open.shape.members.contains(&name) {
                return self.put(depth, &[], index);
            }
            if let Some(route) = route_to(open.shape, |shape| shape.leads.contains(&name)) {
                return self.open_route(depth, &route, index);
            }
        }
        // Out of its group: a member without the lead before it opens the group all the same.
        for depth in (0..self.open.len()).rev() {
            let route =
                self.open.get(depth).and_then(|open| route_to(open.shape, |shape| shape.members.contains(&name)));
            if let Some(route) = route {
                return self.open_route(depth, &route, index);
            }
        }
        self.put(self.open.len() - 1, &[], index);
    }

    /// Whether the group already has this lead or a later one, so that the segment begins the next group.
    fn has_lead_from(&self, open: &Open, lead: usize) -> bool {
        let later = open.shape.leads.get(lead..).unwrap_or_default();
        let names = open.group.segments.iter().filter_map(|&index| self.message.segment_at(index));
        names.into_iter().any(|segment| later.contains(&segment.name()))
    }

    /// Opens the groups of a route below a depth. One that occurs once in its parent and is already there means that the
    /// parent begins anew.
    fn open_route(&mut self, depth: usize, route: &[&'static GroupShape], index: usize) {
        let Some(first) = route.first() else { return self.put(depth, route, index) };
        let is_there = !first.repeats && self.has_child(depth, first.name);
        let parent = self.open.get(depth).map(|open| open.shape);
        match parent {
            Some(parent) if is_there && parent.repeats && depth > 0 => {
                self.close_to(depth);
                self.open.push(Open::new(parent));
                self.put(depth, route, index);
            }
            _ => self.put(depth, route, index),
        }
    }

    fn has_child(&self, depth: usize, name: &str) -> bool {
        let closed =
            self.open.get(depth).is_some_and(|open| open.group.children.iter().any(|child| child.name == name));
        closed || self.open.get(depth + 1).is_some_and(|open| open.group.name == name)
    }

    fn reopen(&mut self, depth: usize, index: usize) {
        // Nothing lost: only depths that are open are asked for.
        let Some(shape) = self.open.get(depth).map(|open| open.shape) else { return };
        self.close_to(depth);
        self.open.push(Open::new(shape));
        self.put(depth, &[], index);
    }

    /// Closes what is open below a depth, opens the route, and puts the segment there.
    fn put(&mut self, depth: usize, route: &[&'static GroupShape], index: usize) {
        self.close_to(depth + 1);
        self.open.extend(route.iter().map(|shape| Open::new(shape)));
        if let Some(open) = self.open.last_mut() {
            open.group.segments.push(index);
        }
    }

    fn close_to(&mut self, depth: usize) {
        while self.open.len() > depth.max(1) {
            if let (Some(closed), Some(parent)) = (self.open.pop(), self.open.last_mut()) {
                parent.group.children.push(closed.group);
            }
        }
    }

    fn finish(mut self) -> Group {
        self.close_to(1);
        self.open.pop().map(|open| open.group).unwrap_or_default()
    }
}

/// The shapes to open below one, outermost first, to reach a group that takes the segment.
fn route_to(
    shape: &'static GroupShape,
    takes: impl Fn(&GroupShape) -> bool + Copy,
) -> Option<Vec<&'static GroupShape>> {
    shape.groups.iter().find_map(|child| {
        if takes(child) {
            return Some(vec![child]);
        }
        let mut route = route_to(child, takes)?;
        route.insert(0, child);
        Some(route)
    })
}
