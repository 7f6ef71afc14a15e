//! Changes each number, window, code and bound of a protocol's rules once, and asks whether one of the file's own examples notices:
//! what none notices is a rule that nobody would miss. Words for people and the examples themselves stay as they are.

use std::sync::Arc;

use regex_lite::Regex;

use super::set::compile;
use crate::fhir::ValueSets;
use crate::yaml::Source;

/// Keys whose values are words for people, or names, or only order cards.
const WORDS: &[&str] =
    &["weight", "title", "text", "teach", "source", "ask", "detail", "label", "why", "protocol", "id"];

/// One change of a file.
#[derive(Debug, Clone)]
pub struct Mutant {
    pub file: Arc<str>,
    pub line: usize,
    /// The whole file with the change.
    pub text: String,
    /// `` `due: 7 d` became `due: 8 d` ``
    pub what: String,
}

impl Mutant {
    /// Whether the changed file is refused, or one of its examples fails. `beside` are files that it needs: calendars.
    pub fn is_noticed(&self, beside: &[Source], value_sets: &Arc<ValueSets>) -> bool {
        let mut sources = beside.to_vec();
        sources.push(Source::new(Arc::clone(&self.file), self.text.as_str()));
        let (set, problems) = compile(&sources, &[], Arc::clone(value_sets));
        problems.iter().any(crate::problem::Problem::is_error) || !set.examples_hold()
    }
}

/// Every change of the rules of a file; its examples stay as they are.
pub fn mutants(source: &Source) -> Vec<Mutant> {
    let mut found = Vec::new();
    let lines: Vec<&str> = source.text.lines().collect();
    // Words that go on over several lines, by the indentation of their key.
    let mut words_below: Option<usize> = None;
    for (number, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        if line.starts_with("examples:") {
            break;
        }
        if words_below.is_some_and(|key| indent > key || line.trim().is_empty()) {
            // Nothing lost: words for people are no rule.
            continue;
        }
        words_below = None;
        let code = line.split(" #").next().unwrap_or_default();
        let key = code.trim_start().trim_start_matches("- ").split(':').next().unwrap_or_default();
        if code.trim_start().starts_with('#') || WORDS.contains(&key) {
            // Nothing lost: as said above.
            words_below = (code.ends_with(">-") || code.ends_with('|')).then_some(indent);
            // Nothing lost: as said above.
            continue;
        }
        for (from, to, replacement) in changes(code) {
            // Nothing lost: the places are those of this line.
            let Some((before, after)) = line.get(..from).zip(line.get(to..)) else { continue };
            let changed = format!("{before}{replacement}{after}");
            let what = format!("`{}` became `{}`", line.trim(), changed.trim());
            let whole: Vec<&str> =
                lines.iter().enumerate().map(|(at, line)| if at == number { &changed } else { *line }).collect();
            found.push(Mutant {
                file: Arc::clone(&source.name),
                line: number + 1,
                text: whole.join("\n") + "\n",
                what,
            });
        }
    }
    found
}

/// The changes of one line: from, to, and what stands there instead.
fn changes(line: &str) -> Vec<(usize, usize, String)> {
    let mut found = Vec::new();
    let mut each = |pattern: &str, group: usize, change: &dyn Fn(&str) -> Option<String>| {
        // Nothing lost: the patterns are ours, and a test compiles each of them.
        let Ok(pattern) = Regex::new(pattern) else { return };
        for part in pattern.captures_iter(line).filter_map(|captures| captures.get(group)) {
            found.extend(change(part.as_str()).map(|new| (part.start(), part.end(), new)));
        }
    };
    each(r"(^|[ :\[{(,+-])(\d+(\.\d+)?)($|[ ,\]})])", 2, &greater);
    each(r"\b(above|at-least|below|at-most):", 1, &|word| {
        let other = match word {
            "above" => "at-least",
            "at-least" => "above",
            "below" => "at-most",
            _ => "below",
        };
        Some(other.to_string())
    });
    each(r"valueset: *([a-z-]+)", 1, &|set| Some(if set == "dementia" { "stroke" } else { "dementia" }.to_string()));
    each(r"\bof: ([a-z-]+)\b", 1, &|set| Some(if set == "dementia" { "stroke" } else { "dementia" }.to_string()));
    if line.contains("where") {
        each(r"'([A-Za-z0-9-]+)'", 1, &|_| Some("zz".to_string()));
    }
    each(r"\b([A-Z]{2,8})\b", 1, &|class| Some(if class == "PRENC" { "FLD" } else { "PRENC" }.to_string()));
    each(r"\bbusiness (days)\b", 0, &|_| Some("days".to_string()));
    each(r"\bbecomes: *([a-z]+)", 1, &|word| {
        let other = match word {
            "active" => "resolved",
            "resolved" => "active",
            "given" => "refused",
            _ => "given",
        };
        Some(other.to_string())
    });
    // Quiet hours: a quarter more.
    each(r"'(\d\d:\d\d)'", 1, &|time| {
        let time: jiff::civil::Time = time.parse().ok()?; // Nothing lost: what is no time was refused.
        Some(time.wrapping_add(jiff::SignedDuration::from_mins(15)).strftime("%H:%M").to_string())
    });
    found
}

/// One more of the last digit.
fn greater(number: &str) -> Option<String> {
    let Some((whole, fraction)) = number.split_once('.') else {
        // Nothing lost: a number too long to count is no bound of anything.
        return Some((number.parse::<u64>().ok()? + 1).to_string());
    };
    // Nothing lost: as said above.
    let digits: u64 = format!("{whole}{fraction}").parse().ok()?;
    let more = format!("{:0width$}", digits + 1, width = fraction.len() + 1);
    let (whole, fraction) = more.split_at_checked(more.len() - fraction.len())?;
    Some(format!("{whole}.{fraction}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_changed_in_its_rules_and_nowhere_else() {
        let text = "protocol: x\ntasks:\n  - id: a7\n    text: >-\n      within 7 d\n    due: 2 business days # 3 d\n    warn: { above: 140.5 }\nexamples:\n  - why: 9\n";
        let told: Vec<String> = mutants(&Source::new("x", text)).into_iter().map(|mutant| mutant.what).collect();
        assert_eq!(told.len(), 4, "{told:#?}");
        assert!(
            told[0].contains("3 business days") && told[2].contains("140.6") && told[3].contains("at-least: 140.5")
        );
    }
}
