//! One condition of a search request, with its modifier and values (http://hl7.org/fhir/R4/search.html#modifiers), read into a term
//! of the store's query.

use std::sync::Arc;

use super::date;
use super::negotiate::shown;
use super::reading::Reading;
use super::values::{ValueReading, patient, plain, reference, searched_text, split, token, unescape};
use crate::fhir::search::{Asked, Codes, Criterion, How, Parameter, SearchKind, Test, TokenValue, UriRelation, served};
use crate::identity::ResourceId;
use crate::pipeline::own_identifier;
use crate::problem::Category;
use crate::store::Term;
use crate::web::answer::Fault;
use crate::web::found_by::Claim;

/// Parameters in one request.
const PARAMETERS: usize = 50;
/// Values joined by OR in one parameter.
const VALUES: usize = 100;
/// Codes of the value sets that one parameter names.
pub const MOST_CODES: usize = 2_000;

/// What a condition was read as.
pub enum Condition {
    Term(Term),
    /// A term that narrows, and one that says more.
    Both(Term, Term),
    /// No value can be that of anything here.
    Nothing,
    /// The modifier is not one of this parameter's.
    Unknown,
}

/// The modifiers of a kind, but for `[type]` of references.
pub fn modifiers(parameter: &Parameter) -> &'static [&'static str] {
    match parameter.kind {
        _ if ["_id", "_lastUpdated"].contains(&parameter.name.as_str()) => &[],
        SearchKind::Token if parameter.elements == ["identifier"] => &["not", "of-type", "text", "missing"],
        SearchKind::Token => &["not", "text", "in", "not-in", "missing"],
        SearchKind::String => &["exact", "contains", "missing"],
        SearchKind::Reference => &["identifier", "missing"],
        SearchKind::Uri => &["below", "above", "missing"],
        SearchKind::Date | SearchKind::Number | SearchKind::Quantity | SearchKind::Composite => &["missing"],
    }
}

/// Reads a condition.
pub fn read(
    reading: &Reading<'_>,
    parameter: &Arc<Parameter>,
    modifier: Option<&str>,
    value: &str,
) -> Result<Condition, Fault> {
    let name = &parameter.name;
    let values = by_ours(reading, parameter, modifier, values(name, value)?);
    let is_known = |modifier: &str| modifiers(parameter).contains(&modifier) || is_type(parameter, modifier);
    match modifier {
        Some(modifier) if !is_known(modifier) => Ok(Condition::Unknown),
        Some("missing") => {
            let missing = match value {
                "true" => true,
                "false" => false,
                _ => return Err(wrong(name, "is neither true nor false, which :missing takes")),
            };
            Ok(of(parameter, Test::Missing(missing)))
        }
        Some(modifier) => modified(reading, parameter, modifier, &values),
        None => unmodified(reading, parameter, &values),
    }
}

/// Refuses more parameters than are read.
pub fn bounded(asked: &[(String, String)]) -> Result<(), Fault> {
    if asked.len() > PARAMETERS {
        return Err(Fault::bad_request(Category::TooCostly, format!("more than {PARAMETERS} search parameters")));
    }
    Ok(())
}

/// The values that a parameter takes as one or the other, few enough to look for each.
pub fn values(name: &str, value: &str) -> Result<Vec<String>, Fault> {
    let values = split(value, ',');
    if values.len() > VALUES {
        return Err(Fault::bad_request(Category::TooCostly, format!("{} has more than {VALUES} values", shown(name))));
    }
    Ok(values)
}

/// What a value may call by id: the types that it may be of, and the id. Nothing where values of the parameter name no resources.
pub fn named(
    reading: &Reading<'_>,
    parameter: &Parameter,
    modifier: Option<&str>,
    value: &str,
) -> Vec<(&'static str, String)> {
    let relative = value.strip_prefix(reading.base).map_or(value, |rest| rest.trim_start_matches('/'));
    let (said, id) = relative.rsplit_once('/').map_or((None, relative), |(kind, id)| (Some(kind), id));
    let is_said = |kind: &&'static str| said.is_none_or(|said| said == *kind);
    let kinds: Vec<&'static str> = match (parameter.kind, modifier, said) {
        _ if parameter.name == "_id" => {
            if modifier.is_none() && said.is_none() {
                vec![reading.resource_type]
            } else {
                Vec::new()
            }
        }
        (SearchKind::Reference, Some(kind), _) if is_type(parameter, kind) => served(kind).into_iter().collect(),
        (SearchKind::Reference, None, Some(kind)) if is_type(parameter, kind) => served(kind).into_iter().collect(),
        (SearchKind::Reference, None, None) => parameter.targets.iter().filter_map(|kind| served(kind)).collect(),
        _ => Vec::new(),
    };
    kinds.into_iter().filter(is_said).map(|kind| (kind, id.to_string())).collect()
}

