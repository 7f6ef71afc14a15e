//! One rule in plain words.

/// One rule: what it is, and rows of a label and a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainRule {
    /// `question`, `work` or `alert`.
    pub kind: &'static str,
    pub id: String,
    pub title: String,
    pub rows: Vec<(String, String)>,
}
