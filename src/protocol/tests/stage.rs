//! A scene with the shipped protocols, and short ways to play and look.

use std::sync::LazyLock;

use jiff::Timestamp;

use crate::protocol::example::moment::moment;
use crate::protocol::example::scene::Scene;
use crate::protocol::example::step::play;
use crate::protocol::set::ProtocolSet;
use crate::protocol::work::{Existing, Work, existing_work};
use crate::yaml::{Source, parse};

pub static SHIPPED: LazyLock<ProtocolSet> = LazyLock::new(ProtocolSet::built_in);

pub fn at(text: &str) -> Timestamp {
    moment(text).unwrap()
}

pub fn scene(start: &str) -> Scene<'static> {
    Scene::new(&SHIPPED, at(start))
}

/// Plays steps written as in a file, one a line.
pub fn tell(scene: &mut Scene<'_>, story: &str) {
    for line in story.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let step = parse(&Source::new("story", line)).unwrap();
        let mut problems = Vec::new();
        play(scene, &step, &mut problems);
        assert!(problems.is_empty(), "{line}: {problems:?}");
    }
    assert_eq!(scene.failures, Vec::<String>::new());
}

/// The newest work of a rule.
pub fn work_of<'s>(scene: &'s Scene<'_>, rule: &str) -> Existing<'s> {
    let all = existing_work(&scene.record, &mut Work::shared).into_values().flatten();
    all.filter(|work| work.work.rule == rule).max_by_key(|work| work.stored.updated).expect("no such work")
}

pub fn text_of(work: &Existing<'_>, element: &str) -> String {
    work.stored.resource.text(element).unwrap_or_default().to_string()
}
