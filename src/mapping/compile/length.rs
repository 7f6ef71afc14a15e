//! Whether a place can be in a segment at all: field numbers beyond the standard's are a sender's own, or a slip.

use super::element::Compiler;
use crate::hl7::last_field;
use crate::mapping::language::SourcePath;
use crate::problem::Category;
use crate::yaml::Node;

impl Compiler<'_> {
    pub fn check_length(&mut self, node: &Node, path: &SourcePath) {
        let Some(segment) = path.segment() else { return };
        // Nothing lost: segments of a sender's own have as many fields as it says.
        let Some(last) = last_field(segment).filter(|last| path.field > *last) else { return };
        let text = format!(
            "{segment} has {last} fields in HL7 v2.9; {segment}-{} is there only where a sender appends it",
            path.field
        );
        let mut problem = node.mark.problem(Category::Value, text);
        problem.severity = crate::problem::Severity::Warning;
        self.problems.push(problem);
    }
}
