//! The menu: each part of the console with its address and its name, in the order in which people meet them.

/// One entry.
pub(super) struct Entry {
    /// What a page's frame calls itself, so that its entry is lit.
    pub here: &'static str,
    pub address: &'static str,
    pub title: &'static str,
    /// About one practice: nothing for who works for none.
    pub of_practice: bool,
}

const fn entry(here: &'static str, address: &'static str, title: &'static str) -> Entry {
    Entry { here, address, title, of_practice: false }
}

const fn of_practice(here: &'static str, address: &'static str, title: &'static str) -> Entry {
    Entry { here, address, title, of_practice: true }
}

pub(super) const MENU: [Entry; 13] = [
    entry("work", "/console/work", "My work"),
    of_practice("huddle", "/console/huddle", "Huddle"),
    of_practice("caseload", "/console/caseload", "Caseload"),
    of_practice("referrals", "/console/referrals", "Referrals"),
    of_practice("measures", "/console/measures", "Measures"),
    entry("labels", "/console/labels", "To be looked at"),
    entry("overview", "/console", "Overview"),
    entry("messages", "/console/messages", "Messages"),
    entry("unused", "/console/unused", "Not used"),
    entry("coverage", "/console/coverage", "Coverage"),
    entry("compare", "/console/compare", "Changed site"),
    entry("flows", "/console/flows", "What flows"),
    entry("deliveries", "/console/deliveries", "Deliveries"),
];
