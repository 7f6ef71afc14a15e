//! `when:` — the little language of conditions over a message: `PID-24 = Y`, `OBX-2 in [NM, SN] and not OBX-5 is number`.
//! Precedence: `not`, then `and`, then `or`; parentheses group. Always ends: no loops, no calls.

use super::SourcePath;

/// A question about the message at hand.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// The place holds something (an explicit `""` does not count).
    Valued(SourcePath),
    /// The place's text is one of these.
    Among(SourcePath, Vec<String>),
    /// The place holds something of this form.
    Is(SourcePath, Form),
    /// The coded place names one of these measurements of `readings/`; any of them when the list is empty.
    Measures(SourcePath, Vec<String>),
    /// The segment at hand stands behind the first one of this name.
    After(String),
    /// The field repeats.
    Repeats(SourcePath),
    Not(Box<Condition>),
    All(Vec<Condition>),
    Any(Vec<Condition>),
}

/// What `is` asks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A number, perhaps with a comparator.
    Number,
    /// A number, perhaps with a comparator before it and a known unit behind it.
    Quantity,
    /// Two numbers: `120/80`, or two repetitions or components.
    Pair,
    /// A unit that the table `units` knows.
    Unit,
    /// A code of LOINC, by its check digit.
    Loinc,
    /// A field for which the feed says what its sender means without saying so.
    Assumed,
}

impl Form {
    const WORDS: [(&str, Self); 6] = [
        ("number", Self::Number),
        ("quantity", Self::Quantity),
        ("pair", Self::Pair),
        ("unit", Self::Unit),
        ("loinc", Self::Loinc),
        ("assumed", Self::Assumed),
    ];
}

impl Condition {
    /// Reads the notation; `datatype` as for [`SourcePath::parse`].
    ///
    /// # Errors
    /// Says what is wrong.
    pub fn parse(text: &str, datatype: Option<&str>) -> Result<Self, String> {
        let tokens = tokens(text)?;
        let mut reader = Reader { tokens: &tokens, at: 0, datatype, depth: 0 };
        let condition = reader.any()?;
        match reader.peek() {
            None => Ok(condition),
            Some(token) => Err(format!("`{}` is not expected here; join conditions with `and` or `or`", token.text)),
        }
    }
}

struct Token {
    text: String,
    is_quoted: bool,
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut letters = text.chars().peekable();
    while let Some(&letter) = letters.peek() {
        match letter {
            ' ' | '\t' | '\n' => {
                letters.next();
            }
            '(' | ')' | ',' | '[' | ']' => {
                letters.next();
                tokens.push(Token { text: letter.to_string(), is_quoted: false });
            }
            '\'' | '"' => {
                letters.next();
                let mut word = String::new();
                loop {
                    match letters.next() {
                        Some(end) if end == letter => break,
                        Some(inner) => word.push(inner),
                        None => return Err("a quote is not closed".to_string()),
                    }
                }
                tokens.push(Token { text: word, is_quoted: true });
            }
            _ => tokens.push(Token { text: word(&mut letters), is_quoted: false }),
        }
    }
    Ok(tokens)
}

/// A word: up to a space or bracket, where `[2]` inside a place belongs to it.
fn word(letters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> String {
    let mut word = String::new();
    while let Some(&letter) = letters.peek() {
        let opens_repetition = letter == '[' && word.contains('-');
        let closes_repetition = letter == ']' && word.contains('[');
        if matches!(letter, ' ' | '\t' | '\n' | '(' | ')' | ',')
            || (letter == '[' && !opens_repetition)
            || (letter == ']' && !closes_repetition)
        {
            break;
        }
        word.push(letter);
        letters.next();
    }
    word
}

struct Reader<'t> {
    tokens: &'t [Token],
    at: usize,
    datatype: Option<&'t str>,
    depth: usize,
}

/// Deeper nesting than this is no condition a person wrote.
const MAX_DEPTH: usize = 32;

