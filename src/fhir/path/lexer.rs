//! Splits an expression into tokens (http://hl7.org/fhirpath/N1/#lexical-elements). Knows no grammar.

use super::error::PathError;

/// What a token is. Keywords are identifiers here: FHIR has elements named `contains` and `is`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Identifier(String),
    /// An identifier in backticks, which is never a keyword.
    Quoted(String),
    Text(String),
    Number(String),
    /// A date or dateTime, without `@`.
    Date(String),
    /// A time, without `@T`.
    Time(String),
    /// `$this`, `$index`, `$total`, without `$`.
    Special(String),
    /// `%name`, without `%`.
    Variable(String),
    Symbol(&'static str),
    End,
}

const SYMBOLS: &[&str] =
    &["<=", ">=", "!=", "!~", "=", "~", "<", ">", "+", "-", "*", "/", "&", "|", ".", ",", "(", ")", "[", "]", "{", "}"];

/// The longest expression that is read, in characters.
const MAX_LENGTH: usize = 16_384;

struct Lexer<'t> {
    rest: &'t str,
    position: u32,
}

/// All tokens with their positions in characters; the last is `End`.
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, u32)>, PathError> {
    if text.len() > MAX_LENGTH {
        return Err(PathError::at(0, format!("an expression may have at most {MAX_LENGTH} characters")));
    }
    let mut lexer = Lexer { rest: text, position: 0 };
    let mut found = Vec::new();
    loop {
        lexer.skip_blanks()?;
        let at = lexer.position;
        let token = lexer.next()?;
        let is_end = token == Token::End;
        found.push((token, at));
        if is_end {
            return Ok(found);
        }
    }
}

impl<'t> Lexer<'t> {
    fn take(&mut self, length: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.rest = rest;
        self.position += u32::try_from(taken.chars().count()).unwrap_or(u32::MAX);
        taken
    }

