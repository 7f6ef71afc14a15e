//! The character sets of DOS that some senders still write in, and that the web's list of encodings does not have: the upper half
//! of each, as Unicode (https://www.unicode.org/Public/MAPPINGS/VENDORS/MICSFT/PC/).

/// A set of one byte for each character whose lower half is ASCII.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CodePage {
    pub name: &'static str,
    /// The characters of 80 to FF.
    upper: &'static str,
}

const PAGES: [CodePage; 4] = [
    CodePage {
        name: "CP437",
        upper: "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
                └┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}",
    },
    CodePage {
        name: "CP850",
        upper: "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐\
                └┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}",
    },
    CodePage {
        name: "CP852",
        upper: "ÇüéâäůćçłëŐőîŹÄĆÉĹĺôöĽľŚśÖÜŤťŁ×čáíóúĄąŽžĘę¬źČş«»░▒▓│┤ÁÂĚŞ╣║╗╝Żż┐\
                └┴┬├─┼Ăă╚╔╩╦╠═╬¤đĐĎËďŇÍÎě┘┌█▄ŢŮ▀ÓßÔŃńňŠšŔÚŕŰýÝţ´\u{ad}˝˛ˇ˘§÷¸°¨˙űŘř■\u{a0}",
    },
    CodePage {
        name: "CP858",
        upper: "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐\
                └┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈ€ÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}",
    },
];

impl CodePage {
    /// The page with a number, however its name is written: `cp850`, `IBM850`, `850`.
    pub fn named(name: &str) -> Option<&'static Self> {
        let digits = name.trim_start_matches(|sign: char| !sign.is_ascii_digit());
        let prefix = name.strip_suffix(digits)?.trim_end_matches(['-', '_', ' ']);
        let is_prefix = ["", "CP", "IBM", "DOS", "PC"].contains(&prefix);
        PAGES.iter().find(|page| is_prefix && page.name.strip_prefix("CP") == Some(digits))
    }

    pub fn decode(&self, bytes: &[u8]) -> String {
        bytes.iter().map(|byte| self.character(*byte)).collect()
    }

    /// Bytes of some text; a character the page lacks becomes `?`.
    pub fn encode(&self, text: &str) -> Vec<u8> {
        text.chars().map(|character| self.byte(character).unwrap_or(b'?')).collect()
    }

    fn character(&self, byte: u8) -> char {
        match byte.checked_sub(0x80) {
            None => char::from(byte),
            Some(place) => self.upper.chars().nth(usize::from(place)).unwrap_or(char::REPLACEMENT_CHARACTER),
        }
    }

    fn byte(&self, character: char) -> Option<u8> {
        if character.is_ascii() {
            // Nothing lost: an ASCII character is a byte.
            return u8::try_from(character).ok();
        }
        let place = self.upper.chars().position(|known| known == character)?;
        // Nothing lost: a page has 128 places.
        u8::try_from(place + 0x80).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_every_page_comes_back() {
        let all: Vec<u8> = (0..=255).collect();
        for page in &PAGES {
            assert_eq!(page.upper.chars().count(), 128, "{}", page.name);
            assert_eq!(page.encode(&page.decode(&all)), all, "{}", page.name);
        }
    }

    #[test]
    fn pages_are_found_by_their_number() {
        for name in ["CP850", "IBM850", "850", "CP-850"] {
            assert_eq!(CodePage::named(name).unwrap().name, "CP850");
        }
        assert!(CodePage::named("CP1250").is_none() && CodePage::named("KOI850").is_none());
        assert_eq!(CodePage::named("CP850").unwrap().decode(b"Gr\x81\xe1e"), "Grüße");
        assert_eq!(CodePage::named("CP852").unwrap().encode("Łódź?漢"), b"\x9d\xa2d\xab??");
    }
}
