//! How much of what colleagues said to somebody they have not opened, for the head of every page.

use super::Console;
use super::session::Person;
use crate::pipeline::{MOST_UNREAD, Unread};

/// How much is unread, as the head of a page says it: "3", "99+"; nothing where nothing is.
pub(super) fn badge(unread: Option<Unread>) -> String {
    match unread {
        None => "?".to_string(),
        Some(Unread { count: 0, .. }) => String::new(),
        Some(Unread { more: true, .. }) => format!("{MOST_UNREAD}+"),
        Some(Unread { count, .. }) => count.to_string(),
    }
}

/// None where the store does not say.
pub(super) async fn count(console: &Console, person: &Person) -> Option<Unread> {
    let counted = console.gateway.unread(&person.holder().id).await;
    counted.inspect_err(|error| tracing::warn!(%error, "the unread messages of a person cannot be counted")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unread_is_counted_in_few_signs() {
        let badge = |count, more| badge(Some(Unread { count, more }));
        assert_eq!((badge(0, false), badge(7, false), badge(99, false)), (String::new(), "7".into(), "99".into()));
        assert_eq!((badge(99, true), super::badge(None)), ("99+".into(), "?".into()), "what is not known is said");
    }
}
