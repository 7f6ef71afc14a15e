//! Search parameters (http://hl7.org/fhir/R4/searchparameter.html): what they are called, where they hold, and the FHIRPath
//! of what they look at.

use serde_json::Value;

use super::words::{collapsed, last_part, list, text, texts, word};

/// Reduces a search parameter. The error says what its definition lacks.
pub fn reduce_search_parameter(definition: &Value) -> Result<String, String> {
    let url = text(definition, "url").ok_or("it has no url")?;
    let id = text(definition, "id").unwrap_or_else(|| last_part(url));
    let code = text(definition, "code").ok_or("it has no code")?;
    let kind = text(definition, "type").ok_or("it does not say its type")?;
    let bases = joined(definition, "base").ok_or("it does not say which types it searches (base)")?;
    let mut head = format!("search {} {} {} {bases}", word(id), word(code), word(kind));
    if let Some(expression) = text(definition, "expression") {
        head.push_str(&format!(" : {}", collapsed(expression)));
    }
    let mut lines = vec![head];
    lines.extend(joined(definition, "target").map(|targets| format!("  target {targets}")));
    for component in list(definition, "component") {
        let (Some(other), Some(path)) = (text(component, "definition"), text(component, "expression")) else {
            continue;
        };
        lines.push(format!("  component {} {}", short(other, url), collapsed(path)));
    }
    lines.push(String::new());
    Ok(lines.join("\n"))
}

fn joined(definition: &Value, key: &str) -> Option<String> {
    let words: Vec<String> = texts(definition, key).map(word).collect();
    (!words.is_empty()).then(|| words.join(","))
}

/// Another parameter by its id when it stands beside this one, by its URL otherwise.
fn short(other: &str, url: &str) -> String {
    let folder = url.strip_suffix(last_part(url)).unwrap_or_default();
    let beside = other.strip_prefix(folder).filter(|id| !id.is_empty() && !id.contains(['/', '|']));
    beside.map_or_else(|| word(other), word)
}
