//! How what is sent says which version it is, so that the partner can tell what came late: in `meta`, which its server may put
//! its own in the place of, or where the agreement names.

use crate::problem::{Category, Problem};
use crate::yaml::{Fields, Node};

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Carries {
    /// It does not.
    #[default]
    Nothing,
    /// `meta.versionId` and `meta.lastUpdated`.
    Meta,
    /// An extension with this URL, with `version` and `at`.
    Extension(String),
    /// An identifier of this system; its period begins with the version.
    Identifier(String),
}

pub(super) fn read(node: &Node, problems: &mut Vec<Problem>) -> Carries {
    if node.as_text().as_deref() == Some("meta") {
        return Carries::Meta;
    }
    let mut fields = Fields::of(node, "`version`");
    let mut address = |key| {
        let node = fields.optional(key)?;
        let text = node.as_text().filter(|text| is_absolute(text));
        if text.is_none() {
            fields.report(node.problem(format!("`{key}` is an absolute URI: https://… or urn:…")));
        }
        Some(text.unwrap_or_default())
    };
    let carries = match (address("extension"), address("identifier")) {
        (Some(url), None) => Carries::Extension(url),
        (None, Some(system)) => Carries::Identifier(system),
        _ => {
            let text = "say where the version stands: `meta`, `{ extension: URL }` or `{ identifier: SYSTEM }`";
            fields.lacking(&["extension", "identifier"], node.mark.problem(Category::Required, text));
            Carries::Nothing
        }
    };
    fields.finish(problems);
    carries
}

fn is_absolute(text: &str) -> bool {
    let known = ["https://", "http://", "urn:"].iter().any(|start| text.len() > start.len() && text.starts_with(start));
    known && !text.contains(char::is_whitespace)
}
