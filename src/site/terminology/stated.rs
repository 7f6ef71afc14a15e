//! What `code-system.txt` says of an added code system: whose it is, which release, and how its files have to look.

use crate::fhir::terminology::Head;

/// The file's name in the code system's folder.
pub const STATED: &str = "code-system.txt";

/// One of its files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Part {
    pub lines: usize,
    pub bytes: u64,
    pub sha256: String,
}

/// The whole file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stated {
    pub head: Head,
    /// Who may use it, in a line.
    pub licence: String,
    /// The name of the file that it was made from.
    pub source: String,
    pub concepts: Part,
    pub children: Part,
}

impl Stated {
    pub fn written(&self) -> String {
        let Self { head, licence, source, concepts, children } = self;
        let mut text = format!("url {}\n", head.url);
        let mut line = |name: &str, value: &str| {
            if !value.is_empty() {
                text.push_str(&format!("{name} {value}\n"));
            }
        };
        line("version", head.version.as_deref().unwrap_or_default());
        line("name", head.name.as_deref().unwrap_or_default());
        line("properties", &head.properties.join(" "));
        line("licence", licence);
        line("copyright", head.copyright.as_deref().unwrap_or_default());
        line("source", source);
        for (name, part) in [("concepts", concepts), ("children", children)] {
            line(name, &format!("{} {} {}", part.lines, part.bytes, part.sha256));
        }
        text
    }

    /// None for a text that lacks what it must say.
    pub fn read(text: &str) -> Option<Self> {
        let find = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let owned = |name: &str| find(name).map(str::to_string);
        let part = |name: &str| {
            let mut words = find(name)?.split(' ');
            let (lines, bytes) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
            Some(Part { lines, bytes, sha256: words.next()?.to_string() })
        };
        let head = Head {
            url: owned("url")?,
            version: owned("version"),
            name: owned("name"),
            content: "complete".to_string(),
            ignores_case: false,
            properties: find("properties").unwrap_or_default().split_whitespace().map(str::to_string).collect(),
            copyright: owned("copyright"),
        };
        let (licence, source) = (owned("licence").unwrap_or_default(), owned("source").unwrap_or_default());
        Some(Self { head, licence, source, concepts: part("concepts")?, children: part("children")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stated_is_read_again() {
        let part = Part { lines: 3, bytes: 90, sha256: "ab".to_string() };
        let head = Head {
            url: "http://loinc.org".to_string(),
            version: Some("2.78".to_string()),
            content: "complete".to_string(),
            properties: vec!["CLASS".to_string(), "STATUS".to_string()],
            ..Head::default()
        };
        let stated = Stated {
            head,
            licence: "free, with terms".to_string(),
            source: "Loinc.zip".to_string(),
            concepts: part.clone(),
            children: part,
        };
        assert_eq!(Stated::read(&stated.written()), Some(stated.clone()));
        assert_eq!(Stated::read("url http://loinc.org\n"), None);
    }
}
