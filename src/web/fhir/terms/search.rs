//! Read and search of what is held (http://hl7.org/fhir/R4/http.html#read, #search): by `url`, `name`, `version`, `status` and
//! `_id`. A resource of a search is without its rules and codes; a read has them.

use serde_json::{Value, json};

use super::asked::Asked;
use super::concept_map;
use super::definition::{code_system, value_set};
use super::found::{url_of, with_ids};
use super::maps::held_maps;
use crate::fhir::search::fold;
use crate::fhir::terminology::Summary;
use crate::problem::Category;
use crate::web::answer::Fault;
use crate::web::fhir::bundle::{bundle, link};

pub const KNOWN: &[&str] =
    &["_id", "url", "name", "name:exact", "name:contains", "version", "status", "_count", "_offset"];

/// Resources on a page.
const PAGE: usize = 50;
const MOST: usize = 250;

pub fn read(asked: &Asked) -> Result<Value, Fault> {
    let absent = || Fault::not_found("there is no such resource here");
    let id = asked.id.as_deref().unwrap_or_default();
    let library = asked.library();
    match asked.kind {
        "ValueSet" => {
            let all = library.value_sets();
            let url = url_of(all.keys().copied(), id).ok_or_else(absent)?;
            Ok(value_set(asked, url, library.value_set(url).as_ref()))
        }
        "CodeSystem" => {
            let all = library.code_systems();
            let url = url_of(all.keys().copied(), id).ok_or_else(absent)?;
            code_system(asked, url, library.code_system(url).ok_or_else(absent)?.as_ref(), true)
        }
        _ => {
            let map = held_maps(&asked.site).into_iter().find(|map| map.id == id).ok_or_else(absent)?;
            Ok(concept_map::written(&map, library, &asked.base()))
        }
    }
}

/// What is listed of one, before it is written out.
struct Listed<'a> {
    id: String,
    url: String,
    /// The same as its definition has it.
    key: &'a str,
    summary: Summary<'a>,
}

pub fn search(asked: &Asked) -> Result<Value, Fault> {
    let library = asked.library();
    let maps = held_maps(&asked.site);
    let base = asked.base();
    let (sets, systems) = (library.value_sets(), library.code_systems());
    let listed: Vec<Listed<'_>> = match asked.kind {
        "ConceptMap" => maps
            .iter()
            .map(|map| {
                let summary = Summary { version: None, status: "active", name: Some(map.name()) };
                Listed { id: map.id.clone(), url: map.url(&base), key: map.source, summary }
            })
            .collect(),
        kind => {
            let all = if kind == "ValueSet" { &sets } else { &systems };
            with_ids(all.keys().copied())
                .into_iter()
                .map(|(key, id)| Listed {
                    id,
                    url: key.to_string(),
                    key,
                    summary: all.get(key).copied().unwrap_or_default(),
                })
                .collect()
        }
    };
    let mut matches = Vec::new();
    for one in listed {
        if is_match(asked, &one)? {
            matches.push(one);
        }
    }
    let count = asked.input.number("_count")?.unwrap_or(PAGE).min(MOST);
    let offset = asked.input.number("_offset")?.unwrap_or(0);
    let total = matches.len();
    let entries = matches.iter().skip(offset).take(count).map(|one| {
        let resource = match asked.kind {
            "ValueSet" => value_set(asked, one.key, None),
            "CodeSystem" => {
                let held =
                    library.code_system(one.key).ok_or_else(|| Fault::not_found("a code system cannot be read"))?;
                code_system(asked, one.key, held.as_ref(), false)?
            }
            _ => {
                let map = maps.iter().find(|map| map.id == one.id);
                map.map(|map| concept_map::written(map, library, &base)).unwrap_or_default()
            }
        };
        let url = format!("{base}/{}/{}", asked.kind, one.id);
        Ok(json!({ "fullUrl": url, "resource": resource, "search": { "mode": "match" } }))
    });
    let entries = entries.collect::<Result<Vec<_>, Fault>>()?;
    let page = |from: usize| {
        let own = asked.input.pairs().into_iter().filter(|(name, _)| name != "_offset" && name != "_count");
        let place = [("_count".to_string(), count.to_string()), ("_offset".to_string(), from.to_string())];
        own.chain(place).collect::<Vec<_>>()
    };
    let mut links = vec![link("self", &base, asked.kind, &page(offset))];
    if count > 0 && offset + count < total {
        links.push(link("next", &base, asked.kind, &page(offset + count)));
    }
    Ok(bundle("searchset", asked.now, Some(total), links, entries))
}

fn is_match(asked: &Asked, one: &Listed<'_>) -> Result<bool, Fault> {
    let text = |name: &str| asked.input.text(name);
    let is_one_of = |name: &str, own: Option<&str>| {
        Ok::<_, Fault>(text(name)?.is_none_or(|values| values.split(',').any(|value| own == Some(value))))
    };
    let name = fold(one.summary.name.unwrap_or_default());
    let by_name = |modifier: &str, test: &dyn Fn(&str) -> bool| {
        Ok::<_, Fault>(text(modifier)?.is_none_or(|values| values.split(',').any(test)))
    };
    if asked.input.texts("name").len() > 1 {
        return Err(Fault::bad_request(Category::NotSupported, "`name` may be given once"));
    }
    Ok(is_one_of("_id", Some(&one.id))?
        && is_one_of("url", Some(&one.url))?
        && is_one_of("version", one.summary.version)?
        && is_one_of("status", Some(one.summary.status))?
        && by_name("name", &|value| name.starts_with(&fold(value)))?
        && by_name("name:exact", &|value| one.summary.name == Some(value))?
        && by_name("name:contains", &|value| name.contains(&fold(value)))?)
}
