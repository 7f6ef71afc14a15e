//! MSH-18 (HL7 table 0211) to an encoding, and both ways between bytes and text. Never fails: what cannot be decoded is
//! read as Windows-1252, the set that stray bytes really come from.

use std::borrow::Cow;

use encoding_rs::{BIG5, Encoding, GB18030, GBK, ISO_2022_JP, SHIFT_JIS, UTF_8, WINDOWS_1252};

use super::code_page::CodePage;

/// A character set messages are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charset(Set);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Set {
    Encoding(&'static Encoding),
    Page(&'static CodePage),
}

impl Default for Charset {
    fn default() -> Self {
        Self(Set::Encoding(UTF_8))
    }
}

impl Charset {
    /// Finds the set that a name in MSH-18 means: HL7's own names first, then every label of the WHATWG list,
    /// because senders write `UTF-8` or `ISO-8859-1` as often as `UNICODE UTF-8` and `8859/1`.
    ///
    /// UTF-16 and UTF-32 are not found: their bytes collide with the framing, and HL7 discourages them.
    pub fn named(name: &str) -> Option<Self> {
        let wanted = name.trim().to_ascii_uppercase();
        let label = match wanted.as_str() {
            // Bytes above 127 in "ASCII" are tried as UTF-8 first: the same as saying nothing.
            "ASCII" | "ISO IR6" | "US-ASCII" | "UNICODE UTF-8" | "UNICODE" | "UTF8" => return Some(Self::default()),
            "ISO IR14" | "ISO IR13" => return Some(Self(Set::Encoding(SHIFT_JIS))),
            "ISO IR87" | "ISO IR159" => return Some(Self(Set::Encoding(ISO_2022_JP))),
            "GB 18030-2000" => return Some(Self(Set::Encoding(GB18030))),
            "KS X 1001" => "euc-kr",
            "CNS 11643-1992" | "BIG-5" => return Some(Self(Set::Encoding(BIG5))),
            _ => wanted.as_str(),
        };
        if let Some(page) = CodePage::named(label) {
            return Some(Self(Set::Page(page)));
        }
        let label = match label.strip_prefix("8859/") {
            Some(part) => format!("iso-8859-{part}"),
            None => label.to_string(),
        };
        let found = Encoding::for_label(label.as_bytes())?;
        (found.is_ascii_compatible() || found == ISO_2022_JP).then_some(Self(Set::Encoding(found)))
    }

    /// The encoding's name, for a person.
    pub fn name(self) -> &'static str {
        match self.0 {
            Set::Encoding(encoding) => encoding.name(),
            Set::Page(page) => page.name,
        }
    }

    /// Text of some bytes.
    pub fn decode(self, bytes: &[u8]) -> Cow<'_, str> {
        let encoding = match self.0 {
            Set::Encoding(encoding) => encoding,
            Set::Page(page) if !bytes.is_ascii() => return Cow::Owned(page.decode(bytes)),
            Set::Page(_) => UTF_8,
        };
        if encoding == UTF_8 || (bytes.is_ascii() && encoding != ISO_2022_JP) {
            return match std::str::from_utf8(bytes) {
                Ok(text) => Cow::Borrowed(text),
                // Nothing lost: reading says that these bytes are not UTF-8.
                Err(_) => WINDOWS_1252.decode_without_bom_handling(bytes).0,
            };
        }
        encoding.decode_without_bom_handling(bytes).0
    }

    /// Whether some of the bytes are no character of this set: they are lost.
    pub fn loses(self, bytes: &[u8]) -> bool {
        match self.0 {
            Set::Encoding(encoding) => encoding.decode_without_bom_handling(bytes).1,
            Set::Page(_) => false,
        }
    }

    /// Whether bytes of this set that happen to be UTF-8 are so by chance: sets of several bytes for a character, where
    /// nearly any two bytes are one.
    pub(super) fn is_wide(self) -> bool {
        matches!(self.0, Set::Encoding(encoding) if !encoding.is_single_byte() && encoding != UTF_8)
    }

    /// Bytes of some text; a character the set lacks becomes `?`.
    pub fn encode(self, text: &str) -> Cow<'_, [u8]> {
        let encoding = match self.0 {
            Set::Encoding(encoding) => encoding,
            Set::Page(page) => return Cow::Owned(page.encode(text)),
        };
        let (bytes, _, lossy) = encoding.encode(text);
        if !lossy {
            return bytes;
        }
        let mut letter = [0_u8; 4];
        let replaced = text.chars().map(|c| if encoding.encode(c.encode_utf8(&mut letter)).2 { '?' } else { c });
        let replaced: String = replaced.collect();
        Cow::Owned(encoding.encode(&replaced).0.into_owned())
    }

    /// A copy of the same length in which no byte of a multi-byte character can be taken for a delimiter or a line end;
    /// nothing where the set has no such bytes.
    pub(super) fn mask(self, bytes: &[u8]) -> Option<Vec<u8>> {
        // Nothing lost: code pages have no characters of several bytes.
        let Set::Encoding(encoding) = self.0 else { return None };
        if encoding == ISO_2022_JP {
            return Some(mask_shifted(bytes));
        }
        let is_lead: fn(u8) -> bool = if encoding == SHIFT_JIS {
            |byte| matches!(byte, 0x81..=0x9F | 0xE0..=0xFC)
        } else if encoding == BIG5 || encoding == GBK || encoding == GB18030 {
            |byte| matches!(byte, 0x81..=0xFE)
        } else {
            return None;
        };
        let mut copy = bytes.to_vec();
        let mut after_lead = false;
        for byte in &mut copy {
            if after_lead && *byte >= 0x30 {
                *byte = MASKED;
                after_lead = false;
            } else {
                after_lead = is_lead(*byte);
            }
        }
        Some(copy)
    }
}

