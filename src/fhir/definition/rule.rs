//! What one line of a reduced definition says of one element (profiles/README.md), as ElementDefinition's elements
//! (http://hl7.org/fhir/R4/elementdefinition.html). Serves types, which say all, and profiles, which say what is new.

use serde_json::Value;

use super::canonical::{profile_url, value_set_url};
use super::element::{Binding, Constraint, Max, Strength, TypeRef};

/// What a definition says of an element; none where it says nothing.
#[derive(Debug, Clone, Default)]
pub struct ElementRule {
    /// The element's id without its type: `component:systolic.value[x]`.
    pub path: String,
    pub min: Option<u32>,
    pub max: Option<Max>,
    pub types: Vec<TypeRef>,
    /// The path of the element whose children these are.
    pub content: Option<String>,
    pub is_summary: bool,
    pub is_modifier: bool,
    pub is_must_support: bool,
    pub binding: Option<Binding>,
    /// The strength of the binding, which may be all that is said of it.
    pub strength: Option<Strength>,
    /// The value set beyond which an extensible or preferred binding does not extend.
    pub limit: Option<String>,
    pub least: Option<Value>,
    pub greatest: Option<Value>,
    pub max_length: Option<usize>,
    pub slicing: Option<Slicing>,
    pub fixed: Option<Value>,
    pub pattern: Option<Value>,
    pub constraints: Vec<Constraint>,
}

/// How the items of a list are told apart (http://hl7.org/fhir/R4/profiling.html#slicing).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slicing {
    pub discriminators: Vec<Discriminator>,
    pub is_ordered: bool,
    pub rest: Rest,
}

/// What an item is told by: what stands at a path, seen in one of five ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discriminator {
    pub kind: DiscriminatorKind,
    pub path: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiscriminatorKind {
    Value,
    Pattern,
    Type,
    Profile,
    Exists,
}

/// Where items may stand that are in no slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    Anywhere,
    AtEnd,
    Nowhere,
}

impl ElementRule {
    /// Reads a line; the fault says which word means nothing.
    pub fn read(line: &str) -> Result<Self, String> {
        let (path, mut rest) = line.split_once(' ').unwrap_or((line, ""));
        let mut rule = Self { path: path.to_string(), ..Self::default() };
        while !rest.is_empty() {
            let (word, after) = rest.split_once(' ').unwrap_or((rest, ""));
            rest = after;
            match word {
                "fixed" => rule.fixed = Some(json(std::mem::take(&mut rest))?),
                "pattern" => rule.pattern = Some(json(std::mem::take(&mut rest))?),
                "" => {}
                _ => rule.read_word(word)?,
            }
        }
        Ok(rule)
    }

    fn read_word(&mut self, word: &str) -> Result<(), String> {
        if let Some((min, max)) = cardinality(word) {
            self.min = min;
            self.max = max;
            return Ok(());
        }
        match word {
            "summary" => self.is_summary = true,
            "modifier" => self.is_modifier = true,
            "must" => self.is_must_support = true,
            _ => {
                if let Some((strength, value_set)) = read_binding(word) {
                    self.strength = Some(strength);
                    self.binding = value_set.map(|value_set| Binding { strength, value_set });
                } else if let Some(limit) = word.strip_prefix("max:") {
                    self.limit = Some(value_set_url(limit));
                } else if let Some(slicing) = word.strip_prefix("sliced=") {
                    self.slicing = Some(read_slicing(slicing)?);
                } else if let Some(value) = word.strip_prefix("min=") {
                    self.least = Some(json(value)?);
                } else if let Some(value) = word.strip_prefix("max=") {
                    self.greatest = Some(json(value)?);
                } else if let Some(length) = word.strip_prefix("length=") {
                    self.max_length = Some(length.parse().map_err(|_| format!("`{word}` is no length"))?);
                } else if let Some(content) = word.strip_prefix('=') {
                    self.content = Some(content.to_string());
                } else {
                    self.types = split_types(word).into_iter().map(read_type).collect::<Result<_, _>>()?;
                }
            }
        }
        Ok(())
    }
}

/// `  error key expression`: an invariant, below what it is about.
pub(in crate::fhir) fn read_constraint(line: &str) -> Option<Constraint> {
    let (severity, rest) = line.strip_prefix("  ")?.split_once(' ')?;
    let (key, expression) = rest.split_once(' ')?;
    let is_error = match severity {
        "error" => true,
        "warning" => false,
        _ => return None,
    };
    Some(Constraint { key: key.to_string(), is_error, expression: expression.to_string() })
}

fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|_| format!("`{text}` is no JSON"))
}

fn cardinality(word: &str) -> Option<(Option<u32>, Option<Max>)> {
    let (min, max) = word.split_once("..")?;
    let min = if min.is_empty() { None } else { Some(min.parse().ok()?) };
    let max = match max {
        "" => None,
        "*" => Some(Max::Many),
        count => Some(Max::Count(count.parse().ok()?)),
    };
    Some((min, max))
}

