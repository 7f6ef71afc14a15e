//! The name that stands under what a person writes for others to read: theirs, not the door by which they came.

use crate::site::Site;

/// Of `person:nbrooks` the person's name in the site, of `console:Ida Roe` the name that was given; all else as it is.
pub fn signed<'w>(site: &'w Site, who: &'w str) -> &'w str {
    match who.strip_prefix("person:") {
        Some(login) => site.people.get(login).map_or(login, |member| member.name.as_str()),
        None => who.strip_prefix("console:").unwrap_or(who),
    }
}
