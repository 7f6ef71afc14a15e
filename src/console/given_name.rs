//! A name that somebody gives, or that the organisation's login has of them, as it is kept.

/// In characters.
const LONGEST_NAME: usize = 60;

/// White space and control characters count as one space. None for what is no name.
pub(super) fn name_of(given: &str) -> Option<String> {
    let words = given.split(|sign: char| sign.is_whitespace() || sign.is_control()).filter(|word| !word.is_empty());
    let name = words.collect::<Vec<_>>().join(" ");
    let fits = name.chars().any(char::is_alphabetic) && (2..=LONGEST_NAME).contains(&name.chars().count());
    fits.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_words_of_a_person() {
        assert_eq!(name_of("  Ida \u{7} Roe\n").as_deref(), Some("Ida Roe"));
        assert_eq!(name_of("Ana-Lucía Weiß").as_deref(), Some("Ana-Lucía Weiß"));
        let long = "x".repeat(61);
        for none in ["", " ", "7", "--", "I", &long] {
            assert_eq!(name_of(none), None, "{none}");
        }
    }
}
