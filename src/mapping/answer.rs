//! A table's file with one code answered: a row more, or one code more that says nothing here. Every other line stays as a person wrote
//! it; where that cannot be held, it is refused.

use crate::yaml::{Kind, Node, Source, parse};

/// What a sender's code means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A code of the table's own system, where none is named.
    Means { code: String, system: Option<String>, display: Option<String> },
    /// It is known to say nothing in FHIR here.
    Nothing,
}

/// The file's new text, and the line of it that was added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    pub text: String,
    pub line: String,
    /// Of `line`, from 1.
    pub number: usize,
}

/// Words of YAML 1.1 that are no text without quotes.
const NO_TEXT: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];

/// Adds the answer to a code to the file of a table, or begins one.
///
/// # Errors
/// Why the file cannot be added to, as a sentence.
pub fn answered(text: Option<&str>, table: &str, code: &str, answer: &Answer) -> Result<Answered, String> {
    let begun = format!("table: {}\n", scalar(table));
    let (key, line) = match answer {
        Answer::Means { code: to, system, display } => {
            ("codes", format!("{}: {}", scalar(code), target(to, system.as_deref(), display.as_deref())))
        }
        Answer::Nothing => ("none", format!("- {}", scalar(code))),
    };
    let old = text.filter(|text| !text.trim().is_empty()).unwrap_or(&begun);
    let before = read(old)?;
    if before.get("codes").is_some_and(|codes| codes.get(code).is_some()) {
        return Err("its file has a row for this code already, which would stand there twice".to_string());
    }
    let is_none = |item: &Node| item.as_text().as_deref() == Some(code);
    if before.get("none").and_then(Node::as_list).is_some_and(|all| all.iter().any(is_none)) {
        return Err(
            "its file says already, under `none`, that the code means nothing; take that away first".to_string()
        );
    }
    let by_hand = || format!("its `{key}` are not written one a line; add this by hand: {line}");
    let added = added(old, &before, key, &line)?;
    let after = read(&added.text).map_err(|_| by_hand())?;
    if is_one_more(&before, &after, key, code) { Ok(added) } else { Err(by_hand()) }
}

fn read(text: &str) -> Result<Node, String> {
    parse(&Source::new("table", text)).map_err(|problem| format!("the table's file cannot be read: {}", problem.text))
}

fn added(text: &str, tree: &Node, key: &str, line: &str) -> Result<Answered, String> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let entries = tree.as_map().unwrap_or_default();
    let place = entries.iter().find(|(name, _)| name.as_text().as_deref() == Some(key));
    let (after, new) = match place {
        None => (lines.len(), vec![format!("{key}:"), format!("  {line}")]),
        Some((name, value)) => {
            let last = match &value.kind {
                Kind::Map(rows) => rows.last().map(|(row, _)| row.mark.line),
                Kind::List(items) => items.last().map(|item| item.mark.line),
                _ => None,
            };
            let at = usize::try_from(last.unwrap_or(name.mark.line)).unwrap_or(usize::MAX);
            let of_last = lines.get(at.saturating_sub(1)).copied().unwrap_or_default();
            let indent = if last.is_some() { indent_of(of_last) } else { 2 };
            // A row may go on below its first line.
            let below = lines.iter().skip(at).take_while(|line| !line.trim().is_empty() && indent_of(line) > indent);
            (at + below.count(), vec![format!("{}{line}", " ".repeat(indent))])
        }
    };
    let mut whole = String::new();
    // Nothing lost: the rest of the lines follows below, and what comes out is compared with what was there.
    for line in lines.iter().take(after) {
        whole.push_str(line);
    }
    if !whole.is_empty() && !whole.ends_with('\n') {
        whole.push_str(end);
    }
    for line in &new {
        whole.push_str(line);
        whole.push_str(end);
    }
    lines.iter().skip(after).for_each(|line| whole.push_str(line));
    let number = after + new.len();
    Ok(Answered { text: whole, line: new.last().cloned().unwrap_or_default(), number })
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// Whether all is as before but for one entry more under the key.
fn is_one_more(before: &Node, after: &Node, key: &str, code: &str) -> bool {
    let (old, new) = (before.as_map().unwrap_or_default(), after.as_map().unwrap_or_default());
    let of = |entries: &[(Node, Node)]| -> Option<Kind> {
        entries.iter().find(|(name, _)| name.as_text().as_deref() == Some(key)).map(|(_, value)| value.kind.clone())
    };
    let others = |entries: &[(Node, Node)]| -> Vec<(Option<String>, String)> {
        let rest = entries.iter().filter(|(name, _)| name.as_text().as_deref() != Some(key));
        rest.map(|(name, value)| (name.as_text(), plain(value))).collect()
    };
    let grown = match (of(old), of(new)) {
        (None | Some(Kind::Null), Some(Kind::Map(rows))) => rows.len() == 1,
        (None | Some(Kind::Null), Some(Kind::List(items))) => items.len() == 1,
        (Some(Kind::Map(old)), Some(Kind::Map(rows))) => {
            let is_same = old.iter().zip(&rows).all(|(old, new)| plain(&old.1) == plain(&new.1));
            rows.len() == old.len() + 1 && is_same
        }
        (Some(Kind::List(old)), Some(Kind::List(items))) => {
            items.len() == old.len() + 1 && old.iter().zip(&items).all(|(old, new)| plain(old) == plain(new))
        }
        _ => false,
    };
    let last = match of(new) {
        Some(Kind::Map(rows)) => rows.last().and_then(|(row, _)| row.as_text()),
        Some(Kind::List(items)) => items.last().and_then(Node::as_text),
        _ => None,
    };
    grown && last.as_deref() == Some(code) && others(old) == others(new)
}

