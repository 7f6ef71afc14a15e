//! What a compiled mapping is: paths, conditions, expressions, maps, tables and messages. Plain data, without behaviour
//! beyond reading its own notation.

mod condition;
mod expression;
mod map;
mod path;
mod table;

pub use condition::Condition;
pub use expression::{Body, CodeShape, Conversion, Entry, Expression, Template, VERBS};
pub use map::{Example, KeyPart, Map, MapKind, MergeRule, MessageMap, Use};
pub use path::{Root, SourcePath};
pub use table::{Table, TableCode};
