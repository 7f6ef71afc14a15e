//! The elements of an XML text (https://www.w3.org/TR/xml/) that may be FHIR's, with the offset of each. Nothing from outside
//! is read: a DTD ends the reading, and so does every entity beyond XML's own five. Bounded in depth, elements and attributes.

use quick_xml::NsReader;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;

const FHIR: &[u8] = b"http://hl7.org/fhir";
const SCHEMA: &[u8] = b"http://www.w3.org/2001/XMLSchema-instance";

/// As deep as JSON is read.
const MOST_DEPTH: usize = 128;
const MOST_ELEMENTS: usize = 2_000_000;
const MOST_ATTRIBUTES: usize = 64;

/// Something wrong, and between which bytes.
#[derive(Debug)]
pub(super) struct Wrong {
    pub start: usize,
    pub end: usize,
    /// What to change, in a sentence.
    pub text: String,
}

#[derive(Debug, Default)]
pub(super) struct Element<'t> {
    pub name: String,
    /// Of its opening tag.
    pub start: usize,
    pub end: usize,
    /// Names as they are written, without declarations of namespaces.
    pub attributes: Vec<(String, String)>,
    pub children: Vec<Element<'t>>,
    /// All of it, for the `div` of a narrative, whose inside is not looked at here.
    pub narrative: Option<&'t str>,
}

/// What an XML text has.
pub(super) struct Elements<'t> {
    pub root: Element<'t>,
    /// What is no FHIR and could be passed over.
    pub wrong: Vec<Wrong>,
}

/// Why there are no elements.
pub(super) enum Failure {
    /// The text is not to be read as XML.
    Unreadable(Wrong),
    /// It is XML, but not of FHIR's.
    Foreign,
}

impl From<Wrong> for Failure {
    fn from(wrong: Wrong) -> Self {
        Self::Unreadable(wrong)
    }
}

pub(super) fn elements(text: &str) -> Result<Elements<'_>, Failure> {
    let mut reading = Reading { text, at: 0, open: Vec::new(), root: None, wrong: Vec::new(), foreign: 0, count: 0 };
    let mut reader = NsReader::from_str(text);
    loop {
        reading.at = offset(reader.buffer_position());
        let event = reader.read_event().map_err(|error| {
            // What it says of names is left out: they may be a patient's.
            let at = offset(reader.error_position()).min(text.len());
            let kind = match error {
                quick_xml::Error::IllFormed(_) => "an element is not closed, or closed under another name",
                _ => "something is not as XML has it",
            };
            wrong(at, at + 1, format!("this is not readable as XML: {kind}"))
        })?;
        let end = offset(reader.buffer_position());
        match event {
            Event::Eof => break,
            Event::Start(tag) => reading.open(&reader, &tag, end)?,
            Event::Empty(tag) => {
                reading.open(&reader, &tag, end)?;
                reading.close(end);
            }
            Event::End(_) => reading.close(end),
            Event::Text(words) if words.iter().all(u8::is_ascii_whitespace) => {}
            Event::Text(_) | Event::CData(_) => reading.words(end)?,
            Event::GeneralRef(reference) => {
                let is_known = matches!(&*reference, b"lt" | b"gt" | b"amp" | b"quot" | b"apos")
                    || reference.resolve_char_ref().is_ok_and(|letter| letter.is_some());
                if !is_known {
                    return Err(reading.here(end, UNKNOWN_ENTITY).into());
                }
                reading.words(end)?;
            }
            Event::DocType(_) => {
                return Err(reading.here(end, "FHIR's XML has no DTD (R4, 2.6.1); take this away").into());
            }
            Event::Decl(declaration) => {
                let is_utf8 = match declaration.encoding() {
                    Some(Ok(name)) => name.eq_ignore_ascii_case(b"utf-8"),
                    Some(Err(_)) => false,
                    None => true,
                };
                if !is_utf8 || reading.at > 0 {
                    return Err(reading
                        .here(end, "FHIR's XML is UTF-8 and says so on its first line, if at all")
                        .into());
                }
            }
            Event::Comment(_) | Event::PI(_) => {}
        }
    }
    match reading.root {
        Some(root) => Ok(Elements { root, wrong: reading.wrong }),
        None if !reading.open.is_empty() => {
            let last = text.char_indices().next_back().map_or(0, |(at, _)| at);
            let why = "this is not readable as XML: it ends before its elements do";
            Err(wrong(last, text.len(), why.to_string()).into())
        }
        None => Err(wrong(0, 1, "this is not readable as XML: there is no element".to_string()).into()),
    }
}

