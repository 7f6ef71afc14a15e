//! SNOMED CT's Expression Constraint Language (https://docs.snomed.org/snomed-ct-specifications/snomed-ct-expression-constraint-language),
//! brief syntax: concepts by where they stand, members of reference sets, `AND`, `OR` and `MINUS`. What asks for attributes, descriptions
//! or histories is refused by name, since no release is held with them.

use super::compose::{Compose, Filter, Include, SNOMED, by_constraint};

/// A longer constraint is no question of a person.
const LONGEST: usize = 4096;
/// How deep brackets may stand in each other: each is a value set that another includes.
const DEEPEST: usize = 8;
/// So many concepts a constraint may name: each is asked about for each code that the others leave.
const MOST_NAMED: usize = 50;

/// Long before short, where one begins like another.
const OPERATORS: [(&str, Where); 8] = [
    ("<<!", Where::SelfOrChild),
    ("<<", Where::SelfOrBelow),
    ("<!", Where::Child),
    ("<", Where::Below),
    (">>!", Where::SelfOrParent),
    (">>", Where::SelfOrAbove),
    (">!", Where::Parent),
    (">", Where::Above),
];

/// Where a concept stands to the one that is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Where {
    Itself,
    Below,
    SelfOrBelow,
    Child,
    SelfOrChild,
    Above,
    SelfOrAbove,
    Parent,
    SelfOrParent,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Constraint {
    Any,
    At(Where, String),
    Members(String),
    All(Vec<Constraint>),
    Some(Vec<Constraint>),
    Without(Box<Constraint>, Box<Constraint>),
}

/// The value set that a constraint is, or why it is none that can be told of here.
pub(super) fn compose(text: &str) -> Result<Compose, String> {
    if text.len() > LONGEST {
        return Err(format!("the constraint has {} characters, and may have {LONGEST}", text.len()));
    }
    let mut parser = Parser::new(text);
    let constraint = parser.expression()?;
    parser.skip();
    match parser.rest.chars().next() {
        None => Ok(constraint.compose()),
        Some(':') => Err(parser.not_held("a refinement by attributes")),
        Some('{') => Err(parser.not_held("a filter of descriptions, concepts, members or histories")),
        Some('.') => Err(parser.not_held("the value of an attribute")),
        Some(_) => Err(parser.unexpected("AND, OR, MINUS or the end")),
    }
}

impl Constraint {
    fn compose(&self) -> Compose {
        match self {
            Self::Some(all) => Compose { include: all.iter().map(Self::rule).collect(), exclude: Vec::new() },
            Self::Without(one, other) => Compose { include: vec![one.rule()], exclude: vec![other.rule()] },
            _ => Compose { include: vec![self.rule()], exclude: Vec::new() },
        }
    }

    /// As one rule; what no rule can say is a value set of its own in it.
    fn rule(&self) -> Include {
        let parts = match self {
            Self::All(all) => all.as_slice(),
            one => std::slice::from_ref(one),
        };
        let filters: Vec<Filter> = parts.iter().filter_map(Self::filters).flatten().collect();
        let others = parts.iter().filter(|part| part.filters().is_none() && **part != Self::Any);
        let value_sets: Vec<String> = others.map(|other| by_constraint(&other.written())).collect();
        // Where nothing else is said, the codes of the first value set are gone through, and not all of SNOMED CT.
        let system = Some(SNOMED.to_string()).filter(|_| value_sets.is_empty() || !filters.is_empty());
        Include { system, filters, value_sets, ..Include::default() }
    }

