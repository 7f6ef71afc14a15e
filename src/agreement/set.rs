//! All agreements of a site, and what can be asked of them beside the one decision (`decide.rs`).

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::carries::Carries;
use super::model::{Agreement, Push, Standing};
use crate::fhir::ValueSets;

#[derive(Debug, Clone, Default)]
pub struct AgreementSet {
    agreements: Arc<Vec<Agreement>>,
    value_sets: Arc<ValueSets>,
}

impl AgreementSet {
    pub(super) fn new(agreements: Vec<Agreement>, value_sets: Arc<ValueSets>) -> Self {
        Self { agreements: Arc::new(agreements), value_sets }
    }

    /// Why what ends a copy must not be sent now; none when nothing stands against it. `at` is `file:line` of the agreement
    /// that allowed the copy, as a delivery keeps it. Where that file is there no more (it was renamed, or another took its
    /// place) the partner's other agreements count: one of them has to be in force.
    pub fn objection(&self, partner: &str, at: &str, now: Timestamp) -> Option<String> {
        let file = at.rsplit_once(':').map_or(at, |(file, _)| file);
        let named = self.of(partner).find(|agreement| &*agreement.at.file == file);
        let in_force = || self.of(partner).find(|agreement| agreement.standing(now).0 == Standing::Active);
        let Some(agreement) = named.or_else(in_force).or_else(|| self.of(partner).next()) else {
            return Some(format!("the agreement that allowed it ({file}) is there no more"));
        };
        match agreement.standing(now) {
            (Standing::Active, _) => None,
            (standing, _) => Some(format!("the agreement {} {}", agreement.name, standing.words())),
        }
    }

    /// How what is sent says which version it is; `at` is `file:line` of the agreement that allows it.
    pub fn carries(&self, partner: &str, at: &str) -> Carries {
        self.allowing(partner, at).map(|agreement| agreement.version.clone()).unwrap_or_default()
    }

    /// Whether what it allows goes as one transaction with what else is due about the patient.
    pub fn is_transaction(&self, partner: &str, at: &str) -> bool {
        self.allowing(partner, at).is_some_and(|agreement| agreement.transaction)
    }

    /// Whether of several versions that wait only the newest is sent.
    pub fn coalesces(&self, partner: &str, at: &str) -> bool {
        self.allowing(partner, at).is_some_and(|agreement| agreement.coalesce)
    }

    /// The agreement at a place, or another with the partner where its file is there no more.
    fn allowing<'a>(&'a self, partner: &'a str, at: &str) -> Option<&'a Agreement> {
        let file = at.rsplit_once(':').map_or(at, |(file, _)| file);
        let named = self.of(partner).find(|agreement| &*agreement.at.file == file);
        named.or_else(|| self.of(partner).next())
    }

    /// Partners that have an agreement, in order of name.
    pub fn partners(&self) -> Vec<&str> {
        let mut partners: Vec<&str> = self.agreements.iter().map(|agreement| agreement.partner.as_str()).collect();
        partners.sort_unstable();
        partners.dedup();
        partners
    }

    /// All agreements, in order of their files.
    pub fn agreements(&self) -> &[Agreement] {
        &self.agreements
    }

    pub fn of<'a>(&'a self, partner: &'a str) -> impl Iterator<Item = &'a Agreement> {
        self.agreements.iter().filter(move |agreement| agreement.partner == partner)
    }

    /// Types of which a partner is sent resources, in order of name.
    pub fn pushed_types(&self, partner: &str) -> BTreeSet<&str> {
        let lines = self.agreements.iter().filter(|agreement| agreement.partner == partner);
        let lines = lines.flat_map(|agreement| &agreement.receives);
        let pushed = lines.filter(|line| matches!(line.push, Push::Immediate | Push::OnChange));
        pushed.map(|line| line.resource.as_str()).collect()
    }

    pub(super) fn value_sets(&self) -> &ValueSets {
        &self.value_sets
    }
}
