//! What comes with the matches of a search (http://hl7.org/fhir/R4/search.html#include): what they refer to, and what refers to them,
//! of what the client may read anyway. A reference that is left out for the client leads nowhere.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::reading::{Reading, is_offered};
use crate::fhir::search::{Asked, Criterion, Held, Parameter, SERVED, SearchKind, find_parameter, served};
use crate::identity::ResourceId;
use crate::profile::Profiles;
use crate::store::{Query, Term};
use crate::web::access::{Reader, Shown, Terms, Verdict};
use crate::web::answer::Fault;
use crate::web::client::Client;
use crate::web::found_by::FoundBy;
use crate::web::scope::Permissions;
use crate::web::service::Service;

/// Resources that come with one page, and how often what came is looked at again (`:iterate`).
pub const MOST_INCLUDED: usize = 1000;
const ROUNDS: usize = 8;

/// Resources that are looked at for what refers to a page, and that are asked for at once.
const MOST_LOOKED: usize = 20_000;
const AT_ONCE: usize = 200;
/// Matches whose referrers are looked for at once.
const TOGETHER: usize = 100;

/// One `_include` or `_revinclude`.
#[derive(Debug, Clone)]
pub struct Include {
    is_reverse: bool,
    iterates: bool,
    /// The type that refers, and its references.
    references: Vec<(&'static str, Arc<Parameter>)>,
    /// The type that is referred to, where only one is wanted.
    target: Option<&'static str>,
}

impl Include {
    /// `Type:reference`, `Type:reference:Target`, `Type:*` or `*`. None for one that names no reference of a type that is served.
    pub fn read(reading: &Reading<'_>, name: &str, value: &str) -> Option<Self> {
        let (is_reverse, iterates) = (name.starts_with("_revinclude"), name.ends_with(":iterate"));
        let mut parts = value.split(':');
        let (kind, reference, target) = (parts.next()?, parts.next(), parts.next());
        let target = match target {
            Some(target) => Some(served(target)?),
            None => None,
        };
        let here = reading.resource_type;
        let kinds: Vec<&'static str> = match (kind, is_reverse) {
            ("*", true) => SERVED.to_vec(),
            ("*", false) => vec![here],
            _ => vec![served(kind)?],
        };
        let wanted = |name: &str| reference.is_none_or(|reference| reference == "*" || reference == name);
        let mut references = Vec::new();
        for kind in kinds {
            let leads_here = |parameter: &Parameter| {
                !is_reverse || iterates || parameter.targets.is_empty() || parameter.targets.iter().any(|to| to == here)
            };
            let of_kind = reading.profiles.searches(kind).iter();
            let of_kind =
                of_kind.filter(|one| one.kind == SearchKind::Reference && wanted(&one.name) && leads_here(one));
            references.extend(of_kind.map(|one| (kind, Arc::clone(one))));
        }
        let is_named = reference.is_some() || kind == "*";
        (is_named && parts.next().is_none() && !references.is_empty()).then_some(Self {
            is_reverse,
            iterates,
            references,
            target,
        })
    }
}

/// The types of which one resource serves many patients.
const SHARED: [&str; 6] = ["Endpoint", "Location", "Medication", "Organization", "Practitioner", "PractitionerRole"];

impl Include {
    /// All people, places and organisations that resources of some types name.
    pub fn of_shared(profiles: &Profiles, kinds: &[&'static str]) -> Vec<Self> {
        let references = |kind: &'static str| {
            let of_kind = profiles.searches(kind).iter().filter(|one| one.kind == SearchKind::Reference);
            of_kind.map(move |one| (kind, Arc::clone(one)))
        };
        let references: Vec<_> = kinds.iter().flat_map(|kind| references(kind)).collect();
        let one = |target: &'static str| Self {
            is_reverse: false,
            iterates: false,
            references: references.clone(),
            target: Some(target),
        };
        SHARED.into_iter().map(one).collect()
    }
}

