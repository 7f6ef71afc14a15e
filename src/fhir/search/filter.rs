//! Conditions put together by `and`, `or`, `not` and parentheses: those of `_filter` (http://hl7.org/fhir/R4/search_filter.html, whose grammar
//! this reads) and the words of `_text` and `_content` (http://hl7.org/fhir/R4/search.html#content).

/// Parentheses within each other, and conditions, that one expression has at most.
const DEEPEST: usize = 20;
const MOST: usize = 100;
/// Words and phrases, each of which is looked for in all of a text.
const MOST_WORDS: usize = 10;

/// A condition put together of others.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter<L> {
    Is(L),
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
}

impl<L> Filter<L> {
    pub fn holds(&self, is_met: &dyn Fn(&L) -> bool) -> bool {
        match self {
            Self::Is(leaf) => is_met(leaf),
            Self::All(parts) => parts.iter().all(|part| part.holds(is_met)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(is_met)),
            Self::Not(part) => !part.holds(is_met),
        }
    }

    /// The same of other conditions; the first fault ends it.
    pub fn convert<M, E>(self, to: &mut dyn FnMut(L) -> Result<M, E>) -> Result<Filter<M>, E> {
        Ok(match self {
            Self::Is(leaf) => Filter::Is(to(leaf)?),
            Self::All(parts) => Filter::All(parts.into_iter().map(|part| part.convert(to)).collect::<Result<_, _>>()?),
            Self::Any(parts) => Filter::Any(parts.into_iter().map(|part| part.convert(to)).collect::<Result<_, _>>()?),
            Self::Not(part) => Filter::Not(Box::new(part.convert(to)?)),
        })
    }

    /// Its conditions, in their order.
    pub fn leaves(&self) -> Vec<&L> {
        match self {
            Self::Is(leaf) => vec![leaf],
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::leaves).collect(),
            Self::Not(part) => part.leaves(),
        }
    }

    /// What must be met whatever else is: the parts of an `and`, or the whole.
    pub fn into_parts(self) -> Vec<Self> {
        match self {
            Self::All(parts) => parts.into_iter().flat_map(Self::into_parts).collect(),
            other => vec![other],
        }
    }
}

impl<L> Filter<Filter<L>> {
    /// Conditions that are filters themselves, as parts of the whole.
    pub fn flatten(self) -> Filter<L> {
        match self {
            Self::Is(inner) => inner,
            Self::All(parts) => Filter::All(parts.into_iter().map(Self::flatten).collect()),
            Self::Any(parts) => Filter::Any(parts.into_iter().map(Self::flatten).collect()),
            Self::Not(part) => Filter::Not(Box::new(part.flatten())),
        }
    }
}

/// `birthdate ge 2014-10-10`, as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    pub path: String,
    pub operator: String,
    pub value: String,
}

impl Filter<Comparison> {
    /// Reads a filter; a sentence that says what is wrong with it otherwise.
    pub fn read(text: &str) -> Result<Self, String> {
        Reader::new(text, false)?.all(&mut |reader| {
            let path = reader.word("the name of a parameter")?;
            let operator = reader.word("an operator such as eq")?.to_ascii_lowercase();
            let value = match reader.next() {
                Some(Token::Word(text) | Token::Quoted(text)) => text,
                _ => return Err(format!("a value is missing behind the operator of condition {}", reader.leaves)),
            };
            Ok(Comparison { path, operator, value })
        })
    }
}

impl Filter<String> {
    /// Reads words: all that stand beside each other are asked for, `OR` asks for one of two, quotes keep a phrase together.
    pub fn read_words(text: &str) -> Result<Self, String> {
        Reader::new(text, true)?.all(&mut |reader| match reader.next() {
            Some(Token::Word(text) | Token::Quoted(text)) if text.contains(char::is_alphanumeric) => Ok(text),
            _ => Err("a word is missing, or has no letter and no digit".to_string()),
        })
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Open,
    Close,
    Word(String),
    Quoted(String),
}

struct Reader {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    /// Whether what stands beside each other is joined by `and`.
    is_joined: bool,
    leaves: usize,
}

type Leaf<'a, L> = &'a mut dyn FnMut(&mut Reader) -> Result<L, String>;

impl Reader {
    fn new(text: &str, is_joined: bool) -> Result<Self, String> {
        Ok(Self { tokens: tokens(text)?.into_iter().peekable(), is_joined, leaves: 0 })
    }

    fn next(&mut self) -> Option<Token> {
        self.tokens.next()
    }

    fn word(&mut self, what: &str) -> Result<String, String> {
        match self.next() {
            Some(Token::Word(text)) if !text.contains(['[', ']']) => Ok(text),
            Some(Token::Word(_)) => Err("filters in brackets (name[filter].name) are not supported".to_string()),
            _ => Err(format!("{what} is missing")),
        }
    }

    fn is_next(&mut self, keyword: &str) -> bool {
        matches!(self.tokens.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword))
    }

    fn all<L>(mut self, leaf: Leaf<'_, L>) -> Result<Filter<L>, String> {
        let filter = self.joined(0, leaf)?;
        match self.next() {
            None => Ok(filter),
            Some(_) => Err("a parenthesis is closed that was not opened".to_string()),
        }
    }

