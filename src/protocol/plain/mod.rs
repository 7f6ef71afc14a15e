//! A protocol as a clinician reads it: each rule as rows of a label and a sentence. What a file says and nothing else, so that who
//! knows the care can say whether it is that.

mod alerts;
mod row;
mod rules;
mod sheet;
mod words;

pub use alerts::of_alert;
pub use row::PlainRule;
pub use rules::{of_prompt, of_task};
pub use sheet::Sheet;
pub use words::{codes, enrolled, visit, who};
