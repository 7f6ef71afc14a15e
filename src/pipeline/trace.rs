//! The explanation kept with a message: faults, lineage, codes without a row and unread fields in the form pages and programs
//! read. What is counted as unused is read from it.

use crate::mapping::{Mapped, Unmapped};
use crate::problem::{Category, Place, Problem, Severity};
use crate::store::{LineageMark, Trace, TraceLine};
use crate::unused::{Kind, Unused};

/// Fields nobody read, at most; a message of Z-segments could have thousands.
const MOST_UNREAD: usize = 500;

/// Adds to a trace what reading and mapping tell.
pub(super) fn complete(trace: &mut Trace, problems: &[Problem], mapped: Option<&Mapped>) {
    trace.problems = problems.iter().map(line).collect();
    // Nothing lost: a message that was not mapped was refused, which its problems say.
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
    trace.unmapped = mapped.unmapped.iter().map(unmapped).collect();
    trace.unread = mapped.unread.iter().take(MOST_UNREAD).map(|unread| unread.place.clone()).collect();
    if mapped.unread.len() > MOST_UNREAD {
        let text = format!("no mapping reads {} fields; the first {MOST_UNREAD} are listed", mapped.unread.len());
        let cut = Problem::information(Category::TooLong, Place::Whole, text);
        trace.problems.push(line(&cut.unused(Kind::Limit, &format!("{MOST_UNREAD} unread fields"))));
    }
}

fn line(problem: &Problem) -> TraceLine {
    let subject = match problem.severity {
        Severity::Fatal => "fatal",
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Information => "information",
    };
    TraceLine {
        unused: problem.unused.as_deref().cloned(),
        ..TraceLine::new(subject, &problem.place.to_string(), &problem.text)
    }
}

fn unmapped(code: &Unmapped) -> TraceLine {
    let (kind, about) = match code.table.as_str() {
        "units" => (Kind::Unit, code.code.clone()),
        "authorities" => (Kind::Authority, code.code.clone()),
        table => (Kind::Code, format!("{table} {}", code.code)),
    };
    let text = format!("the table `{}` has no row for this", code.table);
    let unused = Some(Unused::new(kind, &about));
    TraceLine { unused, ..TraceLine::new("warning", &code.place.to_string(), &text) }
}
