//! What keeps passwords from being guessed: so many tries for one name and from one address, then a wait that doubles. A try is counted
//! before it is looked at, so that many at once are no way around. Names that nobody has count like any other.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use actix_web::HttpRequest;
use actix_web::http::header::HeaderValue;
use jiff::{SignedDuration, Timestamp};

use crate::site::Site;

/// Of one name, and from one address, behind which a whole practice may sit.
const TRIES_OF_NAME: u32 = 5;
const TRIES_OF_ADDRESS: u32 = 30;
const FIRST_WAIT: SignedDuration = SignedDuration::from_mins(5);
const LONGEST_WAIT: SignedDuration = SignedDuration::from_mins(60);
/// What nobody tried for so long is as if it had never been tried.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(2);
/// Names and addresses remembered, each; the one tried longest ago makes room.
const MOST: usize = 4096;

/// The tries that were made.
#[derive(Default)]
pub(super) struct Guesses {
    names: Mutex<HashMap<String, Tries>>,
    addresses: Mutex<HashMap<IpAddr, Tries>>,
    /// What came to nothing at the organisation's login; apart, since passwords are the way in when that is down.
    elsewhere: Mutex<HashMap<IpAddr, Tries>>,
}

#[derive(Clone, Copy)]
struct Tries {
    count: u32,
    last: Timestamp,
    /// Nothing is looked at before.
    until: Option<Timestamp>,
    /// How often there was a wait.
    waits: u32,
}

/// Whether a try is looked at.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// How many more there are after this one.
    Open {
        left: u32,
    },
    Waits {
        until: Timestamp,
    },
}

impl Guesses {
    /// Counts a try.
    pub(super) fn begin(&self, name: &str, address: IpAddr, now: Timestamp) -> Standing {
        let of_name = count(&self.names, name.to_string(), TRIES_OF_NAME, now);
        let of_address = count(&self.addresses, network(address), TRIES_OF_ADDRESS, now);
        match (of_name, of_address) {
            (Standing::Open { left }, Standing::Open { left: other }) => Standing::Open { left: left.min(other) },
            (Standing::Waits { until }, Standing::Waits { until: other }) => {
                Standing::Waits { until: until.max(other) }
            }
            (waits @ Standing::Waits { .. }, _) | (_, waits) => waits,
        }
    }

    /// Counts what came from an address by the organisation's login and led to nobody.
    pub(super) fn led_to_nobody(&self, address: IpAddr, now: Timestamp) -> Standing {
        count(&self.elsewhere, network(address), TRIES_OF_ADDRESS, now)
    }

    /// It was right: the name is as if it had not been tried, and the address as if this try had not been.
    pub(super) fn passed(&self, name: &str, address: IpAddr) {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tries) = addresses.get_mut(&network(address)) {
            tries.count = tries.count.saturating_sub(1);
            if tries.count + 1 == TRIES_OF_ADDRESS {
                (tries.until, tries.waits) = (None, tries.waits.saturating_sub(1));
            }
        }
    }
}

/// Who asks, also through proxies of the site's own.
pub(super) fn caller(site: &Site, request: &HttpRequest) -> IpAddr {
    let peer = request.peer_addr().map(|peer| peer.ip());
    let forwarded = request.headers().get_all("x-forwarded-for").map(HeaderValue::as_bytes);
    site.settings.http.caller(peer, forwarded).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}

/// One caller has a whole /64 of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => {
            let [a, b, c, d, ..] = six.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        four @ IpAddr::V4(_) => four,
    }
}

fn count<K: Hash + Eq + Clone>(all: &Mutex<HashMap<K, Tries>>, key: K, most: u32, now: Timestamp) -> Standing {
    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
    if all.len() >= MOST && !all.contains_key(&key) {
        let oldest = all.iter().min_by_key(|(_, tries)| tries.last).map(|(key, _)| key.clone());
        oldest.and_then(|oldest| all.remove(&oldest));
    }
    let fresh = Tries { count: 0, last: now, until: None, waits: 0 };
    let tries = all.entry(key).or_insert(fresh);
    if let Some(until) = tries.until.filter(|until| *until > now) {
        return Standing::Waits { until };
    }
    if tries.until.take().is_some() {
        tries.count = 0;
    }
    if now.duration_since(tries.last) > FORGOTTEN {
        *tries = fresh;
    }
    (tries.count, tries.last) = (tries.count + 1, now);
    if tries.count >= most {
        let wait = (0..tries.waits).fold(FIRST_WAIT, |wait, _| (wait * 2).min(LONGEST_WAIT));
        tries.until = Some(now.saturating_add(wait).unwrap_or(Timestamp::MAX));
        tries.waits += 1;
    }
    Standing::Open { left: most.saturating_sub(tries.count) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + seconds).unwrap()
    }

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    #[test]
    fn five_wrong_tries_of_a_name_make_it_wait_from_wherever_they_come() {
        let guesses = Guesses::default();
        for try_number in 1..=5 {
            let left = u32::from(5 - try_number);
            assert_eq!(guesses.begin("nbrooks", address(try_number), at(0)), Standing::Open { left });
        }
        assert_eq!(guesses.begin("nbrooks", address(9), at(1)), Standing::Waits { until: at(300) });
        assert_eq!(
            guesses.begin("treyes", address(9), at(1)),
            Standing::Open { left: 4 },
            "another name does not wait"
        );
        assert_eq!(guesses.begin("nbrooks", address(9), at(300)), Standing::Open { left: 4 });
        for _ in 0..4 {
            guesses.begin("nbrooks", address(9), at(301));
        }
        assert_eq!(
            guesses.begin("nbrooks", address(9), at(302)),
            Standing::Waits { until: at(301 + 600) },
            "twice as long"
        );
        assert_eq!(guesses.begin("nbrooks", address(9), at(901 + 7_201)), Standing::Open { left: 4 });
    }

    #[test]
    fn the_right_password_takes_its_tries_back() {
        let guesses = Guesses::default();
        for _ in 0..4 {
            guesses.begin("nbrooks", address(1), at(0));
        }
        assert_eq!(guesses.begin("nbrooks", address(1), at(0)), Standing::Open { left: 0 });
        guesses.passed("nbrooks", address(1));
        assert_eq!(guesses.begin("nbrooks", address(1), at(1)), Standing::Open { left: 4 });
    }

    #[test]
    fn an_address_that_tries_many_names_waits_and_a_network_of_ipv6_is_one_address() {
        let guesses = Guesses::default();
        let six = |last: u16| IpAddr::from(Ipv6Addr::new(0x2001, 0xdb8, 1, 2, last, last, last, last));
        for number in 0..30_u16 {
            assert!(matches!(guesses.begin(&format!("name{number}"), six(number), at(0)), Standing::Open { .. }));
        }
        assert_eq!(guesses.begin("another", six(77), at(1)), Standing::Waits { until: at(300) });
        assert!(matches!(guesses.begin("other", address(7), at(1)), Standing::Open { .. }));
    }

    #[test]
    fn what_is_remembered_is_bounded_and_who_waits_last_stays() {
        let guesses = Guesses::default();
        for _ in 0..5 {
            guesses.begin("nbrooks", address(1), at(0));
        }
        for number in 0..MOST - 1 {
            let bytes = u32::try_from(number).unwrap().to_be_bytes();
            guesses.begin(&format!("n{number}"), [10, bytes[1], bytes[2], bytes[3]].into(), at(1));
        }
        assert_eq!(guesses.names.lock().unwrap().len(), MOST);
        assert_eq!(guesses.begin("nbrooks", address(1), at(2)), Standing::Waits { until: at(300) });
    }
}