/// What is included, and whether there was too much of it.
#[derive(Default)]
pub struct Included {
    pub shown: Vec<(&'static str, Shown)>,
    pub is_cut: bool,
    /// Types that the client may not read.
    pub denied: BTreeSet<&'static str>,
}

/// Looks up what comes with the matches of a page.
pub async fn included(
    service: &Service,
    client: &Client,
    reader: &mut Reader<'_>,
    includes: &[Include],
    (kind, matches): (&'static str, &[Shown]),
) -> Result<Included, Fault> {
    let site = service.gateway.site.load_full();
    let mut gathering = Gathering {
        service,
        client,
        profiles: &site.profiles,
        seen: matches.iter().map(|one| (kind, one.id().to_string())).collect(),
        found: Included::default(),
    };
    let mut wave: Vec<(&'static str, Shown)> = matches.iter().map(|one| (kind, one.clone())).collect();
    for round in 0..ROUNDS {
        let before = gathering.found.shown.len();
        for include in includes.iter().filter(|include| round == 0 || include.iterates) {
            match include.is_reverse {
                true => gathering.take_referrers(reader, include, &wave).await?,
                false => gathering.take_referred(reader, include, &wave).await?,
            }
        }
        wave = gathering.found.shown.iter().skip(before).cloned().collect();
        if wave.is_empty() || gathering.found.is_cut || !includes.iter().any(|include| include.iterates) {
            return Ok(gathering.found);
        }
    }
    gathering.found.is_cut = true;
    Ok(gathering.found)
}

struct Gathering<'a> {
    service: &'a Service,
    client: &'a Client,
    profiles: &'a Profiles,
    seen: HashSet<(&'static str, String)>,
    found: Included,
}

impl Gathering<'_> {
    /// Whether anything of a type may come.
    fn may_read(&mut self, kind: &'static str) -> bool {
        let may =
            self.client.require(kind, Permissions::READ).is_ok() && Terms::of(self.service, self.client, kind).is_ok();
        if !may {
            self.found.denied.insert(kind);
        }
        may
    }

    /// Whether there is room for one more that was not there before.
    fn has_room(&mut self, kind: &'static str, id: &ResourceId) -> bool {
        if self.seen.contains(&(kind, id.to_string())) {
            return false;
        }
        if self.found.shown.len() >= MOST_INCLUDED {
            self.found.is_cut = true;
            return false;
        }
        self.seen.insert((kind, id.to_string()));
        true
    }

    async fn take_referred(
        &mut self,
        reader: &mut Reader<'_>,
        include: &Include,
        wave: &[(&'static str, Shown)],
    ) -> Result<(), Fault> {
        let mut keys = Vec::new();
        for (kind, shown) in wave {
            for (_, reference) in include.references.iter().filter(|(of, _)| of == kind) {
                let led_to = references_of(reference, shown).into_iter();
                keys.extend(led_to.filter(|(to, _)| include.target.is_none_or(|target| target == *to)));
            }
        }
        let mut wanted = Vec::new();
        for (kind, id) in keys {
            if self.may_read(kind) && self.has_room(kind, &id) {
                wanted.push((kind.to_string(), id));
            }
        }
        for stored in self.service.gateway.store.resources(&wanted).await? {
            let Some(kind) = served(stored.resource.resource_type()) else { continue };
            if let Verdict::Shown(shown) = reader.judge(stored).await?
                && !shown.is_deleted()
            {
                self.found.shown.push((kind, *shown));
            }
        }
        Ok(())
    }

    async fn take_referrers(
        &mut self,
        reader: &mut Reader<'_>,
        include: &Include,
        wave: &[(&'static str, Shown)],
    ) -> Result<(), Fault> {
        for (kind, reference) in &include.references {
            let leads_to = |to: &str| {
                let targets = &reference.targets;
                include.target.is_none_or(|target| target == to)
                    && (targets.is_empty() || targets.iter().any(|one| one == to))
            };
            let referred: Vec<&(&'static str, Shown)> = wave.iter().filter(|(to, _)| leads_to(to)).collect();
            if referred.is_empty() || find_parameter(self.profiles.searches(kind), &reference.name).is_none() {
                continue;
            }
            if self.may_read(kind) {
                for some in referred.chunks(TOGETHER) {
                    self.take_referrers_of(reader, (kind, reference), some).await?;
                }
            }
        }
        Ok(())
    }

    async fn take_referrers_of(
        &mut self,
        reader: &mut Reader<'_>,
        (kind, reference): (&'static str, &Arc<Parameter>),
        referred: &[&(&'static str, Shown)],
    ) -> Result<(), Fault> {
        let are_patients = referred.iter().all(|(to, _)| *to == "Patient");
        let terms = if are_patients && reference.is_home_of(kind) {
            let ids = referred.iter().filter_map(|(_, shown)| shown.id().parse::<ResourceId>().ok());
            vec![Term::Patient(ids.map(|id| id.person).collect())]
        } else {
            let asked = referred.iter().map(|(to, shown)| Asked::Reference(format!("{to}/{}", shown.id())));
            vec![Term::Of(Criterion::any(reference, asked.collect()))]
        };
        let query = Query { resource_type: kind.to_string(), terms };
        let by = FoundBy { elements: reference.elements.clone(), ..FoundBy::default() };
        let (mut cursor, mut looked) = (None, 0);
        loop {
            let page = self.service.gateway.store.find(&query, &[], cursor.as_ref(), AT_ONCE).await?;
            looked += page.looked;
            for one in page.items {
                if self.has_room(kind, &one.stored.id)
                    && let Verdict::Shown(shown) = reader.judge_found(one.stored, &by).await?
                {
                    self.found.shown.push((kind, *shown));
                }
            }
            cursor = page.next;
            if cursor.is_none() || self.found.is_cut {
                return Ok(());
            }
            if looked >= MOST_LOOKED {
                self.found.is_cut = true;
                return Ok(());
            }
        }
    }
}

/// The resources here that a reference of a resource leads to, as the client sees it.
fn references_of(reference: &Parameter, shown: &Shown) -> Vec<(&'static str, ResourceId)> {
    let held = reference.held(shown.resource());
    let literals = held.iter().filter_map(|held| match held {
        Held::Reference(literal) => Some(*literal),
        _ => None,
    });
    literals.filter_map(key_of).collect()
}

/// `Patient/1`, with or without what comes before.
pub fn key_of(literal: &str) -> Option<(&'static str, ResourceId)> {
    let mut parts = literal.rsplit('/');
    let id = parts.next()?.parse().ok()?;
    Some((served(parts.next()?)?, id))
}

/// The references of a type by which its resources can be included, and those of others by which they can.
pub fn offered(profiles: &Profiles, resource_type: &str) -> (Vec<String>, Vec<String>) {
    let references = |kind: &'static str| {
        let of_kind = profiles.searches(kind).iter();
        of_kind.filter(|one| one.kind == SearchKind::Reference && is_offered(&one.name))
    };
    let own = served(resource_type).into_iter().flat_map(references);
    let own = own.map(|one| format!("{resource_type}:{}", one.name)).collect();
    let leads_here = |one: &&Arc<Parameter>| one.targets.iter().any(|target| target == resource_type);
    let of_others = SERVED.iter().flat_map(|kind| {
        references(kind).filter(leads_here).map(|one| format!("{kind}:{}", one.name)).collect::<Vec<_>>()
    });
    (own, of_others.collect())
}