    /// From left to right: neither `and` nor `or` comes before the other.
    fn joined<L>(&mut self, depth: usize, leaf: Leaf<'_, L>) -> Result<Filter<L>, String> {
        let mut left = self.one(depth, leaf)?;
        loop {
            let (is_and, is_or) = (self.is_next("and"), self.is_next("or"));
            if is_and || is_or {
                self.next();
            } else if matches!(self.tokens.peek(), None | Some(Token::Close)) {
                return Ok(left);
            } else if !self.is_joined {
                return Err(
                    "between two conditions stands `and` or `or`; a value with spaces stands in quotes".to_string()
                );
            }
            let right = self.one(depth, leaf)?;
            left = match (left, is_or) {
                (Filter::All(mut parts), false) => {
                    parts.push(right);
                    Filter::All(parts)
                }
                (Filter::Any(mut parts), true) => {
                    parts.push(right);
                    Filter::Any(parts)
                }
                (left, false) => Filter::All(vec![left, right]),
                (left, true) => Filter::Any(vec![left, right]),
            };
        }
    }

    fn one<L>(&mut self, depth: usize, leaf: Leaf<'_, L>) -> Result<Filter<L>, String> {
        if depth > DEEPEST {
            return Err(format!("it is more than {DEEPEST} parentheses deep"));
        }
        if self.tokens.next_if_eq(&Token::Open).is_some() {
            let inner = self.joined(depth + 1, leaf)?;
            return match self.next() {
                Some(Token::Close) => Ok(inner),
                _ => Err("a parenthesis is not closed".to_string()),
            };
        }
        if self.is_next("not") {
            self.next();
            if !self.is_joined && self.tokens.peek() != Some(&Token::Open) {
                return Err("behind `not` stands a filter in parentheses".to_string());
            }
            return Ok(Filter::Not(Box::new(self.one(depth + 1, leaf)?)));
        }
        self.leaves += 1;
        let (most, what) = if self.is_joined { (MOST_WORDS, "words or phrases") } else { (MOST, "conditions") };
        if self.leaves > most {
            return Err(format!("it has more than {most} {what}"));
        }
        leaf(self).map(Filter::Is)
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let after = match first {
            '(' | ')' => {
                found.push(if first == '(' { Token::Open } else { Token::Close });
                rest.get(1..)
            }
            '"' => {
                let mut read = serde_json::Deserializer::from_str(rest).into_iter::<String>();
                let text = read.next().and_then(Result::ok);
                found.push(Token::Quoted(text.ok_or("a text in quotes is not closed, or no JSON string")?));
                rest.get(read.byte_offset()..)
            }
            _ => {
                let is_end = |letter: char| letter.is_whitespace() || letter == ')';
                let mut end = rest.find(is_end).unwrap_or(rest.len());
                if rest.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("not(")) {
                    end = 3;
                }
                found.extend(rest.get(..end).map(|word| Token::Word(word.to_string())));
                rest.get(end..)
            }
        };
        rest = after.unwrap_or_default().trim_start();
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(filter: &Filter<Comparison>) -> String {
        let joined = |parts: &[Filter<Comparison>], by: &str| {
            format!("({})", parts.iter().map(shape).collect::<Vec<_>>().join(by))
        };
        match filter {
            Filter::Is(one) => format!("{}:{}:{}", one.path, one.operator, one.value),
            Filter::All(parts) => joined(parts, "&"),
            Filter::Any(parts) => joined(parts, "|"),
            Filter::Not(part) => format!("!{}", shape(part)),
        }
    }

    #[test]
    fn filters_are_read_from_left_to_right() {
        for (text, expected) in [
            ("family co \"mei\"", "family:co:mei"),
            ("given EQ \"de la\" and birthdate ge 1961-02", "(given:eq:de la&birthdate:ge:1961-02)"),
            ("a eq 1 and b eq 2 or c eq 3 and d eq 4", "(((a:eq:1&b:eq:2)|c:eq:3)&d:eq:4)"),
            ("a eq 1 or (b eq 2 and c eq 3)", "(a:eq:1|(b:eq:2&c:eq:3))"),
            ("not (a eq 1) and not(b eq http://x.org|(2)", "(!a:eq:1&!b:eq:http://x.org|(2)"),
            ("subject.name sw \"O\\\"Hara\\u0020(x)\"", "subject.name:sw:O\"Hara (x)"),
            ("((a eq 1))", "a:eq:1"),
        ] {
            assert_eq!(shape(&Filter::read(text).unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_filter_says_why() {
        let deep = format!("{}a eq 1{}", "(".repeat(30), ")".repeat(30));
        let many = vec!["a eq 1"; 101].join(" or ");
        for (text, why) in [
            ("", "is missing"),
            ("status", "an operator"),
            ("status eq", "a value is missing"),
            ("(status eq a", "not closed"),
            ("status eq a)", "not opened"),
            ("status eq a b eq c", "between two"),
            ("not status eq a", "parentheses"),
            ("related[type eq \"a\"].target pr true", "brackets"),
            ("name eq \"a", "quotes"),
            ("and", "an operator"),
            (deep.as_str(), "deep"),
            (many.as_str(), "more than 100"),
        ] {
            let fault = Filter::<Comparison>::read(text).unwrap_err();
            assert!(fault.contains(why), "{text}: {fault}");
        }
    }

    #[test]
    fn words_are_joined_by_and_unless_they_say_otherwise() {
        let holds = |asked: &str, words: &[&str]| {
            Filter::<String>::read_words(asked).unwrap().holds(&|word| words.contains(&word.as_str()))
        };
        assert!(holds("(bone OR liver) and metastases", &["liver", "metastases"]));
        assert!(!holds("bone liver", &["liver"]) && holds("bone or liver", &["liver"]));
        assert!(holds("\"chest pain\" not fever", &["chest pain"]) && !holds("pain not fever", &["pain", "fever"]));
        for text in ["", "()", "\"", "- !", "a or"] {
            assert!(Filter::<String>::read_words(text).is_err(), "{text}");
        }
        let words = |count| Filter::<String>::read_words(&vec!["knee"; count].join(" ")).map(|_| ());
        assert_eq!((words(10), words(11)), (Ok(()), Err("it has more than 10 words or phrases".to_string())));
    }
}
