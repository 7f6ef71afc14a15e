//! Codes that people write into mappings, protocols and value sets: is there such a code, as far as its system is at hand?

use super::membership::Membership;
use crate::fhir::Library;
use crate::problem::{Category, Problem};
use crate::yaml::{Mark, nearest};

/// The code systems that are R4's own, and as fixed as it is; others get new codes while R4 stands.
const OF_R4: &str = "http://hl7.org/fhir/";

/// The problem with a code that its system does not have; none for a code that there is, or that nobody here knows of.
/// An error for R4's own code systems, a warning for others, which may be newer where the code comes from.
pub fn check_written_code(system: &str, code: &str, mark: &Mark) -> Option<Problem> {
    let library = Library::built_in();
    if library.has_code(system, code) != Membership::Out {
        return None;
    }
    let mut codes = Vec::new();
    let listed = library.code_system(system).map(|known| {
        known.each(&mut |concept| {
            codes.push(concept.code.clone());
            true
        })
    });
    let near = nearest(code, codes.iter().map(String::as_str)).filter(|_| listed == Some(Ok(())));
    let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    let mut problem = mark.problem(Category::CodeInvalid, format!("{system} has no code `{code}`{hint}"));
    if !system.starts_with(OF_R4) {
        problem.severity = crate::problem::Severity::Warning;
    }
    Some(problem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Severity;

    #[test]
    fn a_code_that_its_system_does_not_have_is_told_with_the_nearest() {
        let mark = Mark::start(&"x.yaml".into());
        let check = |system: &str, code: &str| check_written_code(system, code, &mark);
        assert_eq!(check("http://hl7.org/fhir/administrative-gender", "female"), None);
        assert_eq!(check("http://loinc.org", "whatever"), None);
        let wrong = check("http://hl7.org/fhir/administrative-gender", "femal").unwrap();
        assert!(wrong.severity == Severity::Error && wrong.text.contains("did you mean `female`"), "{wrong}");
        let wrong = check("http://terminology.hl7.org/CodeSystem/v3-ActCode", "EMERG").unwrap();
        assert!(wrong.severity == Severity::Warning && wrong.text.contains("did you mean `EMER`"), "{wrong}");
    }
}
