//! One search parameter, compiled from its definition (http://hl7.org/fhir/R4/searchparameter.html) for one type.

use sha2::{Digest, Sha256};

use crate::fhir::compartment::patient_element;
use crate::fhir::definition::Definitions;
use crate::fhir::package::SearchParameter;
use crate::fhir::path::{Context, Expression, Item};
use crate::fhir::resource::Resource;

/// http://hl7.org/fhir/R4/valueset-search-param-type.html, but for `special`: each of those is a rule of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SearchKind {
    Number,
    Date,
    String,
    Token,
    Reference,
    Composite,
    Quantity,
    Uri,
}

/// Raised when the terms of the stores' indexes are made otherwise than before.
pub(super) const LAYOUT: &str = "2";

impl SearchKind {
    const ALL: [(&'static str, Self); 8] = [
        ("number", Self::Number),
        ("date", Self::Date),
        ("string", Self::String),
        ("token", Self::Token),
        ("reference", Self::Reference),
        ("composite", Self::Composite),
        ("quantity", Self::Quantity),
        ("uri", Self::Uri),
    ];

    fn read(code: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == code).map(|(_, kind)| *kind)
    }

    pub fn code(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("special", |(code, _)| code)
    }
}

/// A search parameter of one type.
#[derive(Debug)]
pub struct Parameter {
    /// As in a URL: `birthdate`.
    pub name: String,
    /// Its canonical URL.
    pub url: String,
    /// Another number for another type, kind or expression: what is known of it goes by this.
    pub key: u64,
    pub kind: SearchKind,
    expression: Expression,
    /// The elements of the type whose content decides what is found by it: who may not see one must not find by it.
    pub elements: Vec<String>,
    /// The types that it leads to, where it is a reference; empty for any.
    pub targets: Vec<String>,
    /// What a composite is made of.
    pub components: Vec<Component>,
    pub codes: Codes,
    /// The names of each walk of its expression; one that does more than walk has none.
    pub walks: Vec<Vec<String>>,
    /// Whether a resource without these elements holds nothing: not of an expression that asks whether something is there.
    is_selection: bool,
}

/// What is known of the `code` and boolean elements that a parameter looks at: their values state no system, their definitions do.
#[derive(Debug, Default)]
pub struct Codes {
    /// The value sets of the codes.
    pub value_sets: Vec<String>,
    pub has_booleans: bool,
    /// Whether it looks at nothing else.
    pub is_all: bool,
}

/// One part of a composite.
#[derive(Debug)]
pub struct Component {
    pub kind: SearchKind,
    expression: Expression,
}

