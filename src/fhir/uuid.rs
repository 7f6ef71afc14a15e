//! UUIDs (RFC 9562) from bits that somebody else gives: random ones, and such as follow from what they name.

/// Version 4, of random bits.
pub fn random_uuid(bits: u128) -> String {
    written(bits, 4)
}

/// Version 8, of a hash: the same for the same.
pub fn named_uuid(hash: &[u8]) -> String {
    let bits = hash.iter().take(16).fold(0, |bits, byte| (bits << 8) | u128::from(*byte));
    written(bits, 8)
}

fn written(bits: u128, version: u128) -> String {
    let bits = (bits & !(0xf000 << 64) & !(0xc000 << 48)) | (version << 76) | (0x8000 << 48);
    let hex = format!("{bits:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_and_variant_stand_where_they_belong() {
        assert_eq!(random_uuid(0), "00000000-0000-4000-8000-000000000000");
        assert_eq!(random_uuid(u128::MAX), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        let hash: Vec<u8> = (1..=32).collect();
        assert_eq!(named_uuid(&hash), "01020304-0506-8708-890a-0b0c0d0e0f10");
    }
}
