//! What somebody typed to find a person: parts of a name in any order, a birth date in the forms people write, a number, a phone. What can
//! be read in two ways is looked for in both, and what was understood is said.

use jiff::civil::Date;

use crate::store::{FindWord, PeopleQuery, asked_name};

/// Characters and words of a question; nobody's name is longer.
pub(super) const LONGEST: usize = 200;
const MOST_WORDS: usize = 12;
/// Nobody is older.
const OLDEST: i16 = 115;

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// A question, read.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Question {
    pub query: PeopleQuery,
    /// `born Sep 1, 1969`, `phone 555-014-1025`.
    pub understood: Vec<String>,
    /// Words that may be a number as a whole.
    pub numbers: Vec<String>,
    /// The words of a name, for a second look where nobody fits.
    pub names: Vec<String>,
}

/// Reads a question on a day.
pub(super) fn read(text: &str, today: Date) -> Question {
    let text = text.replace(',', " ");
    let words: Vec<&str> = text.split_whitespace().take(MOST_WORDS).collect();
    let mut question = Question::default();
    let mut rest = words.as_slice();
    while let Some((first, after)) = rest.split_first() {
        if let Some((dates, taken)) = date(rest, today) {
            question.take_dates(&dates, rest.get(..taken).unwrap_or_default());
            rest = rest.get(taken..).unwrap_or_default();
        } else if let Some((phone, taken)) = phone(rest) {
            question.query.parts.push(vec![FindWord::phone(&phone), FindWord::number(&phone, false)]);
            question.numbers.push(phone.clone());
            question.understood.push(format!("phone or number {phone}"));
            rest = rest.get(taken..).unwrap_or_default();
        } else {
            question.take_word(first);
            rest = after;
        }
    }
    question
}

impl Question {
    fn take_dates(&mut self, dates: &[Date], words: &[&str]) {
        let mut part: Vec<FindWord> = dates.iter().map(|date| FindWord::birth(&date.to_string())).collect();
        if let [word] = words {
            // Eight digits may be a number as well.
            part.push(FindWord::number(word, true));
            self.numbers.push((*word).to_string());
        }
        self.query.parts.push(part);
        let told: Vec<String> = dates.iter().map(|date| date.strftime("%b %-d, %Y").to_string()).collect();
        self.understood.push(format!("born {}", told.join(" or ")));
    }

    fn take_word(&mut self, word: &str) {
        let digits = word.chars().filter(char::is_ascii_digit).count();
        if digits == 0 {
            let parts = asked_name(word);
            self.names.extend((!parts.is_empty()).then(|| word.to_string()));
            self.query.parts.extend(parts);
            return;
        }
        let mut part = vec![FindWord::number(word, false)];
        let is_plain = word.chars().all(|letter| letter.is_ascii_digit() || letter == '-');
        if is_plain && is_year_or_month(word) {
            part.push(FindWord::birth(word));
        }
        self.numbers.push(word.to_string());
        self.query.parts.push(part);
    }
}

/// `1969` or `1969-09`.
fn is_year_or_month(word: &str) -> bool {
    let (year, month) = word.split_once('-').map_or((word, None), |(year, month)| (year, Some(month)));
    let is_year = year.len() == 4 && year.parse().is_ok_and(|year: u16| (1850..=2200).contains(&year));
    is_year
        && month.is_none_or(|month| month.len() == 2 && month.parse().is_ok_and(|month: u8| (1..=12).contains(&month)))
}

/// A phone number at the beginning of these words, and how many of them it takes: seven digits or more with the usual signs.
fn phone(words: &[&str]) -> Option<(String, usize)> {
    let is_phone = |word: &&&str| word.chars().all(|letter| letter.is_ascii_digit() || "()+-./".contains(letter));
    let taken: Vec<&str> = words.iter().take_while(is_phone).copied().collect();
    let digits = taken.concat().chars().filter(char::is_ascii_digit).count();
    (7..=15).contains(&digits).then(|| (taken.join(" "), taken.len()))
}

/// A whole date at the beginning of these words, every day that it can be, and how many words it takes.
fn date(words: &[&str], today: Date) -> Option<(Vec<Date>, usize)> {
    let of = |parts: &[&str], count: usize| Some((days(parts, today), count)).filter(|(days, _)| !days.is_empty());
    if let [first, second, third, ..] = words
        && (month(first).is_some() || month(second).is_some())
        && let Some(found) = of(&[first, second, third], 3)
    {
        return Some(found);
    }
    let word = words.first()?;
    if word.len() == 8 && word.bytes().all(|byte| byte.is_ascii_digit()) {
        let (year, rest) = word.split_at_checked(4)?;
        let (month, day) = rest.split_at_checked(2)?;
        return of(&[year, month, day], 1);
    }
    let sign = word.chars().find(|letter| "-/.".contains(*letter))?;
    let parts: Vec<&str> = word.split(sign).collect();
    if sign == '.' {
        // With points the day comes first, everywhere where points are written.
        let [day, month, year] = parts.as_slice() else { return None };
        return Some((dates(year, number(month)?, number(day)?, today), 1)).filter(|(days, _)| !days.is_empty());
    }
    of(&parts, 1)
}

