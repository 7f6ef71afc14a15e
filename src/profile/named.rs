//! Profiles as people name them, in a command or a site: by canonical URL, or by the last part of one. Never guesses.

use crate::fhir::Library;
use crate::fhir::definition::{Definitions, split_version, type_of_url};
use crate::yaml::nearest;

/// The canonical URL of a profile that is at hand; the error says which name would have been right.
pub fn named_profile(asked: &str, library: &Library) -> Result<String, String> {
    if asked.contains(':') {
        let is_core = type_of_url(split_version(asked).0).is_some_and(|name| Definitions::r4().is_resource(name));
        if is_core || library.profile(asked).is_some() {
            return Ok(asked.to_string());
        }
        let (url, version) = split_version(asked);
        if let (Some(_), Some(_)) = (version, library.profile(url)) {
            return Err(format!("the profile {url} is here in another version only; leave `|…` out to use that"));
        }
        let hint = nearest(url, library.profile_urls()).map(|near| format!("; did you mean {near}?"));
        return Err(format!(
            "the profile {asked} is not here; `handover profiles list` shows what is, `handover profiles add` adds a package{}",
            hint.unwrap_or_default()
        ));
    }
    let last = |url: &str| url.rsplit('/').next().unwrap_or_default().to_string();
    let mut found: Vec<&str> = library.profile_urls().filter(|url| last(url) == asked).collect();
    found.sort_unstable();
    found.dedup();
    match found.as_slice() {
        [only] => Ok((*only).to_string()),
        [] => {
            let names: Vec<String> = library.profile_urls().map(last).collect();
            let hint = nearest(asked, names.iter().map(String::as_str)).map(|near| format!("; did you mean {near}?"));
            Err(format!("no profile has a URL that ends in `{asked}`{}", hint.unwrap_or_default()))
        }
        several => Err(format!("several profiles end in `{asked}`; name one whole: {}", several.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(asked: &str) -> Result<String, String> {
        named_profile(asked, Library::built_in())
    }

    #[test]
    fn profiles_are_asked_for_by_url_version_or_name() {
        let url = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient";
        for asked in [url, "us-core-patient"] {
            assert_eq!(resolved(asked).unwrap(), url);
        }
        assert!(resolved(&format!("{url}|7.0.0")).is_ok());
        assert!(resolved("http://hl7.org/fhir/StructureDefinition/Patient").is_ok());
    }

    #[test]
    fn what_is_not_here_is_named_with_the_nearest_that_is() {
        let told = |asked: &str| resolved(asked).unwrap_err();
        assert!(told("us-core-patiant").contains("did you mean us-core-patient?"), "{}", told("us-core-patiant"));
        let version = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient|3.0.0";
        assert!(told(version).contains("another version"), "{}", told(version));
        assert!(told("http://example.org/none").contains("profiles add"));
    }
}
