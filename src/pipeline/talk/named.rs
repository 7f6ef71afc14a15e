//! Whom a note names by `@login`, who of the site may be told about a patient, and who may be meant by a name that nobody has.

use crate::record::Membership;
use crate::site::{Panels, Site, StaffMember};

/// People named in one note; more are a circular, and are told that they were not told.
pub const MOST_NAMED: usize = 10;
/// Shown for a name that cannot be told.
const NEAREST: usize = 3;

/// In characters: what is longer is nobody's login.
const LONGEST_NAME: usize = 64;

/// The names in a text, each once, in their order: `@` where no word or address goes on, and what could be a login after it.
pub fn named(text: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut before = ' ';
    for (at, sign) in text.char_indices() {
        let begins = sign == '@' && !before.is_alphanumeric() && !"._-@".contains(before);
        before = sign;
        if begins {
            let rest = text.get(at + 1..).unwrap_or_default();
            let end = rest.find(|sign: char| !sign.is_alphanumeric() && !"._-".contains(sign)).unwrap_or(rest.len());
            let word = rest.get(..end).unwrap_or_default().trim_end_matches(['.', '-', '_']);
            let name = word.to_lowercase();
            // Nothing lost: what is no name stands in the note.
            let is_name = name.starts_with(char::is_alphabetic) && name.chars().count() <= LONGEST_NAME;
            // Nothing lost: `@ home` and `@3pm` name nobody, and stand in the note.
            if is_name && !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}

/// Why somebody cannot be told about a patient on these panels; none where they can. `for_few` is what is restricted.
pub(super) fn hindrance(member: &StaffMember, memberships: &[Membership], for_few: bool) -> Option<&'static str> {
    let is_theirs =
        member.panels == Panels::All || memberships.iter().any(|membership| member.panels.holds(&membership.panel));
    if member.disabled {
        Some("works here no more")
    } else if !member.roles.iter().any(|role| role.sees_patients()) || !is_theirs {
        Some("may not see this patient")
    } else if for_few && !member.sensitive {
        Some("is not shown what is restricted, as this is")
    } else {
        None
    }
}

/// Those who can be told and whose login or a part of whose name is most like a word: "@nbrooks (Nia Brooks RN)".
pub(super) fn nearest(wrong: &str, site: &Site, memberships: &[Membership], for_few: bool) -> String {
    let can = site.people.values().filter(|member| hindrance(member, memberships, for_few).is_none());
    let far = |member: &StaffMember| {
        let name = member.name.to_lowercase();
        let words = name.split_whitespace().chain([member.login.as_str()]);
        words.map(|word| strsim::damerau_levenshtein(word, wrong)).min().unwrap_or(usize::MAX)
    };
    let mut all: Vec<(usize, &StaffMember)> = can.map(|member| (far(member), member)).collect();
    all.sort_by_key(|(far, member)| (*far, &member.login));
    // Nothing lost: these are proposals.
    let first = all.iter().take(NEAREST).map(|(_, member)| format!("@{} ({})", member.login, member.name));
    first.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_longer_than_a_login_is_no_name_and_hundreds_are_found_once_each() {
        let long = format!("@{} @{}", "a".repeat(65), "b".repeat(64));
        assert_eq!(named(&long), ["b".repeat(64)]);
        let many: String = (0..900).map(|number| format!("@n{} ", number % 300)).collect();
        assert_eq!(named(&many).len(), 300);
    }

    #[test]
    fn a_name_is_what_follows_the_sign_where_a_word_begins() {
        for (text, names) in [
            ("@tlee can you?", vec!["tlee"]),
            ("(@TLee), ask @p.ortiz. Thanks @tlee", vec!["tlee", "p.ortiz"]),
            ("write to ida@clinic.example or a.@b", vec![]),
            ("@ home @3pm @", vec![]),
            ("línea\n@josé-luis: sí", vec!["josé-luis"]),
            ("@@tlee", vec![]),
            ("call/@tlee/@mkim", vec!["tlee", "mkim"]),
        ] {
            assert_eq!(named(text), names, "{text}");
        }
    }
}
