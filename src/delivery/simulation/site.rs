//! The site that all seeds share, and the way from it to each partner.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use crate::agreement::{Names, compile};
use crate::delivery::own_keys::{OwnKeys, own_keys_for_tests};
use crate::delivery::stand_in::partner;
use crate::site::{Partner, RetryPolicy, Site};
use crate::yaml::Source;

pub const PARTNERS: usize = 3;

/// Seconds until a gateway waits no longer, and how long after that something may still arrive.
pub const TIMEOUT: u64 = 5;
pub const LATE: u64 = 40;

pub fn name(number: usize) -> String {
    format!("partner-{number}")
}

/// With `late` as what the site says of how late something may arrive.
pub fn made(late: u64) -> Arc<Site> {
    let mut site = Site::bare(Path::new("/"));
    let mut agreements = Vec::new();
    for number in 0..PARTNERS {
        let retry = RetryPolicy { first_secs: 1, factor: 2, longest_secs: 15, give_up_after_hours: 1 };
        let name = name(number);
        let made = partner(&format!("https://{name}.example/fhir"), None);
        let made = Partner { name: name.clone(), retry, timeout_secs: TIMEOUT, late_secs: late, parallel: 2, ..made };
        site.partners.insert(name.clone(), Partner { rate_per_sec: 10_000, ..made });
        let text = format!(
            "agreement: a-{number}\npartner: {name}\npurpose: [TREAT]\npatients: {{ all: true }}\n\
             receives: [{{ resource: Task, push: immediate }}]\ntransaction: {}\ncoalesce: {}\n",
            number == 1,
            number == 2
        );
        agreements.push(Source::new(format!("agreements/{name}.yaml"), text));
    }
    let names = Names { partners: None, panels: None, value_sets: site.value_sets.clone() };
    let (compiled, problems) = compile(&agreements, &names);
    assert_eq!(problems, []);
    site.agreements = compiled;
    Arc::new(site)
}

pub static SITE: LazyLock<Arc<Site>> = LazyLock::new(|| made(LATE));

/// Keys are dear to make and never used here.
pub static KEY: LazyLock<OwnKeys> = LazyLock::new(own_keys_for_tests);
