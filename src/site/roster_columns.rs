//! The columns of a roster in CSV: what each header means, what its values must look like, and where they stand.

use std::sync::Arc;

use super::Panel;
use super::scalar::check_system;
use crate::fhir::Identifier;
use crate::problem::{Category, Place, Problem};
use crate::record::Membership;
use crate::yaml::{Mark, nearest};

/// Headers with one meaning; `mrn:SYSTEM` comes beside them.
const HEADERS: [&str; 6] = ["member_id", "practitioner", "care_manager", "language", "phone", "mrn:"];

/// Languages as rosters write them, and their BCP 47 tags.
const LANGUAGES: [(&str, &str); 16] = [
    ("english", "en"),
    ("spanish", "es"),
    ("chinese", "zh"),
    ("cantonese", "yue"),
    ("mandarin", "cmn"),
    ("vietnamese", "vi"),
    ("korean", "ko"),
    ("tagalog", "tl"),
    ("russian", "ru"),
    ("arabic", "ar"),
    ("french", "fr"),
    ("haitian creole", "ht"),
    ("portuguese", "pt"),
    ("polish", "pl"),
    ("somali", "so"),
    ("german", "de"),
];

/// What one column says.
pub enum Column {
    /// Values of this system.
    Identifier(String),
    Practitioner,
    CareManager,
    Language,
    Phone,
}

/// The columns that are read, by their place in the row.
pub struct Columns(Vec<(usize, Column)>);

impl Columns {
    /// Understands the header; a column that is not known is named in a warning and left alone.
    pub fn read(
        headers: &csv::StringRecord,
        panel: &Panel,
        systems_of: &dyn Fn(&str) -> Vec<String>,
        place: &dyn Fn(usize) -> Mark,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let mut columns = Vec::new();
        for (field, header) in headers.iter().enumerate() {
            let folded = header.to_lowercase().replace([' ', '-'], "_");
            let column = match folded.as_str() {
                "member_id" => member_id(panel),
                "practitioner" => Ok(Some(Column::Practitioner)),
                "care_manager" => Ok(Some(Column::CareManager)),
                "language" => Ok(Some(Column::Language)),
                "phone" => Ok(Some(Column::Phone)),
                _ => match header.split_once(':') {
                    Some((kind, authority)) if kind.eq_ignore_ascii_case("mrn") => mrn(authority.trim(), systems_of),
                    _ => Ok(None),
                },
            };
            match column {
                Ok(Some(column)) => columns.push((field, column)),
                Ok(None) => problems.push(not_read(&folded, place(field))),
                Err(text) => problems.push(place(field).problem(Category::NotFound, text)),
            }
        }
        let columns = Self(columns);
        if !columns.find_people() && !problems.iter().any(Problem::is_error) {
            let text = "no column says who somebody is: name one `member_id`, or `mrn:` with a hospital's namespace \
                        or system (`mrn:RIVERSIDE`, `mrn:urn:oid:1.2.3`)";
            problems.push(place(0).problem(Category::Required, text));
        }
        columns
    }

    /// Whether any column identifies anybody.
    pub fn find_people(&self) -> bool {
        self.0.iter().any(|(_, column)| matches!(column, Column::Identifier(_)))
    }

    pub fn iter(&self) -> impl Iterator<Item = (usize, &Column)> {
        self.0.iter().map(|(field, column)| (*field, column))
    }
}

fn member_id(panel: &Panel) -> Result<Option<Column>, String> {
    match &panel.member_system {
        Some(system) => Ok(Some(Column::Identifier(system.clone()))),
        None => Err(format!("`member_id` needs a system: say `member_system:` in panels/{}.yaml", panel.name)),
    }
}

fn mrn(authority: &str, systems_of: &dyn Fn(&str) -> Vec<String>) -> Result<Option<Column>, String> {
    let systems = systems_of(authority);
    match systems.as_slice() {
        [system] => Ok(Some(Column::Identifier(system.clone()))),
        [] if check_system(authority).is_ok() => Ok(Some(Column::Identifier(authority.to_string()))),
        [] => Err(format!("`{authority}` is neither a namespace of a feed nor an absolute URI")),
        _ => Err(format!("`{authority}` means different systems in different feeds; write the system itself")),
    }
}

fn not_read(header: &str, mark: Mark) -> Problem {
    let hint = nearest(header, HEADERS)
        .map_or_else(|| "nothing here needs it".to_string(), |near| format!("did you mean `{near}`?"));
    // The header is the exporting system's word, not a patient's.
    Problem::warning(Category::Informational, Place::File(mark), format!("the column `{header}` is not read; {hint}"))
}

impl Column {
    /// Puts a value into the membership; the fault says what a value looks like.
    pub fn take(&self, value: &str, member: &mut Membership) -> Result<(), String> {
        match self {
            Self::Identifier(system) => {
                if value.len() > 64 || value.chars().any(char::is_control) {
                    return Err("an identifier has at most 64 characters and no control characters".to_string());
                }
                member.identifiers.push(Identifier::new(system.clone(), value));
            }
            Self::Practitioner => member.practitioner = Some(value.to_string()),
            Self::CareManager => member.care_manager = Some(value.to_string()),
            Self::Language => member.language = Some(language(value)?),
            Self::Phone => member.phone = Some(phone(value)?),
        }
        Ok(())
    }
}

fn language(value: &str) -> Result<String, String> {
    if let Some((_, tag)) = LANGUAGES.iter().find(|(name, _)| name.eq_ignore_ascii_case(value)) {
        return Ok((*tag).to_string());
    }
    let mut parts = value.split(['-', '_']);
    let primary = parts.next().unwrap_or_default();
    let is_tag = matches!(primary.len(), 2 | 3)
        && primary.chars().all(|sign| sign.is_ascii_alphabetic())
        && parts.all(|part| (1..=8).contains(&part.len()) && part.chars().all(|sign| sign.is_ascii_alphanumeric()));
    if is_tag {
        return Ok(value.replace('_', "-"));
    }
    Err("not a language: write a tag such as `en` or `es-US`".to_string())
}

fn phone(value: &str) -> Result<String, String> {
    let digits = value.chars().filter(char::is_ascii_digit).count();
    let plain = value.chars().all(|sign| sign.is_ascii_digit() || " +-().x#/".contains(sign));
    if plain && (7..=20).contains(&digits) {
        return Ok(value.to_string());
    }
    Err("not a telephone number: write 7 to 20 digits".to_string())
}

/// Where a field of a row stands in its line, quotes heeded.
pub fn column_place(file: &Arc<str>, line: u32, text: &str, field: usize, delimiter: char) -> Mark {
    let (mut at, mut column, mut quoted) = (0, 1, false);
    for (index, sign) in text.chars().enumerate() {
        if at == field {
            break;
        }
        match sign {
            '"' => quoted = !quoted,
            _ if sign == delimiter && !quoted => {
                at += 1;
                column = u32::try_from(index).unwrap_or_default().saturating_add(2);
            }
            _ => {}
        }
    }
    Mark { file: Arc::clone(file), line: line.max(1), column, length: 1 }
}
