//! Where a listing goes on, as it stands in a page's link: encrypted and signed with a key of the site (AES-256-GCM), so that it
//! tells nothing and nobody can make one; it counts for the same partner and the same question only, and for a day. A login on its way
//! through the organisation's provider is sealed the same way.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;

use super::answer::Fault;
use crate::problem::Category;
use crate::store::Cursor;

/// A link that is older leads nowhere any more.
const LIFE_SECS: i64 = 24 * 3600;

/// Longer texts are none of ours.
const LONGEST: usize = 4096;

/// Seals cursors and opens them again.
pub struct Seal(RandomizedNonceKey);

impl Seal {
    /// None for a key that is none.
    pub fn new(key: [u8; 32]) -> Option<Self> {
        RandomizedNonceKey::new(&AES_256_GCM, &key).ok().map(Self)
    }

    /// `about` says who asked and what.
    pub fn close(&self, cursor: &Cursor, about: &str, now: Timestamp) -> Result<String, Fault> {
        let unsealed = || Fault::unavailable("the link to the next page could not be made; ask again");
        let text = self.seal(cursor.0.as_bytes(), about, now).ok_or_else(unsealed)?;
        if text.len() > LONGEST {
            let text = "what this search sorts by is too long to go on from; sort by something shorter";
            return Err(Fault::bad_request(Category::TooCostly, text));
        }
        Ok(text)
    }

    pub fn open(&self, text: &str, about: &str, now: Timestamp) -> Result<Cursor, Fault> {
        let read = self.unseal(text, about).and_then(|(made, bytes)| Some((made, String::from_utf8(bytes).ok()?)));
        let (made, cursor) = read.ok_or_else(|| {
            let text =
                "this is not a page link that the gateway made for you and this search; use the links as they are";
            Fault::bad_request(Category::Value, text)
        })?;
        if now.as_second() - made > LIFE_SECS {
            let text = "this page link is older than a day; search again";
            return Err(Fault::bad_request(Category::Expired, text));
        }
        Ok(Cursor(cursor))
    }

    /// Anything, as text that nobody else can read or make.
    pub fn seal(&self, content: &[u8], about: &str, now: Timestamp) -> Option<String> {
        let mut bytes = now.as_second().to_be_bytes().to_vec();
        bytes.extend_from_slice(content);
        let nonce = self.0.seal_in_place_append_tag(Aad::from(about.as_bytes()), &mut bytes).ok()?;
        Some(URL_SAFE_NO_PAD.encode([nonce.as_ref().as_slice(), &bytes].concat()))
    }

    /// The second in which it was sealed, and what was.
    pub fn unseal(&self, text: &str, about: &str) -> Option<(i64, Vec<u8>)> {
        let bytes = URL_SAFE_NO_PAD.decode(Some(text).filter(|text| text.len() <= LONGEST)?).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut sealed = sealed.to_vec();
        let content = self.0.open_in_place(nonce, Aad::from(about.as_bytes()), &mut sealed).ok()?;
        let (made, content) = content.split_first_chunk()?;
        Some((i64::from_be_bytes(*made), content.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_went_out_and_shows_nothing() {
        let (seal, now) = (Seal::new([7; 32]).unwrap(), Timestamp::UNIX_EPOCH);
        let cursor = Cursor("0466c3b6".to_string());
        let text = seal.close(&cursor, "practice Task", now).unwrap();
        assert!(!text.contains("0466") && text != seal.close(&cursor, "practice Task", now).unwrap());
        assert_eq!(seal.open(&text, "practice Task", now).unwrap(), cursor);
    }

    #[test]
    fn it_counts_for_one_question_one_key_and_one_day() {
        let (seal, now) = (Seal::new([7; 32]).unwrap(), Timestamp::UNIX_EPOCH);
        let text = seal.close(&Cursor("x".into()), "practice Task", now).unwrap();
        let later = now + SignedDuration::from_hours(25);
        assert_eq!(seal.open(&text, "practice Task", later).unwrap_err().problem.category, Category::Expired);
        assert!(seal.open(&text, "clinic Task", now).is_err() && seal.open(&text, "practice Flag", now).is_err());
        assert!(Seal::new([8; 32]).unwrap().open(&text, "practice Task", now).is_err());
        let mut other = text.clone().into_bytes();
        other[20] ^= 1;
        for wrong in ["", "%%%", "AAAA", &"A".repeat(5000), &String::from_utf8(other).unwrap(), &text[..text.len() - 2]]
        {
            assert!(seal.open(wrong, "practice Task", now).is_err(), "{wrong}");
        }
    }
}
