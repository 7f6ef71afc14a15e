//! Addresses in a resource that are no references: of attachments, of elements that hold an address, and in its narrative
//! (http://hl7.org/fhir/R4/http.html#trules: a transaction replaces those that lead to its entries).

use serde_json::Value;

use super::Resource;

/// Members whose text is an address. Those of extensions name what the extension is, which leads to no entry.
const MEMBERS: [&str; 3] = ["url", "valueUrl", "valueUri"];
/// Attributes of a narrative.
const ATTRIBUTES: [&str; 2] = ["href", "src"];

impl Resource {
    /// Every address, wherever it stands.
    pub fn links(&self) -> Vec<String> {
        let mut found = Vec::new();
        // Nothing is changed by a change that says nothing.
        self.clone().rewrite_links(&mut |link| {
            found.push(link.to_string());
            None
        });
        found
    }

    /// Calls `change` with every address; the returned text replaces it.
    pub fn rewrite_links(&mut self, change: &mut dyn FnMut(&str) -> Option<String>) {
        self.as_map_mut().values_mut().for_each(|value| rewrite(value, change));
    }
}

fn rewrite(value: &mut Value, change: &mut dyn FnMut(&str) -> Option<String>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| rewrite(item, change)),
        Value::Object(members) => {
            for (name, item) in members.iter_mut() {
                match item {
                    Value::String(text) if MEMBERS.contains(&name.as_str()) => {
                        if let Some(new) = change(text) {
                            *text = new;
                        }
                    }
                    Value::String(text) if name == "div" => {
                        if let Some(new) = narrative(text, change) {
                            *text = new;
                        }
                    }
                    other => rewrite(other, change),
                }
            }
        }
        // Nothing lost: other texts and numbers are no addresses.
        _ => {}
    }
}

/// A narrative with other addresses; none where they stay as they are.
fn narrative(text: &str, change: &mut dyn FnMut(&str) -> Option<String>) -> Option<String> {
    let (mut written, mut rest, mut is_changed) = (String::with_capacity(text.len()), text, false);
    while let Some((from, until)) = next_attribute(rest) {
        let (before, link, after) = (rest.get(..from)?, rest.get(from..until)?, rest.get(until..)?);
        written.push_str(before);
        let new = change(link);
        is_changed |= new.is_some();
        written.push_str(new.as_deref().unwrap_or(link));
        rest = after;
    }
    written.push_str(rest);
    is_changed.then_some(written)
}

/// Where the next address of an attribute begins and ends.
fn next_attribute(text: &str) -> Option<(usize, usize)> {
    let mut found: Option<(usize, usize)> = None;
    for name in ATTRIBUTES {
        for (at, _) in text.match_indices(name) {
            let is_word = text.get(..at).and_then(|before| before.chars().next_back()).is_some_and(char::is_whitespace);
            let after = text.get(at + name.len()..).unwrap_or_default();
            let value = after.trim_start().strip_prefix('=').map(str::trim_start);
            let quoted = value.and_then(|value| Some((value.chars().next()?, value.get(1..)?)));
            let Some((quote, inner)) = quoted.filter(|(quote, _)| is_word && matches!(quote, '"' | '\'')) else {
                // Nothing lost: this is no attribute with a value.
                continue;
            };
            let from = text.len() - inner.len();
            let until = inner.find(quote).map(|length| from + length)?;
            if found.is_none_or(|(first, _)| from < first) {
                found = Some((from, until));
            }
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn addresses_are_found_in_attachments_extensions_and_narratives_and_nowhere_else() {
        let div = "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>href=\"no\"</p><a href = 'urn:uuid:1' class=\"x\">ä</a><img alt=\"\" src=\"urn:uuid:2\"/></div>";
        let mut document = Resource::try_from(
            json!({ "resourceType": "DocumentReference", "text": { "status": "generated", "div": div },
            "identifier": [{ "system": "urn:uuid:1", "value": "urn:uuid:1" }], "description": "urn:uuid:1",
            "extension": [{ "url": "https://a.example", "valueUrl": "urn:uuid:1" }],
            "content": [{ "attachment": { "url": "urn:uuid:2" } }] }),
        )
        .unwrap();
        assert_eq!(document.links(), ["urn:uuid:1", "urn:uuid:2", "https://a.example", "urn:uuid:1", "urn:uuid:2"]);
        document.rewrite_links(&mut |link| link.strip_prefix("urn:uuid:").map(|number| format!("Binary/{number}")));
        let text = Value::from(document).to_string();
        assert!(text.contains("<a href = 'Binary/1' class") && text.contains("src=\\\"Binary/2\\\"/"), "{text}");
        assert_eq!(text.matches("urn:uuid:1").count(), 3, "{text}");
        assert!(text.contains("\"url\":\"Binary/2\"") && text.contains("\"valueUrl\":\"Binary/1\""), "{text}");
    }

    #[test]
    fn a_narrative_that_breaks_off_stays_as_it_is() {
        for div in ["<div><a href=\"urn:uuid:1", "<div href>", "<a href=>", "", "href", "<a  src='"] {
            assert_eq!(narrative(div, &mut |_| Some(String::new())), None, "{div}");
        }
    }
}
