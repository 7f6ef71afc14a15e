//! What a partner asked for, as it is kept among the messages: the request in HTTP's own form, with its body as it came, so that people
//! can read it and a replay takes the same again. Never keeps a token.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;

use crate::identity::ResourceId;

/// One request of a partner.
#[derive(Debug, Clone, PartialEq)]
pub struct Submission {
    pub partner: String,
    /// `X-Request-Id`: the same request under the same number is answered again and done once. None where the client gives none.
    pub request_id: Option<String>,
    pub interaction: Interaction,
    /// The resource was found by a condition, so that the body need not say which it is.
    pub is_conditional: bool,
    /// The versions that `If-Match` names; none where it does not stand there.
    pub if_match: Option<Vec<String>>,
    /// What conditions in it match, by their text (`Patient?identifier=a|1`); looked up before it comes here.
    pub matched: BTreeMap<String, Condition>,
    pub media_type: String,
    pub body: Vec<u8>,
    /// The number and the time of the request that this one replays.
    pub replays: Option<(u64, Timestamp)>,
}

/// How many a condition matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    None,
    One(ResourceId),
    Several,
}

/// http://hl7.org/fhir/R4/http.html#summary
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Interaction {
    /// With the condition of `If-None-Exist`.
    Create {
        kind: String,
        unless: Option<String>,
    },
    Update {
        kind: String,
        id: ResourceId,
    },
    Patch {
        kind: String,
        id: ResourceId,
    },
    Delete {
        kind: String,
        id: ResourceId,
    },
    Transaction,
    /// http://hl7.org/fhir/R4/messageheader-operation-process-message.html
    Message,
}

impl Interaction {
    /// As lists of messages name it: `update Task`.
    pub fn event(&self) -> String {
        let (verb, kind) = match self {
            Self::Create { kind, .. } => ("create", kind.as_str()),
            Self::Update { kind, .. } => ("update", kind.as_str()),
            Self::Patch { kind, .. } => ("patch", kind.as_str()),
            Self::Delete { kind, .. } => ("delete", kind.as_str()),
            Self::Transaction => return "transaction".to_string(),
            Self::Message => return "message".to_string(),
        };
        format!("{verb} {kind}")
    }
}

const MATCHED: &str = "handover-matched";
const MESSAGE: &str = "$process-message";
const CONDITIONAL: &str = "handover-conditional";

impl Submission {
    /// The bytes that are kept.
    pub fn kept(&self) -> Vec<u8> {
        let mut head = match &self.interaction {
            Interaction::Create { kind, .. } => format!("POST {kind}\r\n"),
            Interaction::Update { kind, id } => format!("PUT {kind}/{id}\r\n"),
            Interaction::Patch { kind, id } => format!("PATCH {kind}/{id}\r\n"),
            Interaction::Delete { kind, id } => format!("DELETE {kind}/{id}\r\n"),
            Interaction::Transaction => "POST \r\n".to_string(),
            Interaction::Message => format!("POST {MESSAGE}\r\n"),
        };
        let mut line = |name: &str, value: &str| {
            // Nothing lost: a String takes what is written, and no header holds a line break.
            let _ = write!(head, "{name}: {}\r\n", value.replace(['\r', '\n'], " "));
        };
        line("content-type", &self.media_type);
        if self.is_conditional {
            line(CONDITIONAL, "yes");
        }
        if let Some(versions) = &self.if_match {
            line("if-match", &versions.join(", "));
        }
        if let Interaction::Create { unless: Some(unless), .. } = &self.interaction {
            line("if-none-exist", unless);
        }
        for (text, found) in &self.matched {
            let found = match found {
                Condition::None => "nothing".to_string(),
                Condition::One(id) => id.to_string(),
                Condition::Several => "several".to_string(),
            };
            line(MATCHED, &format!("{found} {text}"));
        }
        head.push_str("\r\n");
        [head.as_bytes(), &self.body].concat()
    }

    /// Reads what was kept; none where it is no such request.
    pub fn read(partner: &str, kept: &[u8], replays: (u64, Timestamp)) -> Option<Self> {
        let end = kept.windows(4).position(|four| four == b"\r\n\r\n")?;
        let (head, body) = (std::str::from_utf8(kept.get(..end)?).ok()?, kept.get(end + 4..)?);
        let mut lines = head.split("\r\n");
        let (method, path) = lines.next()?.split_once(' ')?;
        let mut submission = Self {
            partner: partner.to_string(),
            request_id: None,
            interaction: Interaction::Transaction,
            is_conditional: false,
            if_match: None,
            matched: BTreeMap::new(),
            media_type: String::new(),
            body: body.to_vec(),
            replays: Some(replays),
        };
        let mut unless = None;
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            match name {
                "content-type" => submission.media_type = value.to_string(),
                CONDITIONAL => submission.is_conditional = true,
                "if-match" => {
                    let versions = value.split(", ").filter(|version| !version.is_empty());
                    submission.if_match = Some(versions.map(String::from).collect());
                }
                "if-none-exist" => unless = Some(value.to_string()),
                MATCHED => {
                    let (found, text) = value.split_once(' ')?;
                    submission.matched.insert(text.to_string(), Condition::read(found)?);
                }
                _ => return None,
            }
        }
        let (kind, id) = path.split_once('/').unwrap_or((path, ""));
        let kind = kind.to_string();
        submission.interaction = match (method, kind.is_empty()) {
            ("POST", true) => Interaction::Transaction,
            ("POST", false) if kind == MESSAGE => Interaction::Message,
            ("POST", false) => Interaction::Create { kind, unless },
            ("PUT", _) => Interaction::Update { kind, id: id.parse().ok()? },
            ("PATCH", _) => Interaction::Patch { kind, id: id.parse().ok()? },
            ("DELETE", _) => Interaction::Delete { kind, id: id.parse().ok()? },
            _ => return None,
        };
        Some(submission)
    }
}

impl Condition {
    fn read(text: &str) -> Option<Self> {
        match text {
            "nothing" => Some(Self::None),
            "several" => Some(Self::Several),
            // Nothing lost: what is no id was not kept by us, and the request is not read.
            id => id.parse().ok().map(Self::One),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::PersonId;

    #[test]
    fn what_is_kept_reads_back_as_it_was_asked() {
        let id = ResourceId::patient(PersonId([7; 10]));
        let kind = "Observation".to_string();
        let unless = Some("Observation?identifier=a|1".to_string());
        let all = [
            Interaction::Create { kind: kind.clone(), unless },
            Interaction::Update { kind: kind.clone(), id },
            Interaction::Patch { kind: kind.clone(), id },
            Interaction::Delete { kind, id },
            Interaction::Transaction,
            Interaction::Message,
        ];
        for interaction in all {
            let asked = Submission {
                partner: "practice".to_string(),
                request_id: None,
                interaction,
                is_conditional: true,
                if_match: Some(vec!["1".to_string(), "2".to_string()]),
                matched: BTreeMap::from([("Patient?identifier=a|1".to_string(), Condition::One(id))]),
                media_type: "application/fhir+json".to_string(),
                body: b"{ \"a\":\r\n\r\n1 }".to_vec(),
                replays: Some((1, Timestamp::UNIX_EPOCH)),
            };
            assert_eq!(Submission::read("practice", &asked.kept(), (1, Timestamp::UNIX_EPOCH)), Some(asked));
        }
        assert_eq!(Submission::read("practice", b"MSH|^~\\&|", (1, Timestamp::UNIX_EPOCH)), None);
    }
}
