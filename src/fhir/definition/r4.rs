//! The definitions of FHIR R4 4.0.1 core, compiled in and parsed one type at a time, when first asked for.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

use rust_embed::{EmbeddedFile, RustEmbed};

use super::canonical::PROFILES;
use super::element::{ElementDefinition, Kind, TypeDefinition};
use super::reading::{Family, read};

#[derive(RustEmbed)]
#[folder = "profiles/r4"]
struct Files;

/// All types of one release. Cheap to get; what is found stays for the life of the program.
pub struct Definitions {
    types: HashMap<String, Slot>,
}

struct Slot {
    file: String,
    kind: Kind,
    family: OnceLock<Option<Family>>,
}

static R4: LazyLock<Definitions> = LazyLock::new(Definitions::list);

impl Definitions {
    /// FHIR R4 4.0.1 core.
    pub fn r4() -> &'static Self {
        &R4
    }

    fn list() -> Self {
        let types = Files::iter().filter_map(|file: Cow<'static, str>| {
            let (folder, name) = file.split_once('/')?;
            let kind = match folder {
                "primitives" => Kind::Primitive,
                "datatypes" => Kind::Datatype,
                "resources" => Kind::Resource,
                _ => return None,
            };
            let name = name.strip_suffix(".txt")?.to_string();
            Some((name, Slot { file: file.to_string(), kind, family: OnceLock::new() }))
        });
        Self { types: types.collect() }
    }

    /// The names of the files that do not define types.
    pub(in crate::fhir) fn other_files() -> Vec<Cow<'static, str>> {
        let is_type =
            |name: &str| ["primitives/", "datatypes/", "resources/"].iter().any(|folder| name.starts_with(folder));
        Files::iter().filter(|name| !is_type(name)).collect()
    }

    /// A file of the package.
    pub(in crate::fhir) fn file(name: &str) -> Option<EmbeddedFile> {
        Files::get(name)
    }

    /// A type (`Patient`, `HumanName`, `code`) or an element's own type (`Patient.contact`).
    pub fn type_definition(&'static self, name: &str) -> Option<&'static TypeDefinition> {
        let root = name.split_once('.').map_or(name, |(root, _)| root);
        let slot = self.types.get(root)?;
        let family = slot.family.get_or_init(|| {
            let file = Files::get(&slot.file)?;
            let text = std::str::from_utf8(&file.data).ok()?;
            read(text, &|base| self.type_definition(base))
        });
        let family = family.as_ref()?;
        if root.len() == name.len() { Some(&family.root) } else { family.parts.get(name) }
    }

    /// An element by its JSON name (`name`, `valueQuantity`), or a choice by its name without type (`value`).
    pub fn element(&'static self, type_name: &str, element: &str) -> Option<&'static ElementDefinition> {
        self.type_definition(type_name)?.element(element)
    }

    /// The names that may stand in the JSON of a type; empty for a type that does not exist.
    pub fn element_names(&'static self, type_name: &str) -> Vec<&'static str> {
        self.type_definition(type_name).map(TypeDefinition::element_names).unwrap_or_default()
    }

    /// All type names of a kind, in no order.
    pub fn type_names(&'static self, kind: Kind) -> impl Iterator<Item = &'static str> {
        self.types.iter().filter(move |(_, slot)| slot.kind == kind).map(|(name, _)| name.as_str())
    }

    /// The kind of a type that has a name of its own.
    pub fn kind(&self, name: &str) -> Option<Kind> {
        self.types.get(name).map(|slot| slot.kind)
    }

    pub fn is_resource(&self, name: &str) -> bool {
        self.kind(name) == Some(Kind::Resource)
    }

    pub fn is_datatype(&self, name: &str) -> bool {
        self.kind(name) == Some(Kind::Datatype)
    }

    pub fn is_primitive(&self, name: &str) -> bool {
        self.kind(name) == Some(Kind::Primitive)
    }

    /// Whether a type is another or derives from it (`Age` is a `Quantity`, `Patient` a `DomainResource`).
    pub fn is_subtype(&'static self, name: &str, ancestor: &str) -> bool {
        let mut current = Some(name);
        while let Some(name) = current {
            if name == ancestor {
                return true;
            }
            current = self.type_definition(name).and_then(|definition| definition.base.as_deref());
        }
        false
    }
}

impl ElementDefinition {
    /// The definition of its type.
    pub fn definition(&self) -> Option<&'static TypeDefinition> {
        *self.definition.get_or_init(|| Definitions::r4().type_definition(self.type_name()?))
    }
}

/// The type that a URL stands for, when it is one of those that R4 itself defines types under.
pub fn type_of_url(url: &str) -> Option<&str> {
    let name = url.strip_prefix(PROFILES)?;
    Definitions::r4().kind(name).map(|_| name)
}

#[cfg(test)]
mod tests {
    use super::super::{Max, Strength};
    use super::*;

    #[test]
    fn every_file_is_read_and_every_type_it_names_exists() {
        let definitions = Definitions::r4();
        let mut elements = 0;
        for kind in [Kind::Primitive, Kind::Datatype, Kind::Resource] {
            for name in definitions.type_names(kind) {
                let lines = String::from_utf8(Files::get(&definitions.types[name].file).unwrap().data.into_owned());
                let written = lines.unwrap().lines().skip(1).filter(|line| !line.starts_with(' ')).count();
                let definition = definitions.type_definition(name).unwrap_or_else(|| panic!("{name} is not readable"));
                let parts = &definitions.types[name].family.get().unwrap().as_ref().unwrap().parts;
                let all = parts.values().chain([definition]).flat_map(|part| &part.elements);
                let own: Vec<_> = all.filter(|element| element.path.starts_with(&format!("{name}."))).collect();
                assert_eq!(own.len(), written, "{name}");
                for element in &own {
                    for kind in &element.types {
                        assert!(definitions.kind(&kind.code).is_some(), "{}: {}", element.path, kind.code);
                    }
                    assert!(element.is_choice || element.definition().is_some(), "{}", element.path);
                }
                elements += own.len();
            }
        }
        assert!(elements > 4000, "only {elements} elements");
    }

    #[test]
    fn plain_choice_backbone_inherited_and_referenced_elements_are_found() {
        let r4 = Definitions::r4();
        let name = r4.element("Patient", "name").unwrap();
        assert_eq!((name.min, name.max, name.type_name()), (0, Max::Many, Some("HumanName")));
        let value = r4.element("Observation", "valueQuantity").unwrap();
        assert_eq!((value.type_name(), value.choice.as_deref()), (Some("Quantity"), Some("value")));
        assert!(r4.element("Observation", "value").unwrap().is_choice);
        assert!(r4.element("Observation", "valueMoney").is_none());
        assert_eq!(r4.element("Patient", "multipleBirthInteger").unwrap().type_name(), Some("integer"));
        assert_eq!(r4.element("Patient", "contact").unwrap().type_name(), Some("Patient.contact"));
        assert_eq!(r4.element("Patient.contact", "name").unwrap().type_name(), Some("HumanName"));
        assert_eq!(r4.element("Patient", "id").unwrap().type_name(), Some("id"));
        assert_eq!(r4.element("Patient.contact", "modifierExtension").unwrap().type_name(), Some("Extension"));
        assert_eq!(r4.element("Questionnaire.item", "item").unwrap().type_name(), Some("Questionnaire.item"));
        assert_eq!(r4.element("Age", "value").unwrap().type_name(), Some("decimal"));
        let gender = r4.element("Patient", "gender").unwrap().binding.clone().unwrap();
        assert_eq!(gender.strength, Strength::Required);
        assert_eq!(gender.value_set, "http://hl7.org/fhir/ValueSet/administrative-gender");
        let practitioner = &r4.element("Patient", "generalPractitioner").unwrap().types[0];
        assert_eq!(practitioner.targets, ["Organization", "Practitioner", "PractitionerRole"]);
    }

    #[test]
    fn kinds_and_ancestors_are_known() {
        let r4 = Definitions::r4();
        assert!(r4.is_resource("Task") && r4.is_datatype("Period") && r4.is_primitive("dateTime"));
        assert!(!r4.is_resource("Period") && r4.kind("Nothing").is_none());
        assert!(r4.is_subtype("Age", "Quantity") && r4.is_subtype("id", "string"));
        assert!(r4.is_subtype("Patient", "Resource") && !r4.is_subtype("Bundle", "DomainResource"));
        assert!(r4.element_names("Observation").contains(&"valueQuantity"));
    }
}
