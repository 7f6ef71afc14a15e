//! A page of the codes of a value set (http://hl7.org/fhir/R4/valueset-operation-expand.html): all that fit are counted, in the
//! order of the definition, before the page is cut.

use std::collections::BTreeSet;

use super::compose::Compose;
use super::texts::Texts;
use super::walk::{Found, Unexpandable};
use crate::fhir::Library;
use crate::fhir::search::{fold, word_starts};

/// What of a value set is wanted.
#[derive(Debug, Clone, Default)]
pub struct ExpansionAsked {
    /// Words that a code or what it is called must have, each from its beginning.
    pub filter: Option<String>,
    pub active_only: bool,
    /// Leaves out codes that only group others.
    pub selectable_only: bool,
    /// Code systems to leave out: their URLs, with a version or without.
    pub excluded_systems: Vec<String>,
    pub offset: usize,
    /// As many as there are, if not given.
    pub count: Option<usize>,
}

/// What was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expansion {
    /// How many codes there are, on whichever page.
    pub total: usize,
    pub contains: Vec<Contained>,
    /// The code systems that codes came from.
    pub systems: BTreeSet<String>,
}

/// One code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contained {
    pub system: String,
    pub code: String,
    pub texts: Texts,
    pub is_abstract: bool,
    pub is_inactive: bool,
}

impl Library {
    /// The page that is asked for; `most` codes at the most.
    pub fn expand(&self, compose: &Compose, asked: &ExpansionAsked, most: usize) -> Result<Expansion, Unexpandable> {
        let words: Vec<String> = asked.filter.iter().flat_map(|text| split(text)).collect();
        let is_left_out = |system: &str| {
            let version = || self.code_system(system).and_then(|held| held.head().version.clone());
            asked.excluded_systems.iter().any(|other| match other.split_once('|') {
                None => other == system,
                Some((url, other)) => url == system && version().is_some_and(|own| own == other),
            })
        };
        let end = asked.count.map_or(usize::MAX, |count| asked.offset.saturating_add(count));
        let mut expansion = Expansion::default();
        self.walk(compose, &mut |found| {
            let Found { system, concept } = &found;
            let is_unwanted = (asked.active_only && concept.is_inactive)
                || (asked.selectable_only && concept.is_abstract)
                || is_left_out(system);
            if is_unwanted || !has_all(&words, &concept.code, &concept.texts) {
                return Ok(());
            }
            if !expansion.systems.contains(*system) {
                expansion.systems.insert((*system).to_string());
            }
            if (asked.offset..end).contains(&expansion.total) && expansion.contains.len() < most {
                expansion.contains.push(Contained {
                    system: (*system).to_string(),
                    code: concept.code.clone(),
                    texts: concept.texts.clone(),
                    is_abstract: concept.is_abstract,
                    is_inactive: concept.is_inactive,
                });
            }
            expansion.total += 1;
            Ok(())
        })?;
        Ok(expansion)
    }
}

/// The words of what is looked for.
fn split(text: &str) -> Vec<String> {
    fold(text).split(' ').filter(|word| !word.is_empty()).map(str::to_string).collect()
}

fn has_all(words: &[String], code: &str, texts: &Texts) -> bool {
    if words.is_empty() {
        return true;
    }
    let own: Vec<String> = std::iter::once(code).chain(texts.all()).map(fold).collect();
    words.iter().all(|word| own.iter().any(|text| word_starts(text).any(|rest| rest.starts_with(word.as_str()))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::{PackageFile, PackageSource};

    fn library() -> Library {
        let text = "codesystem http://a.example|3 complete\nx = Blood pressure =de Blutdruck\n y = Ear pain\n z inactive = Old\nw abstract = Group\n\n\
            codesystem http://part.example fragment\np\n\n\
            valueset http://v.example/all\n+ http://a.example\n\n\
            valueset http://v.example/below\n+ http://a.example where concept descendent-of x\n\n\
            valueset http://v.example/both\n+ http://a.example :\n  y = Earache\n  x\n+ @http://v.example/all\n- http://a.example : w\n\n\
            valueset http://v.example/part\n+ http://part.example\n\n\
            valueset http://v.example/circle\n+ @http://v.example/circle\n\n\
            valueset http://v.example/filter\n+ http://a.example where weight = 2\n";
        let file = PackageFile { name: "x.txt".into(), text: text.into() };
        let (library, problems) = Library::with(&[PackageSource { files: vec![file] }]);
        assert_eq!(problems, []);
        library
    }

    fn codes(name: &str, asked: &ExpansionAsked) -> Result<(usize, Vec<String>), Unexpandable> {
        let library = library();
        let compose = library.value_set(&format!("http://v.example/{name}")).unwrap();
        let found = library.expand(&compose, asked, 100)?;
        Ok((found.total, found.contains.into_iter().map(|one| one.code).collect()))
    }

    #[test]
    fn pages_follow_the_definition_and_the_total_is_that_of_all() {
        let all = ExpansionAsked::default();
        assert_eq!(codes("all", &all).unwrap(), (4, ["x", "y", "z", "w"].map(str::to_string).to_vec()));
        let page = ExpansionAsked { offset: 1, count: Some(2), ..ExpansionAsked::default() };
        assert_eq!(codes("all", &page).unwrap(), (4, vec!["y".to_string(), "z".to_string()]));
        assert_eq!(codes("both", &all).unwrap(), (3, ["y", "x", "z"].map(str::to_string).to_vec()));
        assert_eq!(codes("below", &all).unwrap().0, 2);
        let active = ExpansionAsked { active_only: true, selectable_only: true, ..ExpansionAsked::default() };
        assert_eq!(codes("all", &active).unwrap(), (2, vec!["x".to_string(), "y".to_string()]));
    }

    #[test]
    fn words_are_found_in_any_language_from_their_beginnings() {
        let found = |filter: &str| {
            let asked = ExpansionAsked { filter: Some(filter.to_string()), ..ExpansionAsked::default() };
            codes("both", &asked).unwrap().1
        };
        assert_eq!(found("press BLOOD"), ["x"]);
        assert_eq!(found("blutd"), ["x"]);
        assert_eq!(found("earache"), ["y"]);
        assert!(found("ressure").is_empty() && found("blood ear").is_empty());
    }

    #[test]
    fn what_cannot_be_listed_is_named() {
        let all = ExpansionAsked::default();
        assert_eq!(codes("part", &all), Err(Unexpandable::CodeSystem("http://part.example".to_string())));
        assert_eq!(codes("circle", &all), Err(Unexpandable::ValueSet("http://v.example/circle".to_string())));
        let filter = Unexpandable::Filter("`weight = 2` of http://a.example".to_string());
        assert_eq!(codes("filter", &all), Err(filter));
    }

    #[test]
    fn a_system_may_be_left_out_with_its_version_or_without() {
        for (excluded, total) in [("http://a.example", 0), ("http://a.example|3", 0), ("http://a.example|2", 4)] {
            let asked = ExpansionAsked { excluded_systems: vec![excluded.to_string()], ..ExpansionAsked::default() };
            assert_eq!(codes("all", &asked).unwrap().0, total, "{excluded}");
        }
    }
}