/// Not ASCII, so never a delimiter.
const MASKED: u8 = 0x80;

/// ISO 2022: between `ESC $ …` and `ESC ( …` every pair of bytes is one character. A line end always returns to ASCII.
fn mask_shifted(bytes: &[u8]) -> Vec<u8> {
    let mut copy = bytes.to_vec();
    let mut is_wide = false;
    for (at, byte) in copy.iter_mut().enumerate() {
        match *byte {
            0x1B => is_wide = bytes.get(at + 1) == Some(&b'$'),
            b'\r' | b'\n' => is_wide = false,
            _ if is_wide => *byte = MASKED,
            // Nothing lost: a byte that begins and ends nothing stays as it is.
            _ => {}
        }
    }
    copy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hl7_names_and_common_labels_are_found() {
        for (name, found) in [
            ("UNICODE UTF-8", "UTF-8"),
            ("utf-8", "UTF-8"),
            ("8859/1", "windows-1252"),
            ("8859/15", "ISO-8859-15"),
            ("ISO-8859-2", "ISO-8859-2"),
            ("ASCII", "UTF-8"),
            ("ISO IR87", "ISO-2022-JP"),
            ("GB 18030-2000", "gb18030"),
            ("cp1250", "windows-1250"),
            ("IBM437", "CP437"),
        ] {
            assert_eq!(Charset::named(name).unwrap().name(), found, "{name}");
        }
        assert!(Charset::named("KLINGON").is_none());
        assert!(Charset::named("UTF-16").is_none());
    }

    #[test]
    fn stray_bytes_are_read_as_windows_1252() {
        assert_eq!(Charset::default().decode(b"M\xFCller"), "Müller");
        assert_eq!(Charset::default().decode("Müller".as_bytes()), "Müller");
    }

    #[test]
    fn a_character_the_set_lacks_becomes_a_question_mark() {
        assert_eq!(&*Charset::named("8859/1").unwrap().encode("é漢"), b"\xE9?");
    }

    #[test]
    fn trail_bytes_that_look_like_delimiters_are_masked() {
        // In Shift_JIS 0x83 0x7C is one katakana letter whose second byte is |.
        let masked = Charset::named("Shift_JIS").unwrap().mask(b"a|\x83\x7C|b").unwrap();
        assert_eq!(masked.iter().filter(|&&byte| byte == b'|').count(), 2);
    }
}
