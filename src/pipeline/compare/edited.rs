//! A map's file with another text, tried on one stored message: what is wrong with the text, or what the message would become, beside what
//! the maps in force make of it. Nothing is written, and no file is read but those that map the feed.

use std::sync::Arc;

use super::differ::differ;
use super::judge::Pair;
use super::tally::Part;
use crate::mapping::{Layers, compile};
use crate::pipeline::message_words::refused;
use crate::pipeline::{Gateway, Members, Trial, dry_run};
use crate::problem::{Category, Place, Problem};
use crate::site::{Site, map_files, render};
use crate::store::{MessageEntry, StoreError};
use crate::yaml::Source;

/// A file of a map's layer: the site's `mappings/segments/PID-Patient.yaml`, or the same below `feeds/NAME/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditedMap {
    pub file: String,
    pub text: String,
}

/// What came of it.
pub struct MapTrial {
    /// What is odd about the maps without keeping them from being used, as a compiler shows it.
    pub warnings: String,
    /// What the message would become, for a patient nobody has seen.
    pub after: Trial,
    /// What differs from what the maps in force make of it: the kind, and the place with its values.
    pub differences: Vec<(Part, String, String)>,
}

impl Gateway {
    /// # Errors
    /// What is wrong with the text, by file, line and column; a message that cannot be read again; a store that does not answer.
    pub async fn try_map(&self, entry: &MessageEntry, edited: EditedMap) -> Result<MapTrial, Problem> {
        let again = self.to_read_again(&entry.summary).await.map_err(fault)?;
        again.map_err(|why| refused(format!("messages like this one are not read again: {why}")))?;
        let site = self.site.load_full();
        let feed = entry.summary.feed.clone();
        let (in_force, of) = (Arc::clone(&site), feed.clone());
        let compiled = tokio::task::spawn_blocking(move || with_map(&in_force, &of, edited)).await;
        let broke_off = |_| refused("reading the maps broke off".to_string());
        let (changed, warnings) = compiled.map_err(broke_off)??;
        let changed = Arc::new(changed);
        let memberships = Pair::new(self, Arc::clone(&site), Arc::clone(&changed)).memberships(entry).await;
        let (memberships, entry) = (memberships.map_err(fault)?, entry.clone());
        let tried = tokio::task::spawn_blocking(move || {
            let members = Members { listed: &memberships, otherwise: None };
            // As it would have been when it came: deadlines count from then.
            let at = |site: &Site| dry_run(site, &feed, &entry.raw, members, entry.summary.received);
            let (before, after) = (at(&site)?, at(&changed)?);
            Some((differ(&before, &after), after))
        });
        let (differences, after) = tried
            .await
            .map_err(|_| refused("mapping the message broke off".to_string()))?
            .ok_or_else(|| refused("the site has no longer the feed that it came from".to_string()))?;
        Ok(MapTrial { warnings, after, differences })
    }
}

/// The site in force with a feed's maps as the file makes them, and what is odd about them.
fn with_map(site: &Site, feed: &str, edited: EditedMap) -> Result<(Site, String), Problem> {
    if !site.feeds.contains_key(feed) {
        return Err(refused("the site has no longer the feed that it came from".to_string()));
    }
    let (mut layers, mut problems) = map_files(&site.folder, feed);
    let file = edited.file.clone();
    lay(&mut layers, feed, edited)?;
    let (maps, found) = compile(&layers);
    problems.extend(found);
    let sources: Vec<Source> = [layers.built_in, layers.site, layers.feed].concat();
    let (wrong, odd): (Vec<Problem>, Vec<Problem>) = problems.into_iter().partition(Problem::is_error);
    if !wrong.is_empty() {
        return Err(refused(render(&wrong, &sources, false, 100)));
    }
    let of_file = |problem: &Problem| matches!(&problem.place, Place::File(mark) if *mark.file == *file);
    // Nothing lost: what is odd about other files is told where the site is checked.
    let odd: Vec<Problem> = odd.into_iter().filter(of_file).collect();
    Ok((site.with_maps(feed, maps), render(&odd, &sources, false, 100)))
}

/// Puts the text in the place of the file, or beside those that there are.
fn lay(layers: &mut Layers, feed: &str, edited: EditedMap) -> Result<(), Problem> {
    let layer = if edited.file.starts_with(&format!("feeds/{feed}/mappings/")) {
        &mut layers.feed
    } else if edited.file.starts_with("mappings/") {
        &mut layers.site
    } else {
        return Err(refused(format!("{} is no map of this feed", edited.file)));
    };
    let source = Source::new(edited.file.as_str(), edited.text);
    match layer.iter_mut().find(|known| *known.name == *edited.file) {
        Some(known) => *known = source,
        None => layer.push(source),
    }
    Ok(())
}

fn fault(error: StoreError) -> Problem {
    Problem::error(Category::Exception, Place::Whole, error.to_string())
}
