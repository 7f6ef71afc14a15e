//! MSH-1 and MSH-2: the characters that part a message (HL7 v2.5.1, 2.5.4; the truncation character: v2.7, 2.5.5.2).

/// The delimiters of one message. All are distinct ASCII punctuation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delimiters {
    pub field: u8,
    pub component: u8,
    /// Older senders end MSH-2 early; what is not declared does not part anything.
    pub repetition: Option<u8>,
    pub escape: Option<u8>,
    pub subcomponent: Option<u8>,
    pub truncation: Option<u8>,
}

impl Default for Delimiters {
    /// The recommended ones: `|^~\&`.
    fn default() -> Self {
        Self {
            field: b'|',
            component: b'^',
            repetition: Some(b'~'),
            escape: Some(b'\\'),
            subcomponent: Some(b'&'),
            truncation: None,
        }
    }
}

impl Delimiters {
    /// Reads them from bytes that begin with `MSH`, `FHS` or `BHS`.
    ///
    /// # Errors
    /// Says in words why the message cannot be parted.
    pub fn read(header: &[u8]) -> Result<Self, &'static str> {
        let field = *header.get(3).ok_or("the message ends before its field separator (MSH-1)")?;
        if !is_usable(field) {
            return Err("the field separator (MSH-1) is not a punctuation character; use |");
        }
        let rest = header.get(4..).unwrap_or_default();
        let declared = rest.iter().take_while(|&&byte| byte != field && byte != b'\r' && byte != b'\n');
        // Nothing lost: six are one more than there can be; what follows them is refused below.
        let declared: Vec<u8> = declared.take(6).copied().collect();
        let Some(&component) = declared.first() else {
            return Err("the encoding characters (MSH-2) are empty; use ^~\\&");
        };
        if declared.len() > 5 || !declared.iter().all(|&byte| is_usable(byte)) {
            return Err("the encoding characters (MSH-2) are not four or five punctuation characters; use ^~\\&");
        }
        let repeated =
            declared.iter().enumerate().any(|(at, byte)| declared.iter().skip(at + 1).any(|next| next == byte));
        if repeated {
            return Err("the encoding characters (MSH-2) name one character twice; use ^~\\&");
        }
        let at = |n: usize| declared.get(n).copied();
        Ok(Self { field, component, repetition: at(1), escape: at(2), subcomponent: at(3), truncation: at(4) })
    }

    /// MSH-2 as text.
    pub fn encoding_characters(&self) -> String {
        let declared = [Some(self.component), self.repetition, self.escape, self.subcomponent, self.truncation];
        declared.iter().map_while(|byte| byte.map(char::from)).collect()
    }

    /// A copy of the bytes in which delimiters are sought, without subcomponent separators between blanks: `Smith & Jones`
    /// is a name whose `&` was not escaped, for no part of a value begins or ends with a blank. Nothing where there is none.
    pub(super) fn without_spaced(&self, structure: &[u8]) -> Option<Vec<u8>> {
        let wanted = [b' ', self.subcomponent?, b' '];
        let mut copy: Option<Vec<u8>> = None;
        for (at, _) in structure.windows(3).enumerate().filter(|(_, bytes)| *bytes == wanted) {
            let copy = copy.get_or_insert_with(|| structure.to_vec());
            if let Some(byte) = copy.get_mut(at + 1) {
                *byte = b' ';
            }
        }
        copy
    }

    /// Whether this byte parts repetitions, components or subcomponents.
    pub fn parts_fields(&self, byte: u8) -> bool {
        byte == self.component || Some(byte) == self.repetition || Some(byte) == self.subcomponent
    }
}

/// Letters and digits would part words, control characters are the framing's, and bytes above 127 belong to characters.
fn is_usable(byte: u8) -> bool {
    byte.is_ascii_punctuation() && byte != b'"'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fifth_character_is_the_truncation_character() {
        let read = Delimiters::read(b"MSH|^~\\&#|A").unwrap();
        assert_eq!(read.truncation, Some(b'#'));
        assert_eq!(read.encoding_characters(), "^~\\&#");
    }

    #[test]
    fn an_ampersand_between_blanks_parts_nothing() {
        let delimiters = Delimiters::default();
        assert_eq!(delimiters.without_spaced(b"PID|Doe&van|A &B").as_deref(), None);
        assert_eq!(delimiters.without_spaced(b"A&B & C").as_deref(), Some(&b"A&B   C"[..]));
    }

    #[test]
    fn a_short_list_leaves_the_rest_undeclared() {
        let read = Delimiters::read(b"MSH*^~*A").unwrap();
        assert_eq!((read.field, read.repetition, read.escape), (b'*', Some(b'~'), None));
    }

    #[test]
    fn letters_repeats_and_nothing_are_refused() {
        for bad in [&b"MSHx^~\\&x"[..], b"MSH|^^\\&|", b"MSH||A", b"MSH", b"MSH|^~\\&$%|", b"MSH|ABCD|"] {
            assert!(Delimiters::read(bad).is_err());
        }
    }
}
