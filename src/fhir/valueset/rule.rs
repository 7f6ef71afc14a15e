//! Some codes of a value set: listed, with all below them, in ranges, and of one intent (ICD-10-CM chapters XIX and XX).
//! Knows no files and no names of sets.

use std::cell::OnceCell;
use std::collections::HashSet;

use crate::fhir::systems::{canonical_system, comparable};
use crate::yaml::Node;

/// Some codes, or all of another set.
#[derive(Debug)]
pub(super) enum Rule {
    Codes(Codes),
    Set { name: String, node: Node },
}

/// Codes of some systems. Those below `under` count only with one of the intents, where intents are named.
#[derive(Debug, Default)]
pub(super) struct Codes {
    pub systems: Vec<String>,
    pub under: Vec<Span>,
    pub codes: HashSet<String>,
    pub intents: Vec<Intent>,
}

/// All codes that begin with one of these beginnings, which are equally long: `X71` to `X83`, or one alone.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub first: String,
    pub last: String,
}

/// How it came to a poisoning, a toxic effect or a suffocation, which the code itself says (ICD-10-CM, notes at T36–T50,
/// T51–T65 and T71).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Intent {
    Accident,
    SelfHarm,
    Assault,
    Undetermined,
    AdverseEffect,
    Underdosing,
}

/// The categories whose codes say an intent.
const SAY_INTENT: [(&str, &str); 2] = [("T36", "T65"), ("T71", "T71")];

impl Codes {
    fn first_system(&self) -> &str {
        self.systems.first().map(String::as_str).unwrap_or_default()
    }

    /// Every listed code, and the ends of every range, in each system.
    pub fn corners(&self) -> impl Iterator<Item = (&str, &str)> {
        let ends = self.under.iter().flat_map(|span| [span.first.as_str(), span.last.as_str()]);
        let all: Vec<&str> = self.codes.iter().map(String::as_str).chain(ends).collect();
        self.systems.iter().flat_map(move |system| all.clone().into_iter().map(move |code| (system.as_str(), code)))
    }

    /// Whether they hold a code of a system, or of whichever they name first.
    pub fn hold(&self, asked: &Asked<'_>) -> bool {
        match asked.url {
            ANY => self.hold_own(&Asked::of(self.first_system(), asked.code)),
            _ => self.hold_own(asked),
        }
    }

    fn hold_own(&self, asked: &Asked<'_>) -> bool {
        if !self.systems.iter().any(|own| own == asked.url) {
            return false;
        }
        let compared = asked.compared();
        let of_intent = || match self.intents.as_slice() {
            [] => true,
            wanted => Intent::of(compared).is_some_and(|intent| wanted.contains(&intent)),
        };
        self.codes.contains(compared) || (self.under.iter().any(|span| span.holds(compared)) && of_intent())
    }
}

/// In place of a system: whichever the rule names first.
const ANY: &str = "*";

/// A code of a system by its URL, which many rules are asked about.
pub(super) struct Asked<'a> {
    url: &'a str,
    code: &'a str,
    compared: OnceCell<String>,
}

impl<'a> Asked<'a> {
    /// The system by any name it goes by.
    pub fn of(system: &'a str, code: &'a str) -> Self {
        let url = if system == ANY { system } else { canonical_system(system) };
        Self { url, code, compared: OnceCell::new() }
    }

    fn compared(&self) -> &str {
        self.compared.get_or_init(|| comparable(self.url, self.code))
    }
}

impl Span {
    pub fn holds(&self, compared: &str) -> bool {
        let begins = compared.get(..self.first.len());
        begins.is_some_and(|begins| self.first.as_str() <= begins && begins <= self.last.as_str())
    }

    /// Whether every code of it says its intent.
    pub fn says_intent(&self) -> bool {
        let category = |code: &str| code.get(..3).map(str::to_string).unwrap_or_default();
        let (first, last) = (category(&self.first), category(&self.last));
        SAY_INTENT.iter().any(|(from, to)| *from <= first.as_str() && last.as_str() <= *to)
    }
}

impl Intent {
    pub const WORDS: [(&'static str, Self); 6] = [
        ("accident", Self::Accident),
        ("self-harm", Self::SelfHarm),
        ("assault", Self::Assault),
        ("undetermined", Self::Undetermined),
        ("adverse-effect", Self::AdverseEffect),
        ("underdosing", Self::Underdosing),
    ];

    /// The intent that a code without its dot says: its sixth character, or its fifth where that is the placeholder X.
    pub fn of(compared: &str) -> Option<Self> {
        let mut characters = compared.chars().skip(4);
        let (fifth, sixth) = (characters.next()?, characters.next()?);
        let place = if sixth == 'X' { fifth } else { sixth };
        Some(match place {
            '1' => Self::Accident,
            '2' => Self::SelfHarm,
            '3' => Self::Assault,
            '4' => Self::Undetermined,
            '5' => Self::AdverseEffect,
            '6' => Self::Underdosing,
            _ => return None,
        })
    }
}
