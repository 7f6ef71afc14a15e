//! The kinds of files that a site has, where they lie, and their schemas as they were made.

use rust_embed::RustEmbed;

/// One kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileKind {
    /// The word by which its schema is asked for.
    pub word: &'static str,
    /// Its folder in a site, or the file itself.
    pub place: &'static str,
}

const fn kind(word: &'static str, place: &'static str) -> FileKind {
    FileKind { word, place }
}

/// All kinds; those of mappings lie below `feeds/NAME/mappings/` as well.
pub const KINDS: [FileKind; 15] = [
    kind("site", "handover.yaml"),
    kind("people", "people.yaml"),
    kind("openid", "openid.yaml"),
    kind("feed", "feeds"),
    kind("partner", "partners"),
    kind("agreement", "agreements"),
    kind("panel", "panels"),
    kind("protocol", "protocols"),
    kind("calendar", "calendars"),
    kind("value-set", "profiles/valuesets"),
    kind("message-map", "mappings/messages"),
    kind("segment-map", "mappings/segments"),
    kind("datatype-map", "mappings/datatypes"),
    kind("table", "mappings/tables"),
    kind("reading", "mappings/readings"),
];

impl FileKind {
    /// The kind of a file by its path in a site.
    pub fn of(path: &str) -> Option<Self> {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let is_this =
            |kind: &&Self| path == kind.place || folder == kind.place || folder.ends_with(&format!("/{}", kind.place));
        KINDS.iter().find(is_this).copied()
    }

    /// The paths of such files, as editors match them.
    pub fn pattern(self) -> String {
        match (self.place.ends_with(".yaml"), self.place.starts_with("mappings/")) {
            (true, _) => self.place.to_string(),
            (_, true) => format!("**/{}/*.yaml", self.place),
            _ => format!("{}/*.yaml", self.place),
        }
    }
}

#[derive(RustEmbed)]
#[folder = "src/site/schema/made"]
struct Made;

/// The schema of a kind of file, as text.
pub fn schema(kind: FileKind) -> Option<String> {
    let file = Made::get(&format!("{}.json", kind.word))?;
    String::from_utf8(file.data.into_owned()).ok()
}