/// Values of which those that are ids of the client's own, or references by them, are those that they mean.
pub fn by_ours(
    reading: &Reading<'_>,
    parameter: &Parameter,
    modifier: Option<&str>,
    values: Vec<String>,
) -> Vec<String> {
    let Some(called) = reading.called else { return values };
    let meant = |value: String| {
        let names = named(reading, parameter, modifier, &value).into_iter();
        let known = names.filter_map(|name| {
            let id = called.get(&name)?;
            Some(if parameter.name == "_id" { id.to_string() } else { format!("{}/{id}", name.0) })
        });
        let known: Vec<String> = known.collect();
        if known.is_empty() { vec![value] } else { known }
    };
    values.into_iter().flat_map(meant).collect()
}

fn is_type(parameter: &Parameter, modifier: &str) -> bool {
    let leads_to = |kind: &str| parameter.targets.is_empty() || parameter.targets.iter().any(|target| target == kind);
    parameter.kind == SearchKind::Reference && served(modifier).is_some() && leads_to(modifier)
}

fn of(parameter: &Arc<Parameter>, test: Test) -> Condition {
    Condition::Term(Term::Of(Criterion { parameter: Arc::clone(parameter), test }))
}

pub fn wrong(name: &str, why: &str) -> Fault {
    Fault::bad_request(Category::Value, format!("a value of {name} {why}"))
}

fn any(parameter: &Arc<Parameter>, asked: Vec<Asked>) -> Condition {
    if asked.is_empty() { Condition::Nothing } else { of(parameter, Test::Any(asked)) }
}

fn unmodified(reading: &Reading<'_>, parameter: &Arc<Parameter>, values: &[String]) -> Result<Condition, Fault> {
    match parameter.name.as_str() {
        "_id" => {
            let ids: Vec<ResourceId> = values.iter().filter_map(|text| text.parse().ok()).collect();
            return Ok(if ids.is_empty() { Condition::Nothing } else { Condition::Term(Term::Id(ids)) });
        }
        "_lastUpdated" => {
            let dates = values.iter().map(|text| date::parse(text, reading.now)).collect::<Result<_, _>>();
            let dates = dates.map_err(|why| wrong(&parameter.name, why))?;
            return Ok(Condition::Term(Term::LastUpdated(dates)));
        }
        "identifier" if parameter.elements == ["identifier"] => {
            if let Some(ids) = own_ids(reading, values) {
                return Ok(if ids.is_empty() { Condition::Nothing } else { Condition::Term(Term::Id(ids)) });
            }
            return Ok(Condition::Term(Term::Identifier(values.iter().map(|text| token(text)).collect())));
        }
        _ if parameter.is_home_of(reading.resource_type) => return Ok(of_patients(reading, parameter, values)),
        _ => {}
    }
    Ok(any(parameter, several(reading, parameter, values)?))
}

pub fn several(reading: &Reading<'_>, parameter: &Parameter, values: &[String]) -> Result<Vec<Asked>, Fault> {
    let with = ValueReading { base: reading.base, now: reading.now };
    let one = |text: &String| {
        let read = match parameter.kind {
            SearchKind::Composite => composite(with, parameter, text),
            kind => plain(with, kind, &parameter.codes, text),
        };
        read.map_err(|why| wrong(&parameter.name, &why))
    };
    let read: Vec<Option<Asked>> = values.iter().map(one).collect::<Result<_, _>>()?;
    Ok(read.into_iter().flatten().collect())
}

/// `8480-6$gt140`: a value for each part.
fn composite(reading: ValueReading<'_>, parameter: &Parameter, text: &str) -> Result<Option<Asked>, String> {
    let values = split(text, '$');
    let count = parameter.components.len();
    if values.len() != count {
        return Err(format!("has {} parts; it takes {count}, with $ between them", values.len()));
    }
    let pairs = parameter.components.iter().zip(&values);
    // What systems its codes have is told with the parameters that it is made of.
    let parts = pairs.map(|(part, text)| plain(reading, part.kind, &Codes::default(), text));
    let parts: Option<Vec<Asked>> = parts.collect::<Result<_, _>>()?;
    Ok(parts.map(Asked::Composite))
}

/// The records of the patients named; what is no patient's id here is looked for as it stands.
fn of_patients(reading: &Reading<'_>, parameter: &Arc<Parameter>, values: &[String]) -> Condition {
    let mut persons = Vec::new();
    let mut others = false;
    for text in values {
        let relative = reference(reading.base, text);
        match patient(text, reading.base) {
            Some(id) => persons.push(id.person),
            // An id alone, or one of a Patient, that is none of ours is nobody's here.
            None if relative.starts_with("Patient/") || !relative.contains(['/', '|']) => {}
            None => others = true,
        }
    }
    if others {
        let asked = values.iter().map(|text| Asked::Reference(reference(reading.base, text)));
        return any(parameter, asked.collect());
    }
    if persons.is_empty() { Condition::Nothing } else { Condition::Term(Term::Patient(persons)) }
}

