//! What a compiled mapping is: paths, conditions, expressions, maps, tables and messages. Plain data, without behaviour
//! beyond reading its own notation.

mod condition;
mod expression;
mod map;
mod notice;
mod path;
mod reading;
mod table;

pub use condition::{Condition, Form};
pub use expression::{
    Asked, Body, CodeShape, Conversion, Entry, Expression, Measured, Quantity, Template, Unmatched, VERBS,
};
pub use map::{Example, KeyPart, Map, MapKind, MergeRule, MessageMap, Use};
pub use notice::Notice;
pub use path::{Root, SourcePath};
pub use reading::{PlausibleUnit, Reading};
pub use table::{Table, TableCode};
