//! When the certificates that a site names end (X.509, RFC 5280, 4.1.2.5), and when that is worth a word: two weeks before, or in the
//! last third of one that lives shorter.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::certificate::{Validity, validity};

const WARN_WITHIN: SignedDuration = SignedDuration::from_hours(14 * 24);

/// A PEM file of certificates that the site uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Certificate {
    /// The file of the site that names it: `feeds/riverside.yaml`. Empty where whoever asks has no right to know.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub used_by: String,
    /// As that file writes it; empty as above.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub file: String,
    #[serde(rename = "valid_from")]
    pub from: Timestamp,
    #[serde(rename = "expires")]
    pub until: Timestamp,
}

/// Which part of a file's certificates counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Ours, with those between it and its authority: all must hold, so the first to end counts.
    Own,
    /// Authorities that others are trusted by: any may do, so the last to end counts.
    Trusted,
}

impl Certificate {
    /// None where no certificate of the file says when it ends.
    pub fn of<'c>(used_by: &str, file: &str, kind: Use, chain: impl Iterator<Item = &'c [u8]>) -> Option<Self> {
        let all: Vec<Validity> = chain.filter_map(validity).collect();
        let counts = match kind {
            Use::Own => all.iter().min_by_key(|validity| validity.until),
            Use::Trusted => all.iter().max_by_key(|validity| validity.until),
        }?;
        let (used_by, file) = (used_by.to_string(), file.to_string());
        Some(Self { used_by, file, from: counts.from, until: counts.until })
    }

    /// What is to be said of it at this time.
    pub fn warning(&self, now: Timestamp) -> Option<String> {
        let left = self.until.duration_since(now);
        let lifetime = self.until.duration_since(self.from);
        let day = |time: Timestamp| time.strftime("%Y-%m-%d %H:%M UTC").to_string();
        if left <= SignedDuration::ZERO {
            return Some(format!("this certificate ended on {}; put a new one in its place", day(self.until)));
        }
        if now < self.from {
            return Some(format!("this certificate holds only from {} on", day(self.from)));
        }
        (left < WARN_WITHIN.min(lifetime / 3)).then(|| {
            let days = left.as_hours() / 24;
            let left = if days == 1 { "1 day".to_string() } else { format!("{days} days") };
            format!("this certificate ends on {}, in {left}; put a new one in its place", day(self.until))
        })
    }

    /// For the metric: who uses which file, and when it ends in seconds since 1970.
    pub fn label(&self) -> (String, String, i64) {
        (self.used_by.clone(), self.file.clone(), self.until.as_second())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(from: &str, until: &str) -> Certificate {
        let time = |text: &str| format!("{text}T00:00:00Z").parse().unwrap();
        Certificate { used_by: String::new(), file: String::new(), from: time(from), until: time(until) }
    }

    #[test]
    fn a_certificate_is_told_of_when_it_ends_soon_for_how_long_it_lives() {
        for (from, until, now, told) in [
            ("2026-01-01", "2027-01-01", "2026-12-17", None),
            ("2026-01-01", "2027-01-01", "2026-12-20", Some("in 12 days")),
            ("2026-01-01", "2027-01-01", "2026-12-31", Some("in 1 day;")),
            ("2026-01-01", "2027-01-01", "2027-01-01", Some("ended on 2027-01-01 00:00 UTC")),
            ("2026-01-01", "2026-01-07", "2026-01-05", None),
            ("2026-01-01", "2026-01-07", "2026-01-06", Some("in 1 day;")),
            ("2026-02-01", "2027-01-01", "2026-01-15", Some("holds only from 2026-02-01")),
        ] {
            let now = format!("{now}T00:00:00Z").parse().unwrap();
            let warning = certificate(from, until).warning(now);
            match told {
                None => assert_eq!(warning, None, "{from} {until} {now}"),
                Some(words) => assert!(warning.as_ref().unwrap().contains(words), "{warning:?}"),
            }
        }
    }

    #[test]
    fn of_our_chain_the_first_to_end_counts_and_of_authorities_the_last() {
        let issue = |year: i32| {
            let mut parameters = rcgen::CertificateParams::new(vec!["x.example".to_string()]).unwrap();
            parameters.not_before = rcgen::date_time_ymd(2025, 1, 1);
            parameters.not_after = rcgen::date_time_ymd(year, 6, 30);
            parameters.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().der().to_vec()
        };
        let chain = [issue(2031), issue(2027), issue(2055)];
        let of = |kind| Certificate::of("a", "b", kind, chain.iter().map(Vec::as_slice)).unwrap().until.to_string();
        assert_eq!(of(Use::Own), "2027-06-30T00:00:00Z");
        assert_eq!(of(Use::Trusted), "2055-06-30T00:00:00Z", "after 2049 the year has four digits");
        assert_eq!(Certificate::of("a", "b", Use::Own, [&b"no certificate"[..]].into_iter()), None);
    }
}
