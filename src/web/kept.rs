//! What anybody is told of the interface, made once for each site in force: it is large, and asked without a token.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::web::Bytes;

use crate::site::Site;

/// Bodies by what they describe, of one site.
#[derive(Default)]
pub struct Kept(Mutex<Option<Of>>);

struct Of {
    site: Arc<Site>,
    bodies: BTreeMap<&'static str, Bytes>,
}

impl Kept {
    /// The body, made where it is not there; whoever else asks for one meanwhile waits for it.
    pub fn body(&self, site: &Arc<Site>, what: &'static str, make: impl FnOnce() -> String) -> Bytes {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of = match &mut *kept {
            Some(of) if Arc::ptr_eq(&of.site, site) => of,
            other => other.insert(Of { site: Arc::clone(site), bodies: BTreeMap::new() }),
        };
        of.bodies.entry(what).or_insert_with(|| Bytes::from(make())).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_made_once_for_each_site() {
        let (kept, folder) = (Kept::default(), tempfile::tempdir().unwrap());
        let site = || Arc::new(Site::bare(folder.path()));
        let (first, second) = (site(), site());
        let made = |site: &Arc<Site>, what, text: &str| kept.body(site, what, || text.to_string());
        assert_eq!(
            (made(&first, "a", "1"), made(&first, "a", "2"), made(&first, "b", "3")),
            ("1".into(), "1".into(), "3".into())
        );
        assert_eq!((made(&second, "a", "4"), made(&first, "a", "5")), ("4".into(), "5".into()));
    }
}
