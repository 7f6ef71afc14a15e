//! The menu: each part of the console with its address and its name, in the order in which people meet them.

/// One entry.
pub(super) struct Entry {
    /// What a page's frame calls itself, so that its entry is lit.
    pub here: &'static str,
    pub address: &'static str,
    pub title: &'static str,
}

const fn entry(here: &'static str, address: &'static str, title: &'static str) -> Entry {
    Entry { here, address, title }
}

pub(super) const MENU: [Entry; 9] = [
    entry("work", "/console/work", "My work"),
    entry("huddle", "/console/huddle", "Huddle"),
    entry("caseload", "/console/caseload", "Caseload"),
    entry("referrals", "/console/referrals", "Referrals"),
    entry("labels", "/console/labels", "To be looked at"),
    entry("overview", "/console", "Overview"),
    entry("messages", "/console/messages", "Messages"),
    entry("unused", "/console/unused", "Not used"),
    entry("deliveries", "/console/deliveries", "Deliveries"),
];
