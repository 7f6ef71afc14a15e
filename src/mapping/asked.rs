//! A condition about a message as a whole, as a feed's settings ask it: the same notation as `when:` in a map.

use super::apply::Run;
use super::language::Condition;
use super::{Context, MapSet};
use crate::hl7::Message;

/// A condition that a message meets anywhere, or does not.
#[derive(Debug, Clone, PartialEq)]
pub struct MessageCondition(Condition);

impl MessageCondition {
    /// # Errors
    /// Says what is wrong with the notation.
    pub fn parse(text: &str) -> Result<Self, String> {
        Condition::parse(text, None).map(Self)
    }

    /// Whether it holds somewhere: of several visits or orders, one is enough.
    pub fn holds(&self, set: &MapSet, message: &Message, context: &Context<'_>) -> bool {
        let run = Run::new(set, message, context);
        message.segments().any(|segment| run.holds(&self.0, run.at(segment.index())))
    }
}
