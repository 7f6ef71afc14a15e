//! One patient: who they are, how to reach them, what is owed and why, readings, plan, and the record behind it.

mod banner;
mod barriers;
mod disclosed;
mod disclosures;
mod documents;
mod fhir;
mod gathered;
mod goals;
mod loaded;
mod name;
mod owed;
mod plan;
mod plan_words;
mod programme;
mod readings;
mod records;
mod referrals;
mod say;
mod show;
mod timeline;

pub(super) use barriers::say as barrier;
pub(super) use disclosures::{show as disclosures, table as disclosures_table};
pub(super) use fhir::born;
pub(super) use name::sex_word;
pub(super) use plan::plan;
pub(super) use programme::enrol;
pub(super) use records::show as records;
pub(super) use say::{answer, goal};
pub(super) use show::show;
