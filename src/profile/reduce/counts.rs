//! How many definitions of each kind a reduced package holds.

/// How many definitions of each kind there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub types: usize,
    pub profiles: usize,
    pub extensions: usize,
    pub value_sets: usize,
    pub code_systems: usize,
    pub search_parameters: usize,
}

impl Counts {
    /// Counts the blocks in the texts of a package's files.
    pub fn of<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        let mut counts = Self::default();
        for block in texts.into_iter().flat_map(|text| text.split("\n\n")) {
            let kind = block.trim_start_matches('\n').split(' ').next().unwrap_or_default();
            match kind {
                "abstract" | "primitive" | "datatype" | "resource" => counts.types += 1,
                "profile" => counts.profiles += 1,
                "extension" => counts.extensions += 1,
                "valueset" => counts.value_sets += 1,
                "codesystem" => counts.code_systems += 1,
                "search" => counts.search_parameters += 1,
                _ => {}
            }
        }
        counts
    }

    /// Each kind's name in the singular, with how many there are, in the order in which people think of them.
    pub fn by_kind(&self) -> [(&'static str, usize); 6] {
        [
            ("type", self.types),
            ("profile", self.profiles),
            ("extension", self.extensions),
            ("value set", self.value_sets),
            ("code system", self.code_systems),
            ("search parameter", self.search_parameters),
        ]
    }

    /// All of them together.
    pub fn total(&self) -> usize {
        self.by_kind().iter().map(|(_, count)| count).sum()
    }
}
