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

/// `Spanish`.
pub(crate) fn language_word(tag: &str) -> String {
    let main = main_tag(tag);
    let known = LANGUAGES.iter().find(|(known, _)| *known == main);
    known.map_or_else(|| tag.to_string(), |(_, word)| (*word).to_string())
}

/// `es` of `es-US`.
pub(crate) fn main_tag(tag: &str) -> String {
    tag.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase()
}
