//! How a command ends.

/// How a command ended when it could run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Well,
    /// Problems were found, or something asked for is not there.
    Faults,
    /// Somebody ended it before it was done.
    Interrupted,
}