/// All days that three words can mean.
fn days(parts: &[&str], today: Date) -> Vec<Date> {
    let [one, two, three] = parts else { return Vec::new() };
    let day = |text: &str| number(text.trim_end_matches(|letter: char| letter.is_alphabetic()));
    if let (Some(month), Some(day)) = (month(one), day(two)) {
        return dates(three, month, day, today);
    }
    if let (Some(month), Some(day)) = (month(two), day(one)) {
        return dates(three, month, day, today);
    }
    let (Some(first), Some(second)) = (number(one).or_else(|| number(one.get(2..)?)), number(two)) else {
        return Vec::new();
    };
    if one.len() == 4 {
        return number(three).map(|day| dates(one, second, day, today)).unwrap_or_default();
    }
    // Month first as written here, day first as written elsewhere: where both are dates, both are looked for.
    let mut found = dates(three, first, second, today);
    for date in dates(three, second, first, today) {
        if !found.contains(&date) {
            found.push(date);
        }
    }
    found
}

/// The dates of a day with a year of four digits or two; nobody is born tomorrow.
fn dates(year: &str, month: i8, day: i8, today: Date) -> Vec<Date> {
    let Ok(number) = year.parse::<i16>() else { return Vec::new() };
    let years = match year.len() {
        4 => vec![number],
        2 => vec![2000 + number, 1900 + number],
        _ => Vec::new(),
    };
    let days = years.into_iter().filter_map(|year| Date::new(year, month, day).ok());
    days.filter(|date| *date <= today && today.year() - date.year() <= OLDEST).collect()
}

fn number(text: &str) -> Option<i8> {
    (text.len() <= 2 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// A month by its name or the beginning of it.
fn month(word: &str) -> Option<i8> {
    let word = word.trim_end_matches('.').to_lowercase();
    let is_long = word.len() >= 3 && word.chars().all(char::is_alphabetic);
    let place = MONTHS.iter().position(|month| is_long && month.starts_with(&word))?;
    i8::try_from(place + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str) -> Question {
        read(text, "2026-11-25".parse().unwrap())
    }

    fn born(text: &str) -> String {
        asked(text).understood.join(" and ")
    }

    #[test]
    fn a_birth_date_is_read_in_the_forms_people_write() {
        for text in [
            "1969-09-01",
            "Sep 1 1969",
            "September 1, 1969",
            "1 sept 1969",
            "1st September 1969",
            "01.09.1969",
            "19690901",
        ] {
            assert_eq!(born(text), "born Sep 1, 1969", "{text}");
        }
        assert_eq!(born("9/1/1969"), "born Sep 1, 1969 or Jan 9, 1969");
        assert_eq!(born("9/1/69"), "born Sep 1, 1969 or Jan 9, 1969");
        assert_eq!(born("13/9/1969"), "born Sep 13, 1969");
        assert_eq!(born("3/4/26"), "born Mar 4, 2026 or Mar 4, 1926 or Apr 3, 2026 or Apr 3, 1926");
    }

    #[test]
    fn what_is_no_date_is_looked_for_as_it_is() {
        for text in ["31/2/1969", "May", "1969-13-01", "12-34", "2031-01-01"] {
            assert!(!born(text).contains("born"), "{text}");
        }
        assert!(asked("May Lee 1969").names.contains(&"May".to_string()), "a month is a name too");
        assert_eq!(asked("1969").query.parts.len(), 1);
        assert_eq!(asked("").query.parts, Vec::<Vec<FindWord>>::new());
        assert_eq!(asked(" , – ... ").query.parts, Vec::<Vec<FindWord>>::new());
    }

    #[test]
    fn a_phone_is_read_however_it_is_grouped() {
        for text in ["555-014-1025", "(555) 014 1025", "+1 555.014.1025", "0141025"] {
            let question = asked(text);
            assert_eq!(question.query.parts.len(), 1, "{text}: {question:?}");
            assert!(question.understood[0].starts_with("phone"), "{text}");
        }
        let question = asked("Maria 5550141025 hernandez-villanueva");
        assert_eq!((question.query.parts.len(), question.names.len()), (4, 2), "{question:?}");
    }

    #[test]
    fn a_number_is_kept_as_a_number() {
        let question = asked("L-20417");
        assert_eq!((question.numbers.as_slice(), question.names.len()), (["L-20417".to_string()].as_slice(), 0));
    }
}
