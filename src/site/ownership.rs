//! `owns` of a feed: the systems whose numbers its sender assigns. It may merge these and no others; and a feed of several
//! facilities that number their patients apart must not have one system for all.

use super::feeds::known_system;
use super::scalar;
use crate::mapping::Authorities;
use crate::problem::{Category, Problem, Severity};
use crate::yaml::Fields;

/// Reads the key; left out, a feed owns what identifies its patients.
pub fn read(
    fields: &mut Fields<'_>,
    authorities: &Authorities,
    identified_by: &[String],
    facilities: &[String],
) -> Vec<String> {
    let nodes = fields.list("owns");
    if nodes.is_empty() {
        warn_of_mixing(fields, identified_by, facilities);
        return identified_by.to_vec();
    }
    let read = nodes.into_iter().map(|node| known_system(node, &authorities.namespaces)).collect::<Vec<_>>();
    read.into_iter().filter_map(|system| scalar::keep(fields, system)).collect()
}

/// Two hospitals both have a patient 4711. Who owns the numbers, said aloud, says that they are numbered as one.
fn warn_of_mixing(fields: &mut Fields<'_>, identified_by: &[String], facilities: &[String]) {
    let (Some(place), 2.., 1) = (fields.optional("facilities"), facilities.len(), identified_by.len()) else { return };
    let text = format!(
        "{} facilities send here, and one authority numbers their patients: where two of them use the same number, two \
         people share a record. Give each facility a feed or an authority of its own; if they number patients together, \
         say so by `owns: [{}]`",
        facilities.len(),
        identified_by.first().map_or("", String::as_str)
    );
    let problem = place.mark.problem(Category::BusinessRule, text);
    fields.report(Problem { severity: Severity::Warning, ..problem });
}
