//! Checks an element against a profile: what the profile says beyond R4's own definition, which `structure` checks.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::matching::{element_contains, element_is, shown};
use super::place::{Findings, Path};
use super::rules::Rules;
use super::site::Site;
use super::slicing::{self, Sliced, times};
use super::validation::Validation;
use super::{binding, invariants, references};
use crate::fhir::definition::{Definitions, Max, TypeRef, split_version, type_of_url};
use crate::fhir::path::Element;
use crate::problem::Category;

/// Profiles may use each other; deeper than this nobody means it.
const MAX_DEPTH: u32 = 12;

/// Checks an element against a profile by its canonical URL.
pub(super) fn check_profile<'a>(
    element: Element<'a>,
    canonical: &str,
    path: &Path<'_>,
    validation: Validation<'a>,
    findings: &mut Findings,
) {
    if type_of_url(split_version(canonical).0).is_some_and(|name| is_a(element, name)) {
        return;
    }
    let Some(profile) = validation.profiles.get(canonical) else {
        let text = format!(
            "the profile {canonical} is not here, so nothing was checked against it; add the package that has it"
        );
        findings.unknown(path, canonical, text);
        return;
    };
    if let Some(base) = &profile.missing_base {
        let text = format!("{} builds on {base}, which is not here, so what that says was not checked", profile.name());
        findings.unknown(path, base, text);
    }
    if !is_a(element, &profile.type_name) {
        let own = element.type_name().unwrap_or("something else");
        let text = format!("{} is a profile of {}, and this is a {own}", profile.name(), profile.type_name);
        findings.error(Category::Structure, path, text);
        return;
    }
    if validation.depth < MAX_DEPTH {
        let site = Site { path: *path, name: "", is_choice: false, profile: &profile };
        check_rules(element, &profile.rules, &site, validation.deeper(), findings);
    }
}

/// Whether an element meets a profile, as far as that can be told.
pub(super) fn conforms<'a>(element: Element<'a>, canonical: &str, validation: Validation<'a>) -> bool {
    let mut findings = Findings::default();
    check_profile(element, canonical, &Path::root(""), validation, &mut findings);
    !findings.has_errors()
}

/// Whether an extension has both a value and parts, or neither: that is refused as such (ext-1).
fn is_broken(element: Element<'_>) -> bool {
    let extension = element.as_map().filter(|_| element.type_name() == Some("Extension"));
    extension.is_some_and(|map| {
        map.contains_key("extension") == map.keys().any(|key| key.trim_start_matches('_').starts_with("value"))
    })
}

fn is_a(element: Element<'_>, name: &str) -> bool {
    element.type_name().is_some_and(|own| Definitions::r4().is_subtype(own, name))
}

/// Checks an element, and all below it, against rules.
pub(super) fn check_rules<'a>(
    element: Element<'a>,
    rules: &Rules,
    site: &Site<'_>,
    validation: Validation<'a>,
    findings: &mut Findings,
) {
    // Of an extension with both a value and parts, or neither, R4 has said all there is.
    if is_broken(element) {
        return;
    }
    check_types(element, &rules.types, site, validation, findings);
    check_value(element, rules, site, findings);
    if let Some(bound) = &rules.binding {
        binding::check(element, bound, &site.path, validation, findings);
    }
    if let Some(limit) = &rules.limit {
        binding::check_limit(element, limit, &site.path, validation, findings);
    }
    invariants::check_profile(element, &rules.invariants, site, validation, findings);
    for (name, child) in &rules.children {
        check_child(element, name, child, site, validation, findings);
    }
}

