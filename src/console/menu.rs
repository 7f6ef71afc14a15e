//! The menu: each page of the console with its address and its name, in the order in which people meet them. Who does much is shown the
//! part that they are in, and one way to the other: thirteen words in a row are read by nobody.

/// Of what a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Care,
    Desk,
}

impl Part {
    fn title(self) -> &'static str {
        match self {
            Self::Care => "Care",
            Self::Desk => "Desk",
        }
    }
}

/// One page.
pub(super) struct Entry {
    /// What a page's frame calls itself, so that its entry is lit.
    pub here: &'static str,
    pub address: &'static str,
    pub title: &'static str,
    pub part: Part,
    /// About one practice: nothing for who works for none.
    pub of_practice: bool,
}

/// One link of the menu as it is shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub address: &'static str,
    pub title: &'static str,
    pub is_here: bool,
    /// The way to the other part.
    pub is_part: bool,
}

/// So many stand in one row at a desk, beside the search and the name.
const MOST: usize = 8;

const fn care(here: &'static str, address: &'static str, title: &'static str) -> Entry {
    Entry { here, address, title, part: Part::Care, of_practice: false }
}

const fn of_practice(here: &'static str, address: &'static str, title: &'static str) -> Entry {
    Entry { here, address, title, part: Part::Care, of_practice: true }
}

const fn desk(here: &'static str, address: &'static str, title: &'static str) -> Entry {
    Entry { here, address, title, part: Part::Desk, of_practice: false }
}

pub(super) const MENU: [Entry; 13] = [
    care("work", "/console/work", "My work"),
    of_practice("huddle", "/console/huddle", "Huddle"),
    of_practice("caseload", "/console/caseload", "Caseload"),
    of_practice("referrals", "/console/referrals", "Referrals"),
    of_practice("measures", "/console/measures", "Measures"),
    care("labels", "/console/labels", "To be looked at"),
    desk("overview", "/console", "Overview"),
    desk("messages", "/console/messages", "Messages"),
    desk("unused", "/console/unused", "Not used"),
    desk("coverage", "/console/coverage", "Coverage"),
    desk("compare", "/console/compare", "Changed site"),
    desk("flows", "/console/flows", "What flows"),
    desk("deliveries", "/console/deliveries", "Deliveries"),
];

/// The links for somebody who may open these, on a page that calls itself `here`.
pub(super) fn links(entries: &[&Entry], here: &str) -> Vec<Link> {
    let lit = entries.iter().find(|entry| entry.here == here);
    let part = lit.or_else(|| entries.first()).map(|entry| entry.part);
    let is_split = entries.len() > MOST;
    let mut links: Vec<Link> = Vec::new();
    let mut is_led = false;
    for entry in entries {
        if !is_split || Some(entry.part) == part {
            let is_here = entry.here == here;
            links.push(Link { address: entry.address, title: entry.title, is_here, is_part: false });
        } else if !is_led {
            // Nothing lost: the other pages of that part stand in its own menu.
            is_led = true;
            links.push(Link { address: entry.address, title: entry.part.title(), is_here: false, is_part: true });
        }
    }
    links
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(entries: &[&Entry], here: &str) -> Vec<&'static str> {
        links(entries, here).iter().map(|link| link.title).collect()
    }

    #[test]
    fn who_may_open_much_sees_the_part_they_are_in_and_the_way_to_the_other() {
        let all: Vec<&Entry> = MENU.iter().collect();
        let care = ["My work", "Huddle", "Caseload", "Referrals", "Measures", "To be looked at", "Desk"];
        assert_eq!(titles(&all, "referrals"), care);
        assert_eq!(titles(&all, "patients"), care, "a page that is in no menu is in the first part");
        let desk = ["Care", "Overview", "Messages", "Not used", "Coverage", "Changed site", "What flows", "Deliveries"];
        assert_eq!(titles(&all, "flows"), desk);
        let way = |here: &str| links(&all, here).into_iter().find(|link| link.is_part).unwrap();
        assert_eq!((way("huddle").address, way("unused").address), ("/console", "/console/work"));
        assert!(links(&all, "unused").iter().all(|link| link.is_here == (link.title == "Not used")));
    }

    #[test]
    fn who_may_open_few_sees_them_all() {
        let few: Vec<&Entry> =
            MENU.iter().filter(|entry| ["labels", "flows", "deliveries"].contains(&entry.here)).collect();
        assert_eq!(titles(&few, "flows"), ["To be looked at", "What flows", "Deliveries"]);
        assert!(titles(&[], "flows").is_empty());
    }
}
