//! How a feed's senders write, where their messages do not say it or say it wrongly: the zone of each facility's clock
//! (`zones`), and the character set (`charset`).

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use super::scalar;
use crate::hl7::Charset;
use crate::problem::{Category, Problem};
use crate::yaml::{Fields, Node};

/// The habits of a feed's senders.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Writing {
    /// The zones of sending facilities (MSH-4.1) whose clocks are not the feed's.
    pub zones: BTreeMap<String, TimeZone>,
    /// The character set where MSH-18 is silent.
    pub charset: Option<Charset>,
    /// Whether `charset` holds whatever MSH-18 says.
    pub is_charset_fixed: bool,
}

/// Reads the keys; `facilities` are those that the feed takes, all where it names none.
pub fn read(fields: &mut Fields<'_>, facilities: &[String]) -> Writing {
    let zones = zones(fields, facilities);
    let (charset, is_charset_fixed) = match fields.optional("charset") {
        None => (None, false),
        Some(node) => match node.get("always") {
            Some(always) => (scalar::keep(fields, charset(always)), true),
            None => (scalar::keep(fields, charset(node)), false),
        },
    };
    Writing { zones, charset, is_charset_fixed: is_charset_fixed && charset.is_some() }
}

fn zones(fields: &mut Fields<'_>, facilities: &[String]) -> BTreeMap<String, TimeZone> {
    let mut zones = BTreeMap::new();
    let Some(node) = fields.optional("zones") else { return zones };
    if node.as_map().is_none() {
        fields.report(node.problem("`zones` is written as `FACILITY: zone` lines, with MSH-4's first component"));
    }
    for (key, value) in node.as_map().unwrap_or_default() {
        let facility = key.as_text().unwrap_or_default();
        if !facilities.is_empty() && !facilities.contains(&facility) {
            let text = format!("`{facility}` is none of this feed's `facilities`, so nothing of it ever comes");
            fields.report(key.mark.problem(Category::NotFound, text));
        }
        if let Some(zone) = scalar::keep(fields, scalar::zone(value)) {
            zones.insert(facility, zone);
        }
    }
    zones
}

fn charset(node: &Node) -> Result<Charset, Problem> {
    if node.as_map().is_some() {
        return Err(node.problem(
            "write `charset: windows-1250` for messages whose MSH-18 is silent, or `charset: { always: windows-1250 }` for all",
        ));
    }
    let name = scalar::text(node)?;
    Charset::named(&name).ok_or_else(|| {
        let text = format!(
            "`{name}` is no character set that is known here; write one such as UTF-8, ISO-8859-2, windows-1250 or cp850"
        );
        node.mark.problem(Category::CodeInvalid, text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Source, parse};

    fn writing(text: &str) -> (Writing, Vec<String>) {
        let node = parse(&Source::new("feeds/x.yaml", text)).unwrap();
        let (mut fields, mut problems) = (Fields::of(&node, "a feed"), Vec::new());
        let found = read(&mut fields, &["EAST".to_string(), "WEST".to_string()]);
        fields.finish(&mut problems);
        (found, problems.into_iter().map(|problem| problem.text).collect())
    }

    #[test]
    fn a_facility_may_have_a_clock_of_its_own_and_a_feed_its_characters() {
        let (found, problems) = writing("zones: { WEST: America/Denver }\ncharset: { always: cp852 }");
        assert_eq!(problems, [""; 0]);
        assert_eq!(found.zones["WEST"].iana_name(), Some("America/Denver"));
        assert_eq!((found.charset.unwrap().name(), found.is_charset_fixed), ("CP852", true));
        assert!(!writing("charset: latin1").0.is_charset_fixed);
    }

    #[test]
    fn faults_say_what_would_be_right() {
        for (text, said) in [
            ("zones: { NORTH: America/Denver }", "none of this feed's `facilities`"),
            ("zones: { WEST: America/Denvre }", "did you mean `America/Denver`"),
            ("zones: America/Denver", "FACILITY: zone"),
            ("charset: klingon", "windows-1250"),
            ("charset: { never: cp850 }", "always"),
        ] {
            let (_, problems) = writing(text);
            assert!(problems.len() == 1 && problems[0].contains(said), "{text}: {problems:?}");
        }
    }
}