fn modified(
    reading: &Reading<'_>,
    parameter: &Arc<Parameter>,
    modifier: &str,
    values: &[String],
) -> Result<Condition, Fault> {
    let texts = || values.iter().filter_map(|text| searched_text(text));
    let uris = |relation| values.iter().map(move |text| Asked::Uri { text: unescape(text), relation });
    Ok(match modifier {
        "not" => of(parameter, Test::None(several(reading, parameter, values)?)),
        "text" => any(parameter, texts().map(Asked::Words).collect()),
        // As it stands, spaces and all.
        "exact" => {
            let exact = |text: &String| Asked::Text { text: unescape(text), how: How::Exact };
            any(parameter, values.iter().map(exact).collect())
        }
        "contains" => any(parameter, texts().map(|text| Asked::Text { text, how: How::Contains }).collect()),
        "identifier" => any(parameter, values.iter().map(|text| Asked::Identifier(token(text))).collect()),
        "of-type" => return of_types(parameter, values),
        "in" => any(parameter, codes_in(reading, parameter, values)?),
        "not-in" => of(parameter, Test::None(codes_in(reading, parameter, values)?)),
        "below" => any(parameter, uris(UriRelation::Below).collect()),
        "above" => any(parameter, uris(UriRelation::Above).collect()),
        kind => {
            let typed = |text: &String| match text.contains('/') {
                true => text.clone(),
                false => format!("{kind}/{text}"),
            };
            let typed: Vec<String> = values.iter().map(typed).collect();
            if kind == "Patient" && parameter.is_home_of(reading.resource_type) {
                return Ok(of_patients(reading, parameter, &typed));
            }
            let asked = typed.iter().map(|text| Asked::Reference(reference(reading.base, text)));
            any(parameter, asked.collect())
        }
    })
}

/// `http://terminology.hl7.org/CodeSystem/v2-0203|MR|446053`
fn of_types(parameter: &Arc<Parameter>, values: &[String]) -> Result<Condition, Fault> {
    let (mut numbers, mut asked) = (Vec::new(), Vec::new());
    for text in values {
        let parts: Vec<String> = split(text, '|').iter().map(|part| unescape(part)).collect();
        let [system, code, value] = parts.as_slice() else {
            return Err(wrong(&parameter.name, "is no system|code|value, which :of-type takes"));
        };
        let some = |text: &String| (!text.is_empty()).then(|| text.clone());
        let kind = TokenValue { system: some(system), code: some(code), is_implied: false };
        numbers.push(TokenValue { system: None, code: Some(value.clone()), is_implied: false });
        asked.push(Asked::OfType { kind, value: value.clone() });
    }
    Ok(Condition::Both(Term::Identifier(numbers), Term::Of(Criterion::any(parameter, asked))))
}

/// The codes of value sets that are here whole (http://hl7.org/fhir/R4/search.html#modifiers): no search is by part of one.
fn codes_in(reading: &Reading<'_>, parameter: &Parameter, values: &[String]) -> Result<Vec<Asked>, Fault> {
    let mut asked = Vec::new();
    for text in values {
        let groups = reading.profiles.library().codes_of(&unescape(text)).ok_or_else(|| {
            wrong(&parameter.name, "names a value set that is not here, or whose codes are not all here; GET ValueSet lists those that are")
        })?;
        if asked.len() + groups.iter().map(|group| group.codes.len()).sum::<usize>() > MOST_CODES {
            let text = format!("{} is searched by value sets of {MOST_CODES} codes at most", parameter.name);
            return Err(Fault::bad_request(Category::TooCostly, text));
        }
        for group in groups.iter() {
            let token = |code: &String| {
                let (system, code) = (Some(group.system.clone()), Some(code.clone()));
                Asked::Token(TokenValue { system, code, is_implied: parameter.codes.is_all })
            };
            asked.extend(group.codes.iter().map(token));
        }
    }
    Ok(asked)
}

/// What `_profile` asks; none for a modifier that it does not take.
pub fn profile(name: &str, value: &str) -> Result<Option<Claim>, Fault> {
    let relation = match name.split_once(':').map(|(_, modifier)| modifier) {
        Some("missing") => {
            let missing =
                value.parse().map_err(|_| wrong("_profile", "is neither true nor false, which :missing takes"));
            return missing.map(|missing| Some(Claim::Missing(missing)));
        }
        None => UriRelation::Same,
        Some("below") => UriRelation::Below,
        Some("above") => UriRelation::Above,
        Some(_) => return Ok(None),
    };
    let values = values(name, value)?;
    Ok(Some(Claim::Any(values.iter().map(|text| Asked::Uri { text: unescape(text), relation }).collect())))
}

/// The ids that are meant where all values are identifiers that our copies have at partners: the gateway's address and an id.
fn own_ids(reading: &Reading<'_>, values: &[String]) -> Option<Vec<ResourceId>> {
    let address = reading.base.strip_suffix("/fhir").unwrap_or(reading.base);
    let id = |text: &String| {
        let token = token(text);
        let own = own_identifier(address, reading.resource_type, token.code.as_deref().unwrap_or_default());
        (token.system.as_ref() == Some(&own.system)).then(|| own.value.parse().ok())
    };
    values.iter().map(id).collect::<Option<Vec<Option<ResourceId>>>>().map(|ids| ids.into_iter().flatten().collect())
}