const UNKNOWN_ENTITY: &str =
    "this entity is none of XML's own (lt, gt, amp, quot, apos); write the character, or &#160; and the like";

struct Reading<'t> {
    text: &'t str,
    /// Where what is being read starts.
    at: usize,
    open: Vec<Element<'t>>,
    root: Option<Element<'t>>,
    wrong: Vec<Wrong>,
    /// How many elements are open inside one that is passed over, with it.
    foreign: usize,
    count: usize,
}

impl<'t> Reading<'t> {
    fn here(&self, end: usize, text: &str) -> Wrong {
        wrong(self.at, end, text.to_string())
    }

    /// Whether what is read belongs to a narrative, or to what is passed over.
    fn is_apart(&self) -> bool {
        self.foreign > 0 || self.open.last().is_some_and(|element| element.narrative.is_some())
    }

    fn open(&mut self, reader: &NsReader<&'t [u8]>, tag: &BytesStart<'_>, end: usize) -> Result<(), Failure> {
        self.count += 1;
        if self.open.len() + self.foreign >= MOST_DEPTH {
            return Err(self.here(end, "the elements are nested too deeply").into());
        }
        if self.count > MOST_ELEMENTS {
            return Err(self.here(end, "there are more elements than are read at once").into());
        }
        if self.root.is_some() {
            return Err(self.here(end, "this is not readable as XML: there is one element around all").into());
        }
        let name = String::from_utf8_lossy(tag.local_name().into_inner()).into_owned();
        let attributes = self.attributes(reader, tag, end)?;
        if self.is_apart() {
            self.foreign += 1;
            return Ok(());
        }
        let is_narrative = name == "div" && !self.open.is_empty();
        let is_fhir = matches!(reader.resolver().resolve_element(tag.name()).0, ResolveResult::Bound(space) if space.into_inner() == FHIR);
        if self.open.is_empty() && !is_fhir {
            return Err(Failure::Foreign);
        }
        if !is_narrative && !is_fhir {
            let text = "this element is not in FHIR's namespace (http://hl7.org/fhir), and nothing else may stand here";
            self.wrong.push(self.here(end, text));
            self.foreign += 1;
            return Ok(());
        }
        let narrative = is_narrative.then_some("");
        self.open.push(Element { name, start: self.at, end, attributes, children: Vec::new(), narrative });
        Ok(())
    }

    fn attributes(
        &mut self,
        reader: &NsReader<&'t [u8]>,
        tag: &BytesStart<'_>,
        end: usize,
    ) -> Result<Vec<(String, String)>, Failure> {
        let mut attributes = Vec::new();
        for (index, attribute) in tag.attributes().enumerate() {
            if index >= MOST_ATTRIBUTES {
                return Err(self.here(end, "there are more attributes than are read").into());
            }
            let attribute = attribute
                .map_err(|_| self.here(end, "an attribute stands here twice, or is not written name=\"value\""))?;
            let value = attribute.normalized_value(quick_xml::XmlVersion::Explicit1_0);
            let (Ok(value), false) = (value, attribute.value.contains(&b'<')) else {
                return Err(self.here(end, UNKNOWN_ENTITY).into());
            };
            let is_schema_place = self.open.is_empty()
                && attribute.key.local_name().into_inner() == b"schemaLocation"
                && matches!(reader.resolver().resolve_attribute(attribute.key).0, ResolveResult::Bound(space) if space.into_inner() == SCHEMA);
            if attribute.key.as_namespace_binding().is_none() && !is_schema_place {
                let name = String::from_utf8_lossy(attribute.key.into_inner()).into_owned();
                attributes.push((name, value.into_owned()));
            }
        }
        Ok(attributes)
    }

    fn close(&mut self, end: usize) {
        if self.foreign > 0 {
            self.foreign -= 1;
            return;
        }
        let Some(mut element) = self.open.pop() else { return };
        if element.narrative.is_some() {
            element.narrative = self.text.get(element.start..end);
        }
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
    }

    /// Text is where a narrative is, and nowhere else.
    fn words(&mut self, end: usize) -> Result<(), Failure> {
        if self.open.is_empty() {
            return Err(self.here(end, "this is not readable as XML: text stands outside its element").into());
        }
        if !self.is_apart() {
            let words = self.text.get(self.at..end).unwrap_or_default();
            let start = self.at + words.len() - words.trim_ascii_start().len();
            let text = "no text belongs here: FHIR's values stand in the attribute `value`";
            self.wrong.push(wrong(start, end, text.to_string()));
        }
        Ok(())
    }
}

fn wrong(start: usize, end: usize, text: String) -> Wrong {
    Wrong { start, end, text }
}

fn offset(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}