    /// The filters that say the same, where there are such.
    fn filters(&self) -> Option<Vec<Filter>> {
        let filter = |property: &str, operator: &str, value: &str| Filter {
            property: property.to_string(),
            operator: operator.to_string(),
            value: value.to_string(),
        };
        Some(match self {
            Self::Members(set) => vec![filter("concept", "in", set)],
            Self::At(Where::Itself, id) => vec![filter("concept", "=", id)],
            Self::At(Where::Below, id) => vec![filter("concept", "descendent-of", id)],
            Self::At(Where::SelfOrBelow, id) => vec![filter("concept", "is-a", id)],
            Self::At(Where::Child, id) => vec![filter("parent", "=", id)],
            Self::At(Where::SelfOrAbove, id) => vec![filter("concept", "generalizes", id)],
            Self::At(Where::Above, id) => vec![filter("concept", "generalizes", id), filter("code", "not-in", id)],
            Self::At(Where::Parent, id) => vec![filter("child", "=", id)],
            _ => return None,
        })
    }

    fn written(&self) -> String {
        let all = |all: &[Self], word: &str| {
            all.iter().map(|one| format!("({})", one.written())).collect::<Vec<_>>().join(word)
        };
        match self {
            Self::Any => "*".to_string(),
            Self::At(at, id) => {
                let operator = OPERATORS.iter().find(|(_, own)| own == at).map_or("", |(operator, _)| *operator);
                format!("{operator}{id}")
            }
            Self::Members(set) => format!("^{set}"),
            Self::All(parts) => all(parts, " AND "),
            Self::Some(parts) => all(parts, " OR "),
            Self::Without(one, other) => format!("({}) MINUS ({})", one.written(), other.written()),
        }
    }
}

struct Parser<'t> {
    rest: &'t str,
    depth: usize,
    named: usize,
}

impl<'t> Parser<'t> {
    fn new(rest: &'t str) -> Self {
        Self { rest, depth: 0, named: 0 }
    }

    /// Constraints joined by one word; several words want brackets.
    fn expression(&mut self) -> Result<Constraint, String> {
        let mut all = vec![self.part()?];
        let mut joined = None;
        while let Some(word) = self.word() {
            match joined {
                Some(other) if other != word => {
                    return Err(
                        self.unexpected(&format!("{other}: brackets say which of {other} and {word} comes first"))
                    );
                }
                Some("MINUS") => return Err(self.unexpected("brackets around what MINUS takes away")),
                _ => joined = Some(word),
            }
            all.push(self.part()?);
        }
        Ok(match (joined, all.len()) {
            (Some("AND"), _) => Constraint::All(all),
            (Some("OR"), _) => Constraint::Some(all),
            (Some(_), _) => {
                let other = all.pop().unwrap_or(Constraint::Any);
                Constraint::Without(Box::new(all.pop().unwrap_or(Constraint::Any)), Box::new(other))
            }
            (None, _) => all.pop().unwrap_or(Constraint::Any),
        })
    }

