//! What a certificate says (X.509, RFC 5280): its common name and DNS alternative names, and when it holds. Reads only certificates
//! whose chain the TLS library has already verified, or that are ours; decides nothing about trust.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// When a certificate holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    pub from: Timestamp,
    pub until: Timestamp,
}

/// None for what is no certificate.
pub fn validity(der: &[u8]) -> Option<Validity> {
    // Serial number, signature, issuer, validity.
    let field = Elements(signed_fields(der)?).filter(|element| element.tag != VERSION).nth(3)?;
    let mut times = Elements(field.content).map(|time| time_of(&time));
    Some(Validity { from: times.next()??, until: times.next()?? })
}

/// UTCTime has two digits of the year, of which 50 and above are of the last century (4.1.2.5.1); GeneralizedTime has four.
fn time_of(element: &Element<'_>) -> Option<Timestamp> {
    let written = std::str::from_utf8(element.content).ok()?.strip_suffix('Z')?;
    let written = match element.tag {
        UTC_TIME => format!("{}{written}", if written.get(..2)? < "50" { "20" } else { "19" }),
        GENERALIZED_TIME => written.to_string(),
        _ => return None,
    };
    let time = DateTime::strptime("%Y%m%d%H%M%S", &written).ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// Common name of the subject first, then its DNS names, each once.
pub fn certificate_names(der: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    if let Some(fields) = signed_fields(der) {
        // Serial number, signature, issuer, validity, subject: the version before them is optional and tagged [0].
        let mut fields = Elements(fields).filter(|element| element.tag != VERSION);
        if let Some(subject) = fields.nth(4) {
            common_names(subject.content, &mut names);
        }
        if let Some(extensions) = fields.find(|element| element.tag == 0xA3) {
            dns_names(extensions.content, &mut names);
        }
    }
    let mut seen: Vec<String> = Vec::new();
    names.retain(|name| {
        let is_new = !seen.contains(name);
        seen.push(name.clone());
        is_new
    });
    names
}

/// Context tag 0 of TBSCertificate.
const VERSION: u8 = 0xA0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_IDENTIFIER: u8 = 0x06;
const OCTET_STRING: u8 = 0x04;
/// Context tag 2 of GeneralName.
const DNS_NAME: u8 = 0x82;
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const SUBJECT_ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1D, 0x11];

fn signed_fields(der: &[u8]) -> Option<&[u8]> {
    let certificate = Elements(der).next().filter(|element| element.tag == SEQUENCE)?;
    Some(Elements(certificate.content).next().filter(|element| element.tag == SEQUENCE)?.content)
}

fn common_names(subject: &[u8], names: &mut Vec<String>) {
    for set in Elements(subject).filter(|element| element.tag == SET) {
        for attribute in Elements(set.content) {
            let mut parts = Elements(attribute.content);
            let is_name = parts.next().is_some_and(|kind| kind.tag == OBJECT_IDENTIFIER && kind.content == COMMON_NAME);
            if let (true, Some(value)) = (is_name, parts.next()) {
                push_text(value.content, names);
            }
        }
    }
}

fn dns_names(extensions: &[u8], names: &mut Vec<String>) {
    let Some(list) = Elements(extensions).next() else { return };
    for extension in Elements(list.content) {
        let mut parts = Elements(extension.content);
        if parts.next().is_none_or(|kind| kind.content != SUBJECT_ALTERNATIVE_NAME) {
            continue;
        }
        let value = parts.find(|part| part.tag == OCTET_STRING);
        let general_names = value.and_then(|value| Elements(value.content).next());
        let general_names = general_names.map(|names| names.content).unwrap_or_default();
        Elements(general_names).filter(|name| name.tag == DNS_NAME).for_each(|name| push_text(name.content, names));
    }
}

fn push_text(bytes: &[u8], names: &mut Vec<String>) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        names.push(text.to_string());
    }
}

/// One DER element.
struct Element<'d> {
    tag: u8,
    content: &'d [u8],
}

/// Elements one after the other; stops at what is not one.
struct Elements<'d>(&'d [u8]);

impl<'d> Iterator for Elements<'d> {
    type Item = Element<'d>;

    fn next(&mut self) -> Option<Element<'d>> {
        let [tag, length, rest @ ..] = self.0 else { return None };
        let (length, rest) = match length {
            short @ 0..=0x7F => (usize::from(*short), rest),
            long @ 0x81..=0x84 => {
                let (digits, rest) = rest.split_at_checked(usize::from(long & 0x7F))?;
                (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(Element { tag: *tag, content })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn common_and_dns_names_are_found() {
        let names = vec!["sender.example".to_string(), "riverside".to_string()];
        let mut parameters = rcgen::CertificateParams::new(names).unwrap();
        parameters.distinguished_name.push(rcgen::DnType::OrganizationName, "Riverside");
        parameters.distinguished_name.push(rcgen::DnType::CommonName, "riverside");
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = parameters.self_signed(&key).unwrap();
        assert_eq!(certificate_names(certificate.der()), ["riverside", "sender.example"]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_fail(bytes in prop::collection::vec(prop::sample::select(vec![0x30_u8, 0x31, 3, 0x80, 0x84, 0xFF, 6, 0]), 0..60)) {
            prop_assert!(certificate_names(&bytes).len() <= bytes.len());
            prop_assert_eq!(validity(&bytes), None);
        }
    }
}
