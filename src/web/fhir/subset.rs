//! Parts of resources (http://hl7.org/fhir/R4/search.html#elements, #summary): what a client asks for, what must be there, and a tag that
//! says that the rest is missing.

use serde_json::{Value, json};

use crate::fhir::{Definitions, ElementDefinition, Resource};
use crate::problem::Category;
use crate::web::answer::Fault;

/// Elements that are always there.
const KEPT: [&str; 3] = ["resourceType", "id", "meta"];

/// Which elements of the matches are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Subset {
    #[default]
    Whole,
    Elements(Vec<String>),
    /// Those that the definitions call the summary.
    Summary,
    /// The narrative and what must be there.
    Text,
    /// All but the narrative.
    Data,
}

impl Subset {
    /// Reads `_summary`; false for what is none. Where both are asked, `_elements` says which.
    pub fn take_summary(&mut self, value: &str) -> bool {
        let subset = match value {
            "true" => Self::Summary,
            "text" => Self::Text,
            "data" => Self::Data,
            "false" => Self::Whole,
            _ => return false,
        };
        if !matches!(self, Self::Elements(_)) {
            *self = subset;
        }
        true
    }

    pub fn take_elements(&mut self, resource_type: &str, value: &str) -> Result<bool, Fault> {
        let names: Vec<String> = value.split(',').map(|name| name.trim().to_string()).collect();
        let is_element =
            |name: &String| KEPT.contains(&name.as_str()) || Definitions::r4().element(resource_type, name).is_some();
        if let Some(wrong) = names.iter().find(|name| !is_element(name)) {
            let wrong: String = wrong.chars().take(60).filter(|letter| letter.is_ascii_graphic()).collect();
            let text = format!("{wrong}, in _elements, is no element of {resource_type}");
            return Err(Fault::bad_request(Category::Value, text));
        }
        *self = Self::Elements(names);
        Ok(true)
    }

    /// Takes away what is not wanted.
    pub fn apply(&self, resource: &mut Resource) {
        let kind = resource.resource_type().to_string();
        let is_wanted = |definition: Option<&ElementDefinition>, name: &str| match self {
            Self::Whole => true,
            Self::Elements(names) => {
                let is_asked =
                    |asked: &str| asked == name || definition.and_then(|one| one.choice.as_deref()) == Some(asked);
                names.iter().any(|asked| is_asked(asked))
            }
            Self::Summary => definition.is_some_and(|definition| definition.is_summary),
            Self::Text => name == "text",
            Self::Data => name != "text",
        };
        if *self == Self::Whole {
            return;
        }
        let keeps = |key: &str| {
            let name = key.strip_prefix('_').unwrap_or(key);
            let definition = Definitions::r4().element(&kind, name);
            let must = definition.is_some_and(|definition| definition.min > 0 || definition.is_modifier);
            KEPT.contains(&name) || must || is_wanted(definition, name)
        };
        let names: Vec<String> = resource.as_map().keys().filter(|key| !keeps(key)).cloned().collect();
        for name in &names {
            resource.remove(name);
        }
        resource.add_to_meta("tag", vec![subsetted()]);
    }
}

/// http://terminology.hl7.org/CodeSystem/v3-ObservationValue
fn subsetted() -> Value {
    json!({ "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(subset: &Subset) -> Vec<String> {
        let mut resource: Resource = json!({
            "resourceType": "Observation", "id": "a", "meta": {}, "text": { "status": "generated" }, "status": "final",
            "code": { "text": "x" }, "valueString": "y", "note": [{ "text": "z" }], "_valueString": { "id": "1" },
        })
        .try_into()
        .unwrap();
        subset.apply(&mut resource);
        let is_tagged = resource.get("meta").and_then(|meta| meta.get("tag")).is_some();
        assert_eq!(is_tagged, *subset != Subset::Whole);
        resource.as_map().keys().filter(|key| !KEPT.contains(&key.as_str())).cloned().collect()
    }

    #[test]
    fn what_is_asked_for_and_what_must_be_there_is_left() {
        assert_eq!(names(&Subset::Whole).len(), 6);
        assert_eq!(names(&Subset::Elements(vec!["value".into()])), ["status", "code", "valueString", "_valueString"]);
        assert_eq!(names(&Subset::Text), ["text", "status", "code"]);
        assert_eq!(names(&Subset::Data), ["status", "code", "valueString", "note", "_valueString"]);
        assert_eq!(names(&Subset::Summary), ["status", "code", "valueString", "_valueString"]);
        let mut subset = Subset::default();
        assert!(subset.take_elements("Observation", "colour").is_err() && !subset.take_summary("some"));
        assert!(subset.take_elements("Observation", "status, value").unwrap() && subset.take_summary("text"));
        assert_eq!(subset, Subset::Elements(vec!["status".into(), "value".into()]));
    }
}
