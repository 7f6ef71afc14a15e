//! Slicing (http://hl7.org/fhir/R4/profiling.html#slicing): tells the items of a list, or the types of a choice, apart,
//! and checks each slice for itself.

use super::discriminator::marks;
use super::mark::Mark;
use super::place::Findings;
use super::rules::{Rules, Slice};
use super::site::Site;
use super::validation::Validation;
use crate::fhir::definition::{Discriminator, DiscriminatorKind, Max, Rest, Slicing};
use crate::fhir::path::Element;
use crate::problem::Category;

/// An item of the list that is sliced.
pub(super) struct Sliced<'a> {
    pub element: Element<'a>,
    /// Its position; none for what is no list.
    pub index: Option<usize>,
}

/// Checks an item of a slice against the slice's rules.
type CheckItem<'s, 'a> = &'s dyn Fn(&Sliced<'a>, &Rules, &mut Findings);

/// Checks the slices of an element that stands at `site`. True when one lacks items that it must have.
pub(super) fn check<'a>(
    items: &[&Sliced<'a>],
    rules: &Rules,
    site: &Site<'_>,
    validation: Validation<'a>,
    check_item: CheckItem<'_, 'a>,
    findings: &mut Findings,
) -> bool {
    if rules.slices.is_empty() {
        return false;
    }
    let implied = if rules.slicing.is_none() { implied(site) } else { None };
    let Some(slicing) = rules.slicing.as_ref().or(implied.as_ref()) else {
        let text =
            format!("{} slices this element without saying how, so its slices were not checked", site.profile.name());
        findings.unknown(&site.path, &site.profile.url, text);
        return false;
    };
    let mut found: Vec<Vec<&Sliced<'a>>> = rules.slices.iter().map(|_| Vec::new()).collect();
    let mut unsure = vec![0; rules.slices.len()];
    let mut last = 0;
    let mut rest_seen = false;
    for item in items {
        match belongs(item, rules, slicing, site, validation) {
            Belongs::To(position) => {
                if rest_seen && slicing.rest == Rest::AtEnd {
                    let text = format!("what is in no slice stands after all slices ({})", site.profile.name());
                    findings.error(Category::Structure, &site.path.at(item.index), text);
                }
                if slicing.is_ordered && position < last {
                    let names: Vec<&str> = rules.slices.iter().map(|slice| slice.name.as_str()).collect();
                    let text =
                        format!("the slices stand in this order: {} ({})", names.join(", "), site.profile.name());
                    findings.error(Category::Structure, &site.path.at(item.index), text);
                }
                last = last.max(position);
                if let Some(own) = found.get_mut(position) {
                    own.push(item);
                }
            }
            Belongs::PerhapsTo(position) => {
                if let (Some(slice), Some(count)) = (rules.slices.get(position), unsure.get_mut(position)) {
                    *count += 1;
                    say_unsure(slice, site, findings);
                }
            }
            Belongs::Nowhere => {
                rest_seen = true;
                if slicing.rest == Rest::Nowhere {
                    let names: Vec<&str> = rules.slices.iter().map(|slice| slice.name.as_str()).collect();
                    let text =
                        format!("nothing but these may stand here: {} ({})", names.join(", "), site.profile.name());
                    findings.error(Category::Structure, &site.path.at(item.index), text);
                }
            }
        }
    }
    let mut is_missing = false;
    for ((slice, found), unsure) in rules.slices.iter().zip(&found).zip(unsure) {
        is_missing |= check_slice(slice, (found, unsure), slicing, site, validation, check_item, findings);
    }
    is_missing
}

fn say_unsure(slice: &Slice, site: &Site<'_>, findings: &mut Findings) {
    let (profile, name) = (site.profile.name(), &slice.name);
    let text =
        format!("it cannot be told here what belongs to the slice `{name}`, so that was not checked ({profile})");
    findings.unknown(&site.path, &format!("{}#{name}", site.profile.url), text);
}

