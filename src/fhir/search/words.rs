//! Words of a narrative (`_text`) and of a whole resource (`_content`) (http://hl7.org/fhir/R4/search.html#content): found from their
//! beginning, whatever the case and accents. What is held as base64 is no text.

use serde_json::Value;

use super::filter::Filter;
use super::text::{fold, has_word};
use crate::fhir::resource::Resource;

/// What is asked of words.
#[derive(Debug, Clone, PartialEq)]
pub struct Words {
    /// Whether the whole resource is looked at.
    is_whole: bool,
    /// Each as it is compared.
    asked: Filter<String>,
}

impl Words {
    /// Reads `(bone OR liver) and metastases`; a sentence that says what is wrong with it otherwise.
    pub fn read(is_whole: bool, text: &str) -> Result<Self, String> {
        let asked = Filter::read_words(text)?.convert(&mut |word| Ok::<_, String>(plain(&word)))?;
        Ok(Self { is_whole, asked })
    }

    pub fn are_in(&self, resource: &Resource) -> bool {
        let mut text = String::new();
        if self.is_whole {
            resource.as_map().iter().for_each(|(name, value)| gather(name, value, &mut text));
        } else if let Some(narrative) = resource.get("text") {
            gather("text", narrative, &mut text);
        }
        let text = plain(&text);
        self.asked.holds(&|word| has_word(&text, word))
    }
}

/// Words parted by one space, without what stands between them.
fn plain(text: &str) -> String {
    fold(&fold(text).replace(|letter: char| !letter.is_alphanumeric(), " "))
}

fn gather(name: &str, value: &Value, text: &mut String) {
    let mut put = |part: &str| {
        text.push_str(part);
        text.push(' ');
    };
    match value {
        // Nothing lost: base64 has no words.
        Value::String(_) if name == "data" => {}
        Value::String(markup) if name == "div" => put(&without_tags(markup)),
        Value::String(part) => put(part),
        Value::Number(number) => put(&number.to_string()),
        Value::Array(items) => items.iter().for_each(|item| gather(name, item, text)),
        Value::Object(members) => members.iter().for_each(|(name, value)| gather(name, value, text)),
        Value::Bool(_) | Value::Null => {}
    }
}

/// `&#x10FFFF;`
const LONGEST_ENTITY: usize = 10;

/// What XHTML says, each tag a space. Each letter is looked at once or twice, however broken the markup is.
fn without_tags(markup: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(markup.len()), markup);
    let mut has_tag_end = true;
    while let Some(place) = rest.find(['<', '&']) {
        let (before, from) = rest.split_at(place);
        out.push_str(before);
        let end = if from.starts_with('&') {
            let is_within = |letter: &u8| letter.is_ascii_alphanumeric() || b"&#".contains(letter);
            let name = from.bytes().take(LONGEST_ENTITY).take_while(is_within).count();
            (from.as_bytes().get(name) == Some(&b';')).then_some(name)
        } else if has_tag_end {
            from.find('>')
        } else {
            None
        };
        has_tag_end &= from.starts_with('&') || end.is_some();
        let letter = if from.starts_with('&') { end.and_then(|end| entity(from.get(1..end)?)) } else { None };
        out.push(letter.unwrap_or(' '));
        // A sign that begins nothing is one.
        rest = from.get(end.map_or(1, |end| end + 1)..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// The letter of an entity; names beyond those of XML are rare in what is written here, and part words.
fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let read = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            // Nothing lost: what is no letter parts words.
            char::from_u32(read.ok()?)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_are_found_in_the_narrative_or_anywhere() {
        let resource: Resource = json!({ "resourceType": "Condition", "id": "c1",
            "text": { "status": "additional", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\"><b>D&#233;compensation</b>cardiaque &lt; 3 j</div>" },
            "code": { "coding": [{ "code": "84114007", "display": "Heart failure" }], "text": "CHF" },
            "note": [{ "text": "Swollen ankles" }], "contained": [{ "resourceType": "Binary", "data": "ankles" }],
            "onsetAge": { "value": 71 } })
        .try_into()
        .unwrap();
        for (text, in_narrative, anywhere) in [
            ("decomp", true, true),
            ("cardiaque décompensation", true, true),
            ("compensation", false, false),
            ("xhtml", false, false),
            ("heart", false, true),
            ("\"heart failure\" ankles", false, true),
            ("\"failure heart\"", false, false),
            ("kidney OR swollen", false, true),
            ("84114007", false, true),
            ("71", false, true),
            ("\"cardiaque < 3\"", true, true),
            ("cardiaque not heart", true, false),
        ] {
            let found = |is_whole| Words::read(is_whole, text).unwrap().are_in(&resource);
            assert_eq!((found(false), found(true)), (in_narrative, anywhere), "{text}");
        }
    }

    #[test]
    fn broken_markup_is_read_once() {
        for (markup, text) in [
            ("a<br/>b &lt;&#x3c;", "a b <<"),
            ("5 & 6; 7 &nbsp; 8", "5   6; 7   8"),
            ("1 < 2 &amp; 3", "1   2 & 3"),
            ("<b>é</b>&éàüöäî; x <i", " é  éàüöäî; x  i"),
        ] {
            assert_eq!(without_tags(markup), text, "{markup}");
        }
        // Each of these was looked for to the end before: half a minute.
        let begun = std::time::Instant::now();
        for sign in ["<", "&", "&<"] {
            without_tags(&sign.repeat(1_000_000));
        }
        assert!(begun.elapsed() < std::time::Duration::from_secs(10), "{:?}", begun.elapsed());
    }
}