    fn word(&mut self) -> Option<&'static str> {
        self.skip();
        if let Some(rest) = self.rest.strip_prefix(',') {
            self.rest = rest;
            return Some("AND");
        }
        ["AND", "OR", "MINUS"].into_iter().find(|word| {
            let begin = self.rest.get(..word.len()).filter(|begin| begin.eq_ignore_ascii_case(word));
            let rest = begin.and_then(|_| self.rest.get(word.len()..));
            let rest = rest.filter(|rest| !rest.starts_with(|next: char| next.is_ascii_alphanumeric()));
            self.rest = rest.unwrap_or(self.rest);
            rest.is_some()
        })
    }

    fn part(&mut self) -> Result<Constraint, String> {
        self.skip();
        let found = OPERATORS.iter().find(|(operator, _)| self.rest.starts_with(operator));
        let at = found.map_or(Where::Itself, |(_, at)| *at);
        self.rest = found.and_then(|(operator, _)| self.rest.get(operator.len()..)).unwrap_or(self.rest);
        self.skip();
        if let Some(rest) = self.rest.strip_prefix('^') {
            if at != Where::Itself {
                return Err(self.not_held("where the members of a reference set stand"));
            }
            self.rest = rest;
            self.skip();
            return match self.operand()? {
                Constraint::At(Where::Itself, id) => Ok(Constraint::Members(id)),
                _ => Err(self.unexpected("the identifier of a reference set")),
            };
        }
        let operand = self.operand()?;
        stands(at, operand).map_err(|what| self.not_held(what))
    }

    fn operand(&mut self) -> Result<Constraint, String> {
        if let Some(rest) = self.rest.strip_prefix('(') {
            self.rest = rest;
            self.depth += 1;
            if self.depth > DEEPEST {
                return Err(format!("the constraint has more than {DEEPEST} brackets in each other"));
            }
            let inner = self.expression()?;
            self.skip();
            self.rest = self.rest.strip_prefix(')').ok_or_else(|| self.unexpected("AND, OR, MINUS or `)`"))?;
            self.depth -= 1;
            return Ok(inner);
        }
        if let Some(rest) = self.rest.strip_prefix('*') {
            self.rest = rest;
            return Ok(Constraint::Any);
        }
        let length = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let id = self.rest.get(..length).filter(|id| (6..=18).contains(&id.len()));
        let id = id.ok_or_else(|| self.unexpected("a SNOMED CT identifier, `*` or `(`"))?.to_string();
        self.rest = self.rest.get(length..).unwrap_or_default();
        self.named += 1;
        if self.named > MOST_NAMED {
            return Err(format!(
                "the constraint names more than {MOST_NAMED} concepts; make a value set that lists them"
            ));
        }
        self.skip();
        if let Some(rest) = self.rest.strip_prefix('|') {
            let (_, rest) = rest.split_once('|').ok_or_else(|| self.unexpected("the `|` that ends a term"))?;
            self.rest = rest;
        }
        Ok(Constraint::At(Where::Itself, id))
    }

    /// Blanks and comments.
    fn skip(&mut self) {
        loop {
            self.rest = self.rest.trim_start();
            match self.rest.strip_prefix("/*").and_then(|rest| rest.split_once("*/")) {
                Some((_, rest)) => self.rest = rest,
                None => return,
            }
        }
    }

    fn unexpected(&self, wanted: &str) -> String {
        format!("there should be {wanted}, before {}", self.shown())
    }

    fn not_held(&self, what: &str) -> String {
        format!("it asks for {what}, which is not held here, before {}", self.shown())
    }

    fn shown(&self) -> String {
        if self.rest.is_empty() {
            "its end".to_string()
        } else {
            format!("`{}`", self.rest.chars().take(30).collect::<String>())
        }
    }
}

/// An operator before a constraint; the error names what cannot be told.
fn stands(at: Where, operand: Constraint) -> Result<Constraint, &'static str> {
    let named = |at, id: &String| Constraint::At(at, id.clone());
    match (at, operand) {
        (Where::Itself, operand) => Ok(operand),
        (Where::SelfOrBelow | Where::SelfOrAbove, Constraint::Any) => Ok(Constraint::Any),
        (Where::SelfOrChild, Constraint::At(Where::Itself, id)) => {
            Ok(Constraint::Some(vec![named(Where::Itself, &id), named(Where::Child, &id)]))
        }
        (Where::SelfOrParent, Constraint::At(Where::Itself, id)) => {
            Ok(Constraint::Some(vec![named(Where::Itself, &id), named(Where::Parent, &id)]))
        }
        (at, Constraint::At(Where::Itself, id)) => Ok(Constraint::At(at, id)),
        // What is below any of several is below one of them.
        (at, Constraint::Some(all)) => {
            all.into_iter().map(|one| stands(at, one)).collect::<Result<_, _>>().map(Constraint::Some)
        }
        _ => Err("where what another constraint finds stands"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constraint_is_written_as_it_is_read() {
        for text in ["<<!100000", "^200000", "(<100000) AND (^200000)", "((<100000) OR (>!200000)) MINUS (*)"] {
            let mut parser = Parser::new(text);
            let once = parser.expression().unwrap();
            let written = once.written();
            assert_eq!(Parser::new(&written).expression().unwrap(), once, "{text}");
        }
    }
}