    fn take_while(&mut self, holds: impl Fn(char) -> bool) -> &'t str {
        let length = self.rest.find(|letter| !holds(letter)).unwrap_or(self.rest.len());
        self.take(length)
    }

    fn skip_blanks(&mut self) -> Result<(), PathError> {
        loop {
            self.take_while(char::is_whitespace);
            if self.rest.starts_with("//") {
                self.take_while(|letter| letter != '\n' && letter != '\r');
            } else if self.rest.starts_with("/*") {
                let at = self.position;
                let length =
                    self.rest.find("*/").ok_or_else(|| PathError::at(at, "this comment never ends; add `*/`"))?;
                self.take(length + 2);
            } else {
                return Ok(());
            }
        }
    }

    fn next(&mut self) -> Result<Token, PathError> {
        let Some(first) = self.rest.chars().next() else { return Ok(Token::End) };
        match first {
            'a'..='z' | 'A'..='Z' | '_' => Ok(Token::Identifier(self.identifier())),
            '0'..='9' => Ok(self.number()),
            '\'' => Ok(Token::Text(self.quoted('\'')?)),
            '`' => Ok(Token::Quoted(self.quoted('`')?)),
            '@' => self.moment(),
            '$' => {
                self.take(1);
                Ok(Token::Special(self.identifier()))
            }
            '%' => self.variable(),
            _ => match SYMBOLS.iter().find(|symbol| self.rest.starts_with(**symbol)) {
                Some(symbol) => {
                    self.take(symbol.len());
                    Ok(Token::Symbol(symbol))
                }
                None => Err(PathError::at(self.position, format!("`{first}` has no meaning here"))),
            },
        }
    }

    fn identifier(&mut self) -> String {
        self.take_while(|letter| letter.is_ascii_alphanumeric() || letter == '_').to_string()
    }

    /// Names of value sets carry dashes: `%ed-follow-up-codes`. To subtract, write a space before the minus.
    fn dashed_identifier(&mut self) -> String {
        let mut name = self.identifier();
        while self.rest.starts_with('-') && self.rest.chars().nth(1).is_some_and(|letter| letter.is_ascii_alphabetic())
        {
            name.push_str(self.take(1));
            name.push_str(&self.identifier());
        }
        name
    }

    fn variable(&mut self) -> Result<Token, PathError> {
        self.take(1);
        match self.rest.chars().next() {
            Some(mark @ ('`' | '\'')) => Ok(Token::Variable(self.quoted(mark)?)),
            Some('"') => Ok(Token::Variable(self.quoted('"')?)),
            Some(letter) if letter.is_ascii_alphabetic() || letter == '_' => {
                Ok(Token::Variable(self.dashed_identifier()))
            }
            _ => Err(PathError::at(self.position, "a name must follow `%`")),
        }
    }

    fn number(&mut self) -> Token {
        let is_digit = |letter: char| letter.is_ascii_digit();
        let mut text = self.take_while(is_digit).to_string();
        let mut after = self.rest.chars();
        if after.next() == Some('.') && after.next().is_some_and(is_digit) {
            text.push_str(self.take(1));
            text.push_str(self.take_while(is_digit));
        }
        Token::Number(text)
    }

    fn moment(&mut self) -> Result<Token, PathError> {
        let at = self.position;
        self.take(1);
        if self.rest.starts_with('T') {
            self.take(1);
            let clock = self.clock();
            if self.rest.starts_with(['Z', '+']) || self.offset_follows() {
                return Err(PathError::at(at, "a time of day has no time zone"));
            }
            return Ok(Token::Time(clock));
        }
        let mut text = self.take_while(|letter| letter.is_ascii_digit()).to_string();
        while self.rest.starts_with('-') && self.rest.chars().nth(1).is_some_and(|letter| letter.is_ascii_digit()) {
            text.push_str(self.take(1));
            text.push_str(self.take_while(|letter| letter.is_ascii_digit()));
        }
        if self.rest.starts_with('T') {
            text.push_str(self.take(1));
            let clock = self.clock();
            let has_clock = !clock.is_empty();
            text.push_str(&clock);
            if self.rest.starts_with('Z') {
                text.push_str(self.take(1));
            } else if has_clock && self.offset_follows() {
                text.push_str(self.take(6));
            }
        }
        Ok(Token::Date(text))
    }

    fn offset_follows(&self) -> bool {
        let bytes = self.rest.as_bytes();
        matches!(bytes, [b'+' | b'-', a, b, b':', c, d, ..] if [a, b, c, d].iter().all(|digit| digit.is_ascii_digit()))
    }

    fn clock(&mut self) -> String {
        let mut text = self.take_while(|letter| letter.is_ascii_digit() || letter == ':').to_string();
        let mut after = self.rest.chars();
        if after.next() == Some('.') && after.next().is_some_and(|letter| letter.is_ascii_digit()) {
            text.push_str(self.take(1));
            text.push_str(self.take_while(|letter| letter.is_ascii_digit()));
        }
        text
    }

    fn quoted(&mut self, mark: char) -> Result<String, PathError> {
        let start = self.position;
        self.take(1);
        let mut text = String::new();
        loop {
            let at = self.position;
            let Some(letter) = self.rest.chars().next() else {
                return Err(PathError::at(start, format!("this text never ends; add `{mark}`")));
            };
            self.take(letter.len_utf8());
            if letter == mark {
                return Ok(text);
            }
            if letter != '\\' {
                text.push(letter);
                continue;
            }
            let escape = self.rest.chars().next().unwrap_or_default();
            self.take(escape.len_utf8());
            text.push(match escape {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'f' => '\u{c}',
                '\\' | '/' | '\'' | '"' | '`' => escape,
                'u' => {
                    let digits = self.take(4);
                    let code = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32);
                    code.ok_or_else(|| PathError::at(at, "four hexadecimal digits must follow `\\u`"))?
                }
                _ => return Err(PathError::at(at, format!("`\\{escape}` is no escape; write `\\\\` for a backslash"))),
            });
        }
    }
}