/// A value without where it stands.
fn plain(node: &Node) -> String {
    match &node.kind {
        Kind::List(items) => format!("[{}]", items.iter().map(plain).collect::<Vec<_>>().join(", ")),
        Kind::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| format!("{}: {}", plain(key), plain(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        kind => format!("{kind:?}"),
    }
}

fn target(code: &str, system: Option<&str>, display: Option<&str>) -> String {
    let parts = [("code", Some(code)), ("display", display), ("system", system)];
    let parts: Vec<String> =
        parts.into_iter().filter_map(|(key, text)| Some(format!("{key}: {}", scalar(text?)))).collect();
    if parts.len() == 1 { scalar(code) } else { format!("{{ {} }}", parts.join(", ")) }
}

/// A text as YAML reads it back as the same text, in quotes where it would be something else.
fn scalar(text: &str) -> String {
    let is_plain = |sign: char| sign.is_alphanumeric() || matches!(sign, ' ' | '-' | '_' | '/' | '(' | ')');
    let starts = text.chars().next().is_some_and(char::is_alphabetic);
    if starts && text.chars().all(is_plain) && !text.ends_with(' ') && !NO_TEXT.contains(&&*text.to_lowercase()) {
        return text.to_string();
    }
    if text.chars().any(char::is_control) {
        return serde_json::Value::from(text).to_string();
    }
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::{Layers, compile};

    fn means(code: &str, display: Option<&str>) -> Answer {
        Answer::Means { code: code.into(), system: None, display: display.map(str::to_string) }
    }

    #[test]
    fn a_row_is_added_behind_the_last_one_and_all_else_stays_as_it_was_written() {
        let text = "# Ours.\ntable: patient-class\r\ncodes:\r\n    TELE: { code: VR }   # by video\r\n    HOME:\r\n      code: HH\r\n\r\n# Nothing.\r\nnone: [X]\r\n";
        let answer = Answer::Means { code: "0".into(), system: Some("urn:s".into()), display: Some("A: 'b'".into()) };
        let added = answered(Some(text), "patient-class", "N", &answer).unwrap();
        let line = "    'N': { code: '0', display: 'A: ''b''', system: 'urn:s' }";
        assert_eq!((added.line.as_str(), added.number), (line, 7));
        let expected = text.replace("      code: HH\r\n", &format!("      code: HH\r\n{line}\r\n"));
        assert_eq!(added.text, expected);
    }

    #[test]
    fn a_file_is_begun_where_there_is_none_and_a_section_where_it_lacks() {
        let begun = answered(None, "units", "01", &means("mg", None)).unwrap();
        assert_eq!((begun.text.as_str(), begun.number), ("table: units\ncodes:\n  '01': mg\n", 3));
        let more = answered(Some("table: t\ncodes:\n  A: b"), "t", "Q R", &Answer::Nothing).unwrap();
        assert_eq!(more.text, "table: t\ncodes:\n  A: b\nnone:\n  - Q R\n");
        let again = answered(Some(&more.text), "t", "yes", &Answer::Nothing).unwrap();
        assert_eq!(again.text, "table: t\ncodes:\n  A: b\nnone:\n  - Q R\n  - 'yes'\n");
        let empty = answered(Some("table: t\ncodes:\n"), "t", "A", &means("b", None)).unwrap();
        assert_eq!(empty.text, "table: t\ncodes:\n  A: b\n");
    }

    #[test]
    fn what_is_not_written_one_a_line_is_left_to_a_person_and_what_is_there_is_not_answered_twice() {
        for (text, key) in [("table: t\ncodes: { A: b }\n", "codes"), ("table: t\ncodes: {\n  A: b }\n", "codes")] {
            let told = answered(Some(text), "t", "C", &means("d", None)).unwrap_err();
            assert!(told.contains(key) || told.contains("cannot be read"), "{told}");
        }
        assert!(answered(Some("table: t\nnone: [A]\n"), "t", "C", &Answer::Nothing).unwrap_err().contains("by hand"));
        assert!(
            answered(Some("table: t\ncodes:\n  A: b\n"), "t", "A", &means("d", None)).unwrap_err().contains("twice")
        );
        assert!(answered(Some("table: t\ncodes: [\n"), "t", "A", &means("d", None)).is_err());
    }

    #[test]
    fn whatever_a_sender_calls_a_code_the_table_finds_it_by_that() {
        let codes = [
            "N", "0x1F", "~", "a: b", "- x", "#1", "é ", "'", "\"", "{x}", "1.0", "NO", "tab\tx", "*", "null", "@a",
            "a #b",
        ];
        let mut text = None;
        for code in codes {
            let answer = means("VR", Some("virtual"));
            text = Some(answered(text.as_deref(), "patient-class", code, &answer).unwrap().text);
        }
        let file = Source::new("mappings/tables/patient-class.yaml", text.unwrap());
        let (set, problems) = compile(&Layers::built_in().with_site(vec![file]));
        assert!(problems.iter().all(|problem| !problem.is_error()), "{problems:?}");
        let table = set.tables().iter().find(|table| table.name == "patient-class").unwrap();
        for code in codes {
            assert_eq!(table.find(code).map(|row| row.code.as_str()), Some("VR"), "{code}");
        }
    }
}