fn check_child<'a>(
    parent: Element<'a>,
    name: &str,
    rules: &Rules,
    above: &Site<'_>,
    validation: Validation<'a>,
    findings: &mut Findings,
) {
    let known = parent.definition().and_then(|definition| definition.element(name));
    let is_list = known.is_some_and(|known| known.max.is_list());
    let items: Vec<Sliced<'a>> = parent
        .children(name)
        .into_iter()
        .enumerate()
        .map(|(index, element)| Sliced { element, index: is_list.then_some(index) })
        .collect();
    let is_choice = known.is_some_and(|known| known.is_choice);
    let site = Site { path: above.path.child(name), name, is_choice, profile: above.profile };
    let profile = site.profile.name();
    let all: Vec<&Sliced<'a>> = items.iter().collect();
    let check_item = |item: &Sliced<'a>, rules: &Rules, findings: &mut Findings| {
        check_rules(item.element, rules, &site.at(item.index), validation, findings);
    };
    let is_slice_missing = slicing::check(&all, rules, &site, validation, &check_item, findings);
    // What R4 itself demands, it has already asked for; what a slice lacks, the element lacks too.
    let is_asked_for = is_slice_missing || (items.is_empty() && known.is_some_and(|known| known.min > 0));
    if items.len() < rules.min as usize && !is_asked_for {
        let text = match rules.min {
            1 => format!("this element is required ({profile})"),
            count => format!("this element must stand here at least {} ({profile})", times(count)),
        };
        findings.error(Category::Required, &site.path, text);
    }
    // That it stands in no list, R4 has said.
    if let Some(max @ Max::Count(most)) = rules.max
        && !max.allows(items.len())
        && (is_list || most == 0)
    {
        let text = match most {
            0 => format!("this element may not stand here ({profile})"),
            _ => format!("this element may stand here at most {} ({profile})", times(most)),
        };
        findings.error(Category::Structure, &site.path, text);
    }
    for item in &items {
        check_item(item, rules, findings);
    }
}

/// One of the types must fit, and where it names profiles, one of these; a reference must point at what it may.
fn check_types<'a>(
    element: Element<'a>,
    types: &[TypeRef],
    site: &Site<'_>,
    validation: Validation<'a>,
    findings: &mut Findings,
) {
    if types.is_empty() || element.type_name().is_none() {
        return;
    }
    let profile = site.profile.name();
    // An element with children of its own (`Patient.contact`) is a BackboneElement to profiles.
    let is_own_type = element.type_name().is_some_and(|name| name.contains('.'));
    let Some(kind) = types.iter().find(|kind| is_own_type || is_a(element, &kind.code)) else {
        let names: Vec<&str> = types.iter().map(|kind| kind.code.as_str()).collect();
        let own = element.type_name().unwrap_or_default();
        let text = format!("this must be a {}, and is a {own} ({profile})", names.join(" or "));
        findings.error(Category::Structure, &site.path, text);
        return;
    };
    match kind.profiles.as_slice() {
        [] => {}
        [only] => check_profile(element, only, &site.path, validation, findings),
        several if several.iter().any(|url| conforms(element, url, validation)) => {}
        several => {
            let text = format!("this meets none of {} ({profile})", several.join(", "));
            findings.error(Category::Structure, &site.path, text);
        }
    }
    if kind.code == "Reference" && !kind.targets.is_empty() {
        references::check_targets(element, &kind.targets, site, validation, findings);
    }
}

fn check_value(element: Element<'_>, rules: &Rules, site: &Site<'_>, findings: &mut Findings) {
    let profile = site.profile.name();
    if let Some(fixed) = rules.fixed.as_ref().filter(|fixed| !element_is(element, fixed)) {
        findings.error(Category::Value, &site.path, format!("this must be exactly {} ({profile})", shown(fixed)));
    }
    if let Some(pattern) = rules.pattern.as_ref().filter(|pattern| !element_contains(element, pattern)) {
        findings.error(Category::Value, &site.path, format!("this must have at least {} ({profile})", shown(pattern)));
    }
    let text = element.primitive().and_then(Value::as_str);
    if let (Some(most), Some(text)) = (rules.max_length, text)
        && text.chars().count() > most
    {
        findings.error(Category::TooLong, &site.path, format!("this is longer than {most} characters ({profile})"));
    }
    for (limit, wrong, word) in
        [(&rules.least, Ordering::Less, "at least"), (&rules.greatest, Ordering::Greater, "at most")]
    {
        let Some(limit) = limit else { continue };
        match compare(element, limit) {
            Some(order) if order == wrong => {
                let text = format!("this must be {word} {} ({profile})", shown(limit));
                findings.error(Category::Value, &site.path, text);
            }
            Some(_) => {}
            None => {
                let text =
                    format!("this cannot be compared with {}, so that bound was not checked ({profile})", shown(limit));
                findings.warning(Category::Processing, &site.path, text);
            }
        }
    }
}

/// A quantity compares with a bound in whatever unit of its kind; a bound without a unit is one of the number alone.
fn compare(element: Element<'_>, limit: &Value) -> Option<Ordering> {
    let has_unit = |limit: &Map<String, Value>| limit.contains_key("code") || limit.contains_key("unit");
    match limit.as_object().filter(|limit| !has_unit(limit)) {
        Some(number) => element.children("value").first()?.compare_with(number.get("value")?),
        None => element.compare_with(limit),
    }
}
