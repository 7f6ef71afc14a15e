//! The notices of a segment map: what is said of a segment beside the resource that was made of it.

use crate::mapping::language::{Map, Notice};
use crate::problem::{Category, FieldPlace, Place, Problem};

use super::run::{Frame, Run};

impl<'a> Run<'a> {
    /// Says what the notices of a map have to say of this segment.
    pub fn notices(&mut self, map: &'a Map, frame: Frame<'a>) {
        for notice in &map.notices {
            if self.holds(&notice.when, frame) {
                self.say(notice, frame);
            }
        }
    }

    fn say(&mut self, notice: &'a Notice, frame: Frame<'a>) {
        let value = self.locate(&notice.at, frame).into_iter().next();
        let place = match value {
            Some(value) => value.place(),
            None => self.empty_place(notice, frame),
        };
        let category = if value.is_some() { Category::Value } else { Category::Incomplete };
        let about = notice.of.as_ref().map(|of| self.about(of, frame)).filter(|about| !about.is_empty());
        let about = about.unwrap_or_else(|| notice.at.to_string());
        let problem = Problem::warning(category, Place::Field(place), notice.text.clone()).unused(notice.kind, &about);
        let problem = Problem { severity: notice.severity, ..problem };
        let is_listed = self.report(match notice.duty {
            Some(duty) => problem.owed_by(duty),
            None => problem,
        });
        if let Some(value) = value.filter(|_| is_listed) {
            self.read.mark(value.span());
        }
    }

    /// Where something is missing: the field that would hold it.
    fn empty_place(&self, notice: &Notice, frame: Frame<'a>) -> FieldPlace {
        let nearest = self.structure.segments(&notice.at, frame.segment).first().copied().unwrap_or(frame.segment);
        let segment = self.message.segment_at(nearest);
        let name = segment.map_or_else(String::new, |segment| segment.name().to_string());
        FieldPlace {
            component: notice.at.component,
            subcomponent: notice.at.subcomponent,
            ..FieldPlace::field(&name, segment.map_or(1, |segment| segment.occurrence()), notice.at.field)
        }
    }
}
