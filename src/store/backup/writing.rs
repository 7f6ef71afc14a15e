//! Makes a backup of pairs that are given in order, and hands it on part by part. Holds one part in memory, and knows nothing of
//! where it goes.

use super::format::{
    ABOUT, About, Content, END, End, FORMAT, GIVEN_UP, PAIRS, PART_BYTES, Sum, chained, first_line, length, sum,
};

/// Where bytes of a backup go; false when nobody takes them any more.
pub type Give<'g> = dyn FnMut(Vec<u8>) -> bool + 'g;

pub struct Writer<'g> {
    give: &'g mut Give<'g>,
    before: Sum,
    part: Vec<u8>,
    pub content: Content,
}

impl<'g> Writer<'g> {
    /// Says what it is. None when nobody takes it.
    pub fn begin(about: &About, give: &'g mut Give<'g>) -> Option<Self> {
        let line = first_line(FORMAT);
        let before = sum(&[line.as_bytes()]);
        let mut writer = Self { give, before, part: Vec::new(), content: Content::default() };
        let about = serde_json::to_vec(about).ok()?;
        ((writer.give)(line.into_bytes()) && writer.put(ABOUT, &about)).then_some(writer)
    }

    /// Adds a pair; false when nobody takes it any more.
    pub fn pair(&mut self, key: &[u8], value: &[u8]) -> bool {
        self.content.add(key, value);
        self.part.extend_from_slice(&length(key).to_be_bytes());
        self.part.extend_from_slice(key);
        self.part.extend_from_slice(&length(value).to_be_bytes());
        self.part.extend_from_slice(value);
        self.part.len() < PART_BYTES || self.put_pairs()
    }

    /// Closes it; only now it is whole. False when nobody takes the end.
    pub fn end(mut self, end: &End) -> bool {
        let text = serde_json::to_vec(end).unwrap_or_default();
        self.put_pairs() && self.put(END, &text)
    }

    /// Closes it with why it is not whole.
    pub fn give_up(mut self, why: &str) {
        self.put(GIVEN_UP, why.as_bytes());
    }

    fn put_pairs(&mut self) -> bool {
        if self.part.is_empty() {
            return true;
        }
        let mut part = std::mem::take(&mut self.part);
        let taken = self.put(PAIRS, &part);
        part.clear();
        self.part = part;
        taken
    }

    fn put(&mut self, what: u8, bytes: &[u8]) -> bool {
        let small = lz4_flex::block::compress(bytes);
        let mut part = vec![what];
        part.extend_from_slice(&length(&small).to_be_bytes());
        part.extend_from_slice(&length(bytes).to_be_bytes());
        let sum = chained(&self.before, &part, &small);
        part.extend_from_slice(&sum);
        part.extend_from_slice(&small);
        let taken = (self.give)(part);
        // What follows a part that was not taken follows the one before it.
        if taken {
            self.before = sum;
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::store::backup::check;

    #[test]
    fn what_is_given_up_says_so_behind_a_part_that_nobody_took() {
        let about = About { made: Timestamp::UNIX_EPOCH, program: "0".into(), engine: "fjall".into(), layout: FORMAT };
        let (mut taken, mut offered) = (Vec::new(), 0);
        let mut give = |part: Vec<u8>| {
            offered += 1;
            // The first line and what it is are taken, then a part is not, then the rest again.
            let takes = offered != 3;
            taken.extend(part.into_iter().filter(|_| takes));
            takes
        };
        let mut writer = Writer::begin(&about, &mut give).unwrap();
        assert!(!writer.pair(b"key", &vec![7; PART_BYTES]));
        writer.give_up("the store is being closed");
        let told = check(&taken[..], &mut |_| {}).unwrap_err().to_string();
        assert!(told.contains("given up: the store is being closed"), "{told}");
    }
}
