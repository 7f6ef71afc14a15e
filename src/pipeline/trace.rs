//! The explanation kept with a message: faults, lineage and unread fields in the form pages and programs read.

use crate::mapping::Mapped;
use crate::problem::{Problem, Severity};
use crate::store::{LineageMark, Trace, TraceLine};

/// Fields nobody read, at most; a message of Z-segments could have thousands.
const MOST_UNREAD: usize = 500;

/// Adds to a trace what reading and mapping tell.
pub(super) fn complete(trace: &mut Trace, problems: &[Problem], mapped: Option<&Mapped>) {
    trace.problems = problems.iter().map(line).collect();
    let Some(mapped) = mapped else { return };
    trace.lineage = mapped
        .lineage
        .iter()
        .map(|lineage| LineageMark {
            start: lineage.span.start,
            end: lineage.span.end,
            element: format!("{}.{}", lineage.draft, lineage.element),
            map: format!("{}:{}", lineage.map.file, lineage.map.line),
        })
        .collect();
    trace.unread = mapped.unread.iter().take(MOST_UNREAD).map(|unread| unread.place.clone()).collect();
}

fn line(problem: &Problem) -> TraceLine {
    let subject = match problem.severity {
        Severity::Fatal => "fatal",
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Information => "information",
    };
    TraceLine { subject: subject.to_string(), place: problem.place.to_string(), text: problem.text.clone() }
}
