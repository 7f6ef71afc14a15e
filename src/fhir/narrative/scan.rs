//! Takes XHTML apart into tags and text (https://www.w3.org/TR/xml/), in one pass and without copying. Knows no elements.
//! Refuses what a narrative never has: declarations, processing instructions, entities that are not XML's own.

/// A part of the XHTML.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part<'t> {
    Open {
        name: &'t str,
        attributes: Vec<(&'t str, &'t str)>,
        is_closed: bool,
    },
    Close(&'t str),
    /// Whether it shows anything.
    Text {
        is_visible: bool,
    },
}

/// What is wrong with it.
pub(super) type Wrong = &'static str;

/// The most attributes an element may have.
const MAX_ATTRIBUTES: usize = 64;

pub(super) struct Scanner<'t> {
    rest: &'t str,
    /// Bytes read so far.
    pub position: usize,
}

impl<'t> Scanner<'t> {
    pub fn new(text: &'t str) -> Self {
        Self { rest: text, position: 0 }
    }

    fn take(&mut self, length: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.rest = rest;
        self.position += taken.len();
        taken
    }

    fn take_until(&mut self, stop: impl Fn(char) -> bool) -> &'t str {
        let length = self.rest.find(stop).unwrap_or(self.rest.len());
        self.take(length)
    }

    /// Takes what stands before a mark, and the mark.
    fn take_past(&mut self, mark: &str) -> Option<&'t str> {
        let length = self.rest.find(mark)?;
        let taken = self.take(length);
        self.take(mark.len());
        Some(taken)
    }

    fn accept(&mut self, mark: &str) -> bool {
        let found = self.rest.starts_with(mark);
        if found {
            self.take(mark.len());
        }
        found
    }

    /// The next part; none at the end.
    pub fn next(&mut self) -> Result<Option<Part<'t>>, Wrong> {
        loop {
            if self.rest.is_empty() {
                return Ok(None);
            }
            if self.accept("<!--") {
                let comment = self.take_past("-->").ok_or("a comment never ends")?;
                if comment.contains("--") {
                    return Err("a comment must not hold `--`");
                }
            } else if self.accept("<![CDATA[") {
                let text = self.take_past("]]>").ok_or("a CDATA section never ends")?;
                return Ok(Some(Part::Text { is_visible: is_visible(text) }));
            } else if self.rest.starts_with("<!") || self.rest.starts_with("<?") {
                return Err("declarations and processing instructions are not allowed");
            } else if self.accept("</") {
                let name = self.name()?;
                self.take_until(|letter| !letter.is_ascii_whitespace());
                return if self.accept(">") { Ok(Some(Part::Close(name))) } else { Err("an end tag is not closed") };
            } else if self.accept("<") {
                return self.open().map(Some);
            } else {
                let text = self.take_until(|letter| letter == '<');
                return decode(text).map(|text| Some(Part::Text { is_visible: is_visible(&text) }));
            }
        }
    }

    fn name(&mut self) -> Result<&'t str, Wrong> {
        let is_part = |letter: char| letter.is_alphanumeric() || matches!(letter, ':' | '_' | '-' | '.');
        let name = self.take_until(|letter| !is_part(letter));
        let is_name = name.starts_with(|letter: char| letter.is_alphabetic() || letter == '_');
        if is_name { Ok(name) } else { Err("`<` begins no tag here; write `&lt;` for the character") }
    }

    fn open(&mut self) -> Result<Part<'t>, Wrong> {
        let name = self.name()?;
        let mut attributes: Vec<(&'t str, &'t str)> = Vec::new();
        loop {
            let blanks = self.take_until(|letter| !letter.is_ascii_whitespace());
            if self.accept("/>") {
                return Ok(Part::Open { name, attributes, is_closed: true });
            }
            if self.accept(">") {
                return Ok(Part::Open { name, attributes, is_closed: false });
            }
            if blanks.is_empty() || attributes.len() >= MAX_ATTRIBUTES {
                return Err("a tag is not closed, or its attributes are not apart");
            }
            let attribute = self.name().map_err(|_| "a tag is not closed")?;
            self.take_until(|letter| !letter.is_ascii_whitespace());
            if !self.accept("=") {
                return Err("an attribute has no value");
            }
            self.take_until(|letter| !letter.is_ascii_whitespace());
            let mark = if self.accept("\"") {
                "\""
            } else if self.accept("'") {
                "'"
            } else {
                return Err("the value of an attribute has no quotes");
            };
            let value = self.take_past(mark).ok_or("the value of an attribute never ends")?;
            if value.contains('<') || attributes.iter().any(|(own, _)| *own == attribute) {
                return Err("an attribute stands twice, or holds `<`");
            }
            attributes.push((attribute, value));
        }
    }
}

fn is_visible(text: &str) -> bool {
    text.chars().any(|letter| !letter.is_whitespace())
}

/// Text with its references replaced. Only XML's five entities exist, because a narrative declares none.
pub(super) fn decode(text: &str) -> Result<std::borrow::Cow<'_, str>, Wrong> {
    if text.chars().any(|letter| !is_character(letter)) {
        return Err("there is a control character");
    }
    if !text.contains('&') {
        return Ok(text.into());
    }
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        decoded.push_str(before);
        let unknown = "an entity is not known to XML; write the character itself";
        let (name, tail) = after.split_once(';').ok_or("`&` begins no reference; write `&amp;` for the character")?;
        decoded.push(match (name, name.strip_prefix('#')) {
            ("lt", _) => '<',
            ("gt", _) => '>',
            ("amp", _) => '&',
            ("quot", _) => '"',
            ("apos", _) => '\'',
            (_, Some(number)) => {
                let code = match number.strip_prefix('x') {
                    Some(digits) => u32::from_str_radix(digits, 16),
                    None => number.parse(),
                };
                let letter = code.ok().and_then(char::from_u32).filter(|letter| is_character(*letter));
                letter.ok_or("a reference stands for no character")?
            }
            _ => return Err(unknown),
        });
        rest = tail;
    }
    decoded.push_str(rest);
    Ok(decoded.into())
}

/// https://www.w3.org/TR/xml/#charsets
fn is_character(letter: char) -> bool {
    matches!(letter, '\t' | '\n' | '\r') || (letter >= ' ' && !matches!(letter, '\u{fffe}' | '\u{ffff}'))
}