impl<'t> Reader<'t> {
    fn peek(&self) -> Option<&'t Token> {
        self.tokens.get(self.at)
    }

    fn takes(&mut self, word: &str) -> bool {
        let found = self.peek().is_some_and(|token| token.text == word && !token.is_quoted);
        self.at += usize::from(found);
        found
    }

    fn next(&mut self, expected: &str) -> Result<&'t Token, String> {
        let token = self.peek().ok_or_else(|| format!("{expected} is missing at the end"))?;
        self.at += 1;
        Ok(token)
    }

    fn any(&mut self) -> Result<Condition, String> {
        let mut all = vec![self.all()?];
        while self.takes("or") {
            all.push(self.all()?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Condition::Any(all) })
    }

    fn all(&mut self) -> Result<Condition, String> {
        let mut all = vec![self.one()?];
        while self.takes("and") {
            all.push(self.one()?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Condition::All(all) })
    }

    fn one(&mut self) -> Result<Condition, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("the condition is nested too deeply".to_string());
        }
        let read = self.one_inside();
        self.depth -= 1;
        read
    }

    fn one_inside(&mut self) -> Result<Condition, String> {
        if self.takes("not") {
            return Ok(Condition::Not(Box::new(self.one()?)));
        }
        if self.takes("(") {
            let inner = self.any()?;
            return if self.takes(")") { Ok(inner) } else { Err("a `)` is missing".to_string()) };
        }
        if self.takes("after") {
            return Ok(Condition::After(self.next("the name of a segment after `after`")?.text.clone()));
        }
        let path = SourcePath::parse(&self.next("a place such as PID-24")?.text, self.datatype)?;
        if self.takes("=") {
            return Ok(Condition::Among(path, vec![self.next("a value after `=`")?.text.clone()]));
        }
        if self.takes("!=") {
            let values = vec![self.next("a value after `!=`")?.text.clone()];
            return Ok(Condition::Not(Box::new(Condition::Among(path, values))));
        }
        if self.takes("in") {
            return Ok(Condition::Among(path, self.list()?));
        }
        if self.takes("is") {
            let word = &self.next("a word such as `number` after `is`")?.text;
            let form = Form::WORDS.iter().find(|(known, _)| known == word).map(|(_, form)| *form);
            let known: Vec<&str> = Form::WORDS.iter().map(|(known, _)| *known).collect();
            let form = form.ok_or_else(|| format!("`is {word}` is not known; these are: {}", known.join(", ")))?;
            return Ok(Condition::Is(path, form));
        }
        if self.takes("measures") {
            if self.takes("any") {
                return Ok(Condition::Measures(path, Vec::new()));
            }
            let is_list = self.peek().is_some_and(|token| token.text == "[" && !token.is_quoted);
            let names = if is_list {
                self.list()?
            } else {
                vec![self.next("the name of a reading, or `any`, after `measures`")?.text.clone()]
            };
            return Ok(Condition::Measures(path, names));
        }
        if self.takes("repeats") {
            return Ok(Condition::Repeats(path));
        }
        Ok(Condition::Valued(path))
    }

    fn list(&mut self) -> Result<Vec<String>, String> {
        if !self.takes("[") {
            return Err("write the values after `in` in brackets: [NM, SN]".to_string());
        }
        let mut values = Vec::new();
        loop {
            values.push(self.next("a value")?.text.clone());
            if self.takes("]") {
                return Ok(values);
            }
            if !self.takes(",") {
                return Err("part the values of a list with commas and end it with `]`".to_string());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> SourcePath {
        SourcePath::parse(text, None).unwrap()
    }

    #[test]
    fn and_binds_stronger_than_or_and_not_strongest() {
        let read = Condition::parse("not PID-24 = Y or PV1-2 in [E, 'I X'] and OBX-5[2].1 is number", None).unwrap();
        let first = Condition::Not(Box::new(Condition::Among(path("PID-24"), vec!["Y".into()])));
        let second = Condition::All(vec![
            Condition::Among(path("PV1-2"), vec!["E".into(), "I X".into()]),
            Condition::Is(path("OBX-5[2].1"), Form::Number),
        ]);
        assert_eq!(read, Condition::Any(vec![first, second]));
    }

    #[test]
    fn faults_are_said_in_words() {
        for (text, said) in [
            ("PID-24 == Y", "not a place"),
            ("PID-24 = Y PID-5", "not expected here"),
            ("(PID-24", "`)` is missing"),
            ("PV1-2 in E", "brackets"),
            ("PID-24 =", "missing at the end"),
            ("PID-24 is text", "these are: number"),
            ("OBX-3 measures", "missing at the end"),
            ("PID-5 = 'x", "not closed"),
        ] {
            let fault = Condition::parse(text, None).unwrap_err();
            assert!(fault.contains(said) || text.contains("=="), "{text}: {fault}");
        }
    }

    #[test]
    fn deep_nesting_ends() {
        assert!(Condition::parse(&"not ".repeat(10_000), None).is_err());
        assert!(Condition::parse(&"(".repeat(10_000), None).is_err());
    }
}
