//! Business keys: what makes a thing the same thing in the next message.

use serde_json::Value;

use crate::fhir::{Resource, Scope};
use crate::hl7::Value as Field;
use crate::mapping::language::{KeyPart, Map, SourcePath};

use super::run::{Frame, Run};

impl<'a> Run<'a> {
    /// The first alternative all of whose parts are there. Parts are joined by `|`; an absent optional part leaves a gap,
    /// so that keys of different parts never look alike.
    pub fn key(&mut self, map: &'a Map, resource: &Resource, frame: Frame<'a>) -> Option<String> {
        let (parts, key) = map.key.iter().find_map(|parts| {
            let texts: Option<Vec<String>> =
                parts.iter().map(|part| self.key_part(part, map, resource, frame)).collect();
            let texts = texts.filter(|texts| texts.iter().any(|text| !text.is_empty()))?;
            Some((parts, texts.join("|")))
        })?;
        // The resource's id is made of them.
        self.steps.push(("id", None));
        for part in parts {
            if let KeyPart::Source { path, .. } = part
                && let Some(value) = self.key_value(path, frame)
            {
                self.note(value, &map.mark);
            }
        }
        self.steps.pop();
        Some(key)
    }

    fn key_value(&self, path: &SourcePath, frame: Frame<'a>) -> Option<Field<'a>> {
        self.first_at(path, frame).filter(|value| !value.is_null())
    }

    fn key_part(&self, part: &KeyPart, map: &Map, resource: &Resource, frame: Frame<'a>) -> Option<String> {
        let (text, is_optional) = match part {
            KeyPart::Source { path, is_optional } => {
                (self.key_value(path, frame).map(|value| value.text().trim().to_string()), *is_optional)
            }
            KeyPart::Element { name, is_optional } => {
                let text = resource.get(name).and_then(|value| self.element_text(value));
                // A number that names no authority means something at its sender only.
                let is_local = text.as_ref().is_some_and(|text| text.starts_with('|'));
                let facility = self.message.header().sending_facility();
                let text = match text {
                    Some(text) if is_local && !facility.is_empty() => Some(format!("{}{text}", facility.trim())),
                    Some(_) if is_local && map.scope == Scope::Shared => None,
                    text => text,
                };
                (text, *is_optional)
            }
        };
        let text = text.filter(|text| !text.is_empty());
        if is_optional { Some(text.unwrap_or_default()) } else { text }
    }

    fn element_text(&self, value: &Value) -> Option<String> {
        match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(truth) => Some(truth.to_string()),
            Value::Array(items) => items.iter().find_map(|item| self.element_text(item)),
            Value::Object(object) => {
                let text = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default();
                let pair =
                    |second: &str| (!text(second).is_empty()).then(|| format!("{}|{}", text("system"), text(second)));
                if let Some(reference) = object.get("reference").and_then(Value::as_str) {
                    return self.key_of(reference.trim_start_matches('#'));
                }
                if let Some(codings) = object.get("coding") {
                    return self.element_text(codings);
                }
                let name = || {
                    let given = object.get("given").and_then(|given| self.element_text(given)).unwrap_or_default();
                    let family = text("family");
                    (!family.is_empty() || !given.is_empty()).then(|| format!("{family}, {given}"))
                };
                let plain = |name: &str| Some(text(name).to_string()).filter(|text| !text.is_empty());
                pair("value")
                    .or_else(|| pair("code"))
                    .or_else(name)
                    .or_else(|| plain("text"))
                    .or_else(|| plain("display"))
            }
            Value::Null => None,
        }
    }

    fn key_of(&self, local: &str) -> Option<String> {
        self.made.iter().find(|made| made.draft.local == local)?.draft.key.clone()
    }
}
