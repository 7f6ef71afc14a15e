//! What people call the languages of their patients (BCP 47); a tag that is not here is shown as it is.

const LANGUAGES: [(&str, &str); 30] = [
    ("am", "Amharic"),
    ("ar", "Arabic"),
    ("bn", "Bengali"),
    ("de", "German"),
    ("en", "English"),
    ("es", "Spanish"),
    ("fa", "Persian"),
    ("fr", "French"),
    ("gu", "Gujarati"),
    ("hi", "Hindi"),
    ("hmn", "Hmong"),
    ("ht", "Haitian Creole"),
    ("hy", "Armenian"),
    ("it", "Italian"),
    ("ja", "Japanese"),
    ("km", "Khmer"),
    ("ko", "Korean"),
    ("ne", "Nepali"),
    ("pa", "Punjabi"),
    ("pl", "Polish"),
    ("pt", "Portuguese"),
    ("ru", "Russian"),
    ("so", "Somali"),
    ("sw", "Swahili"),
    ("ta", "Tamil"),
    ("tl", "Tagalog"),
    ("uk", "Ukrainian"),
    ("ur", "Urdu"),
    ("vi", "Vietnamese"),
    ("zh", "Chinese"),
];

/// Three letters where others have two.
const LONG: [(&str, &str); 8] = [
    ("ara", "ar"),
    ("eng", "en"),
    ("fre", "fr"),
    ("ger", "de"),
    ("por", "pt"),
    ("rus", "ru"),
    ("spa", "es"),
    ("vie", "vi"),
];

/// `Spanish`.
pub fn language_word(tag: &str) -> String {
    let main = main_tag(tag);
    let known = LANGUAGES.iter().find(|(known, _)| *known == main);
    known.map_or_else(|| tag.to_string(), |(_, word)| (*word).to_string())
}

/// `es` of `es-US`, and of `spa`, as some systems write it (ISO 639-2).
pub fn main_tag(tag: &str) -> String {
    let main = tag.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    let known = LONG.iter().find(|(long, _)| *long == main);
    known.map_or(main, |(_, short)| (*short).to_string())
}

/// Whether a language range takes in a tag (RFC 4647, 3.3.1): `de` does so with `de` and `de-AT`.
pub fn covers(range: &str, tag: &str) -> bool {
    let rest = tag.get(..range.len()).filter(|start| start.eq_ignore_ascii_case(range)).and(tag.get(range.len()..));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_a_word_however_its_tag_is_written() {
        for (tag, word) in
            [("es", "Spanish"), ("ES_mx", "Spanish"), ("spa", "Spanish"), ("en-US", "English"), ("nv", "nv")]
        {
            assert_eq!(language_word(tag), word, "{tag}");
        }
    }
}
