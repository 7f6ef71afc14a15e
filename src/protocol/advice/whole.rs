//! All that is odd about the protocols of a site.

use std::collections::BTreeSet;

use super::{never, never_alert, overlap, proven, sent, unit};
use crate::problem::{Category, Place, Problem};
use crate::protocol::model::Protocol;
use crate::protocol::set::ProtocolSet;
use crate::yaml::Mark;

impl ProtocolSet {
    /// Warnings; `sent` are the types of resources that the site's feeds and partners send. Of what is shipped nobody is told that a
    /// site does not send it.
    pub fn oddities(&self, sent: &BTreeSet<String>) -> Vec<Problem> {
        let mut found = Vec::new();
        for protocol in self.protocols() {
            let mut odd = |mark: &Mark, text: String| found.push(warning(mark, text));
            never::look(protocol, &mut odd);
            never_alert::look(protocol, &mut odd);
            unit::look(protocol, self.value_sets(), &mut odd);
            if !is_shipped(protocol) {
                sent::look(protocol, sent, &mut odd);
            }
        }
        overlap::look(self.protocols(), &mut |mark, text| found.push(warning(mark, text)));
        found
    }

    /// A fault for each rule of the site's own protocols that no example brings about.
    pub fn unproven(&self) -> Vec<Problem> {
        let own = self.protocols().iter().filter(|protocol| !is_shipped(protocol));
        own.flat_map(|protocol| proven::look(&self.only(&protocol.name), protocol)).collect()
    }
}

fn is_shipped(protocol: &Protocol) -> bool {
    protocol.mark.file.starts_with("built-in:")
}

fn warning(mark: &Mark, text: String) -> Problem {
    // Nothing lost: it is about a file, not about what was sent.
    Problem::warning(Category::BusinessRule, Place::File(mark.clone()), text)
}
