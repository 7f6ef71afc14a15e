//! One stored message judged under two sites: by itself, as if its patient had not been seen before, and on the record as it is.

use std::sync::Arc;

use super::differ::differ;
use super::tally::{Difference, Differences, Part};
use crate::identity::ResourceId;
use crate::pipeline::rerun::{Changed, told};
use crate::pipeline::story::patients_of;
use crate::pipeline::{Arrival, Gateway, Members, dry_run};
use crate::record::Membership;
use crate::site::Site;
use crate::store::{MessageEntry, MessageSummary, StoreError};

/// The site in force and a changed one, on the same store. Neither writes, and neither takes a lock or a record from those who do.
pub struct Pair {
    in_force: Gateway,
    changed: Gateway,
}

impl Pair {
    pub fn new(gateway: &Gateway, in_force: Arc<Site>, changed: Arc<Site>) -> Self {
        let with = |site| Gateway::new(Arc::clone(&gateway.store), site, Arc::clone(&gateway.clock));
        Self { in_force: with(in_force), changed: with(changed) }
    }

    /// Judges one message and adds what differs.
    pub async fn judge(&self, of: &MessageSummary, all: &mut Differences, listed: usize) -> Result<(), StoreError> {
        let entry = match self.in_force.to_read_again(of).await? {
            Ok(entry) => entry,
            Err(why) => {
                all.leave_out(why);
                return Ok(());
            }
        };
        let (old, new) = (self.in_force.site.load_full(), self.changed.site.load_full());
        if !old.feeds.contains_key(&of.feed) {
            all.leave_out("the site in force has no longer the feed that they came from");
            return Ok(());
        }
        if !new.feeds.contains_key(&of.feed) {
            let kind = format!("{} → taken by no feed", of.acknowledged);
            let what = format!("the changed site has no feed `{}`", of.feed);
            all.judge(of.sequence, vec![(Part::Answers, kind, what)], listed);
            return Ok(());
        }
        let memberships = self.memberships(&entry).await?;
        let members = Members { listed: &memberships, otherwise: None };
        // As it would have been when it came: deadlines count from then.
        let at = |site: &Site| dry_run(site, &of.feed, &entry.raw, members, of.received);
        let mut found = match (at(&old), at(&new)) {
            (Some(before), Some(after)) => differ(&before, &after),
            // Nothing lost: both sites have the feed.
            _ => Vec::new(),
        };
        found.extend(self.on_record(&entry, all).await?);
        all.judge(of.sequence, found, listed);
        Ok(())
    }

    /// The panels that the patients of a message are on.
    pub(super) async fn memberships(&self, entry: &MessageEntry) -> Result<Vec<Membership>, StoreError> {
        let store = &self.in_force.store;
        let mut identifiers = Vec::new();
        for id in entry.summary.patient.iter().chain(&entry.summary.other_patients) {
            // Nothing lost: what names no patient of ours is looked up by what the message says.
            let Ok(id) = id.parse::<ResourceId>() else { continue };
            identifiers.extend(self.in_force.living(id.person).await?.identifiers);
        }
        if identifiers.is_empty() {
            let arrival = Arrival::again(entry, "diff");
            identifiers = patients_of(&self.changed.site.load_full(), &arrival, entry.summary.received).concat();
        }
        store.memberships(&identifiers).await
    }

    /// What running it again would do to the record as it is, where that differs.
    async fn on_record(&self, entry: &MessageEntry, all: &mut Differences) -> Result<Option<Difference>, StoreError> {
        let before = again(&self.in_force, entry, &mut all.in_force).await?;
        let after = again(&self.changed, entry, &mut all.changed).await?;
        let line = || (Part::Record, after.clone(), format!("under the site in force: {before}"));
        Ok((before != after).then(line))
    }
}

async fn again(gateway: &Gateway, entry: &MessageEntry, changed: &mut Changed) -> Result<String, StoreError> {
    let arrival = Arrival::again(entry, "diff");
    let Some(would) = gateway.decide_only(&arrival).await? else {
        changed.unknown += 1;
        return Ok("not known".to_string());
    };
    let told: Vec<String> = would.deliveries.iter().map(told).collect();
    Ok(changed.add(&entry.summary, &would.answer, &would.written, &told))
}