/// `Quantity|Extension<URL|1.0.0>` as its two types: what stands in brackets is a type's own.
fn split_types(word: &str) -> Vec<&str> {
    let mut depth = 0_i32;
    word.split(|letter| {
        match letter {
            '<' | '(' => depth += 1,
            '>' | ')' => depth -= 1,
            _ => {}
        }
        letter == '|' && depth == 0
    })
    .collect()
}

/// `Reference(Patient,Group)`, `Extension<URL>`, `canonical(URL)`.
fn read_type(text: &str) -> Result<TypeRef, String> {
    let closed = |text: &str, close: char| text.strip_suffix(close).map(str::to_string);
    let (rest, targets) = match text.split_once('(') {
        Some((rest, targets)) => (rest, closed(targets, ')').ok_or_else(|| format!("`{text}` lacks its `)`"))?),
        None => (text, String::new()),
    };
    let (code, profiles) = match rest.split_once('<') {
        Some((code, profiles)) => (code, closed(profiles, '>').ok_or_else(|| format!("`{text}` lacks its `>`"))?),
        None => (rest, String::new()),
    };
    if code.is_empty() || !code.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(format!("`{text}` means nothing here"));
    }
    let list = |text: &str| text.split(',').filter(|part| !part.is_empty()).map(str::to_string).collect::<Vec<_>>();
    let profiles = list(&profiles).iter().map(|url| profile_url(url)).collect();
    Ok(TypeRef { code: code.to_string(), profiles, targets: list(&targets) })
}

/// `extensible:URL`, or `extensible:` where the value set stays what it was.
fn read_binding(text: &str) -> Option<(Strength, Option<String>)> {
    let (strength, name) = text.split_once(':')?;
    let strength = Strength::of_code(strength)?;
    Some((strength, (!name.is_empty()).then(|| value_set_url(name))))
}

/// `value:code,type:$this;ordered;closed`
fn read_slicing(text: &str) -> Result<Slicing, String> {
    let mut parts = text.split(';');
    let mut slicing = Slicing { discriminators: Vec::new(), is_ordered: false, rest: Rest::Anywhere };
    for discriminator in parts.next().into_iter().flat_map(|all| all.split(',')).filter(|one| !one.is_empty()) {
        let fault = || format!("`{discriminator}` is no discriminator");
        let (kind, path) = discriminator.split_once(':').ok_or_else(fault)?;
        let kind = match kind {
            "value" => DiscriminatorKind::Value,
            "pattern" => DiscriminatorKind::Pattern,
            "type" => DiscriminatorKind::Type,
            "profile" => DiscriminatorKind::Profile,
            "exists" => DiscriminatorKind::Exists,
            _ => return Err(fault()),
        };
        slicing.discriminators.push(Discriminator { kind, path: path.to_string() });
    }
    for word in parts {
        match word {
            "ordered" => slicing.is_ordered = true,
            "open" => slicing.rest = Rest::Anywhere,
            "openAtEnd" => slicing.rest = Rest::AtEnd,
            "closed" => slicing.rest = Rest::Nowhere,
            _ => return Err(format!("`{word}` is no rule of slicing")),
        }
    }
    Ok(slicing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_line_says_only_what_stands_in_it() {
        let rule = ElementRule::read("component:systolic.value[x] ..1 must Quantity").unwrap();
        assert_eq!((rule.min, rule.max, rule.is_must_support), (None, Some(Max::Count(1)), true));
        assert_eq!(rule.types[0].code, "Quantity");
        assert!(rule.binding.is_none() && rule.slicing.is_none() && rule.fixed.is_none());
    }

    #[test]
    fn types_carry_profiles_and_targets() {
        let rule =
            ElementRule::read("a 0..* Extension<http://x.example/e|2>|Reference(Patient,http://x.example/p)").unwrap();
        assert_eq!(rule.types[0].profiles, ["http://x.example/e|2"]);
        assert_eq!(rule.types[1].targets, ["Patient", "http://x.example/p"]);
    }

    #[test]
    fn slicing_fixed_and_pattern_values_are_read_to_the_end_of_the_line() {
        let rule =
            ElementRule::read("component 2.. sliced=value:code.coding.code,exists:value;ordered;closed").unwrap();
        let slicing = rule.slicing.unwrap();
        assert_eq!(slicing.discriminators[1].kind, DiscriminatorKind::Exists);
        assert!(slicing.is_ordered && slicing.rest == Rest::Nowhere);
        let rule = ElementRule::read("code must pattern {\"text\": \"a b 1..1\"}").unwrap();
        assert_eq!(rule.pattern, Some(json!({ "text": "a b 1..1" })));
    }

    #[test]
    fn a_word_without_meaning_is_a_fault() {
        for line in ["a 0..1 code requird:x", "a fixed {", "a sliced=what:x", "a Reference(Patient"] {
            assert!(ElementRule::read(line).is_err(), "{line}");
        }
    }
}