/// Checks the items of a slice; `unsure` is how many more may belong to it.
fn check_slice<'a>(
    slice: &Slice,
    (found, unsure): (&[&Sliced<'a>], usize),
    slicing: &Slicing,
    site: &Site<'_>,
    validation: Validation<'a>,
    check_item: CheckItem<'_, 'a>,
    findings: &mut Findings,
) -> bool {
    let profile = site.profile.name();
    let is_missing = found.len() + unsure < slice.rules.min as usize;
    if is_missing {
        let known_by: Vec<String> = slice_marks(slice, slicing, site, validation)
            .iter()
            .zip(&slicing.discriminators)
            .filter_map(|(mark, discriminator)| mark.in_words(&discriminator.path))
            .collect();
        let known_by = if known_by.is_empty() { String::new() } else { format!(", {},", known_by.join(" and ")) };
        let text =
            format!("`{}`{known_by} must stand here at least {} ({profile})", slice.name, times(slice.rules.min));
        findings.error_once(&format!("slice {}", slice.name), Category::Required, &site.path, text);
    }
    if let Some(max @ Max::Count(most)) = slice.rules.max
        && !max.allows(found.len())
    {
        let text = match most {
            0 => format!("`{}` may not stand here ({profile})", slice.name),
            _ => format!("`{}` may stand here at most {} ({profile})", slice.name, times(most)),
        };
        findings.error(Category::Structure, &site.path, text);
    }
    for item in found {
        check_item(item, &slice.rules, findings);
    }
    check(found, &slice.rules, site, validation, check_item, findings) || is_missing
}

/// `once`, `3 times`.
pub(super) fn times(count: u32) -> String {
    if count == 1 { "once".to_string() } else { format!("{count} times") }
}

/// Extensions are told apart by their URL and choices by their type, whether or not a profile says so.
fn implied(site: &Site<'_>) -> Option<Slicing> {
    let (kind, path) = match site.name {
        "extension" | "modifierExtension" => (DiscriminatorKind::Value, "url"),
        _ if site.is_choice => (DiscriminatorKind::Type, "$this"),
        _ => return None,
    };
    let discriminators = vec![Discriminator { kind, path: path.to_string() }];
    Some(Slicing { discriminators, is_ordered: false, rest: Rest::Anywhere })
}

fn slice_marks<'s>(slice: &'s Slice, slicing: &Slicing, site: &Site<'_>, validation: Validation<'_>) -> &'s [Mark] {
    slice.marks.get_or_init(|| marks(slice, slicing, site.name, validation.profiles))
}

/// Where an item belongs.
enum Belongs {
    To(usize),
    PerhapsTo(usize),
    Nowhere,
}

fn belongs<'a>(
    item: &Sliced<'a>,
    rules: &Rules,
    slicing: &Slicing,
    site: &Site<'_>,
    validation: Validation<'a>,
) -> Belongs {
    let mut perhaps = None;
    for (position, slice) in rules.slices.iter().enumerate() {
        match is_in(item, slice, slicing, site, validation) {
            Some(true) => return Belongs::To(position),
            None => perhaps = perhaps.or(Some(position)),
            Some(false) => {}
        }
    }
    perhaps.map_or(Belongs::Nowhere, Belongs::PerhapsTo)
}

/// Whether an item is in a slice; none where that cannot be told. A discriminator at which the slice demands nothing tells
/// nothing, and the others decide.
fn is_in<'a>(
    item: &Sliced<'a>,
    slice: &Slice,
    slicing: &Slicing,
    site: &Site<'_>,
    validation: Validation<'a>,
) -> Option<bool> {
    let marks = slice_marks(slice, slicing, site, validation);
    let mut telling = marks.iter().filter(|mark| !mark.is_blind()).peekable();
    telling.peek()?;
    let mut is_sure = true;
    for mark in telling {
        match mark.is_on(item.element, validation) {
            Some(true) => {}
            Some(false) => return Some(false),
            None => is_sure = false,
        }
    }
    is_sure.then_some(true)
}