impl Parameter {
    /// Compiles a definition for a type. `kind_of` tells what another parameter is, by its id or URL. None where there is nothing to evaluate on this
    /// type; an error says what of the definition cannot be read.
    pub fn compile(
        resource_type: &str,
        name: &str,
        definition: &SearchParameter,
        kind_of: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, String> {
        let Some(kind) = SearchKind::read(&definition.kind).filter(|_| !definition.expression.is_empty()) else {
            return Ok(None);
        };
        let of_type = read(&definition.expression)?.of_type(resource_type);
        let Some(expression) = of_type else { return Ok(None) };
        let mut elements: Vec<String> = expression.roots(resource_type).into_iter().map(str::to_string).collect();
        // A composite of the whole resource looks at what its parts walk to.
        let is_of_whole = elements.is_empty() || definition.expression.contains('|');
        let mut components = Vec::new();
        for (other, path) in corrected(definition) {
            let kind = kind_of(&other).and_then(|kind| SearchKind::read(&kind));
            let kind = kind.ok_or_else(|| format!("its component {other} is no parameter that is known"))?;
            let path = read(&path)?;
            if is_of_whole {
                elements.extend(path.start_names().into_iter().map(str::to_string));
            }
            components.push(Component { kind, expression: path });
        }
        if kind == SearchKind::Composite && components.is_empty() {
            return Ok(None);
        }
        let codes = Codes::of(resource_type, &expression);
        let walks = expression.walks(resource_type).into_iter();
        let walks = walks.map(|names| names.into_iter().map(str::to_string).collect()).collect();
        Ok(Some(Self {
            name: name.to_string(),
            url: definition.url.clone(),
            key: key_of(&[resource_type, kind.code(), &definition.expression]),
            kind,
            expression,
            elements,
            targets: definition.targets.clone(),
            components,
            codes,
            walks,
            is_selection: is_selection(&definition.expression),
        }))
    }

    /// Whether it names the patient in whose record resources of the type lie.
    pub fn is_home_of(&self, resource_type: &str) -> bool {
        let Some(path) = patient_element(resource_type) else { return false };
        let root = path.split('.').next().unwrap_or_default();
        let may_be_patient = self.targets.is_empty() || self.targets.iter().any(|target| target == "Patient");
        self.kind == SearchKind::Reference && self.elements == [root] && may_be_patient
    }

    /// Whether a resource has any of the elements that it looks at: most have few of those that their type may have.
    fn may_hold(&self, resource: &Resource) -> bool {
        let is_of = |key: &str, element: &String| {
            let rest = key.strip_prefix(element.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(|letter: char| letter.is_ascii_uppercase()))
        };
        !self.is_selection
            || resource.as_map().keys().any(|key| self.elements.iter().any(|element| is_of(key, element)))
    }

    /// The items that it finds in a resource. An expression that fails on one finds nothing in it.
    pub(super) fn items<'a>(&'a self, resource: &'a Resource) -> Vec<Item<'a>> {
        if !self.may_hold(resource) {
            return Vec::new();
        }
        // Nothing lost: what cannot be evaluated has no value to be found by; the shipped ones are all evaluated in a test.
        self.expression.evaluate(&Context::new(resource).resolving_types()).unwrap_or_default()
    }
}

impl Component {
    pub(super) fn items<'a>(&'a self, resource: &'a Resource, item: &Item<'a>) -> Vec<Item<'a>> {
        let context = Context::new(resource).within(vec![item.clone()]).resolving_types();
        // Nothing lost: as above.
        self.expression.evaluate(&context).unwrap_or_default()
    }
}

fn key_of(parts: &[&str]) -> u64 {
    let mut hash = Sha256::new();
    [LAYOUT].iter().chain(parts).for_each(|part| hash.update(format!("{part}\0")));
    u64::from_be_bytes(hash.finalize().first_chunk().copied().unwrap_or_default())
}

/// Whether an expression only selects what is there. Conditions on what is selected are written with a sign or a word of these.
fn is_selection(expression: &str) -> bool {
    let rest = expression.replace("resolve() is ", "");
    let asks =
        ["=", "~", "<", ">", " and ", " or ", " is ", "exists(", "empty(", "count(", "all(", "any(", "not(", "iif("];
    !asks.iter().any(|sign| rest.contains(sign))
}

/// The parts of a composite; those of DocumentReference.relationship stand in R4 with each other's path.
fn corrected(definition: &SearchParameter) -> Vec<(String, String)> {
    let mut parts = definition.components.clone();
    if let [(one, code), (other, target)] = parts.as_mut_slice()
        && (one.as_str(), other.as_str()) == ("DocumentReference-relatesto", "DocumentReference-relation")
        && (code.as_str(), target.as_str()) == ("code", "target")
    {
        std::mem::swap(code, target);
    }
    parts
}

/// Reads an expression of a package. R4 wrote a type's name with a capital once (Observation-code-value-date).
fn read(text: &str) -> Result<Expression, String> {
    Expression::parse_r4(&text.replace("as(DateTime)", "as(dateTime)")).map_err(|error| error.to_string())
}

impl Codes {
    fn of(resource_type: &str, expression: &Expression) -> Self {
        let mut codes = Self { is_all: true, ..Self::default() };
        for names in expression.walks(resource_type) {
            let mut definition = Definitions::r4().type_definition(resource_type);
            let mut last = None;
            for name in names {
                last = definition.and_then(|definition| definition.element(name));
                definition = last.and_then(|element| element.definition());
            }
            let types = last.map(|element| element.types.as_slice()).unwrap_or_default();
            let is_of = |code: &str| types.iter().any(|one| one.code == code);
            codes.has_booleans |= is_of("boolean");
            codes.is_all &= types.len() == 1 && (is_of("boolean") || is_of("code"));
            if is_of("code") {
                codes
                    .value_sets
                    .extend(last.and_then(|element| element.binding.as_ref()).map(|one| one.value_set.clone()));
            }
        }
        codes
    }
}
