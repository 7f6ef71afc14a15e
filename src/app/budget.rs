//! How many connections this process may have, by how many files the system lets it open: the store, deliveries and the log need
//! theirs first, so that no number of strangers can take them.

use crate::feed::MOST_CONNECTIONS;

/// Where the system does not say.
const USUAL: usize = 1024;
/// For the store's files, deliveries and the rest, at least.
const LEAST_KEPT: usize = 256;
/// More are of no use.
const MOST: usize = MOST_CONNECTIONS;

/// Connections that may be open at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Budget {
    /// Over all feeds' MLLP listeners.
    pub feeds: usize,
    pub http: usize,
}

impl Budget {
    /// By what the system lets this process open now.
    pub(super) fn of_process() -> Self {
        // Elsewhere than on Linux there is no such file, and the usual limit is assumed.
        let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
        Self::of(soft_limit(&limits).unwrap_or(USUAL))
    }

    fn of(files: usize) -> Self {
        let free = files.saturating_sub(LEAST_KEPT.max(files / 4));
        // A connection of HTTP is two files: what closes it when it is idle has its own (`web/idle.rs`).
        Self { feeds: (free / 2).clamp(8, MOST), http: (free / 4).clamp(8, MOST) }
    }
}

/// `Max open files            1024                 524288               files`.
fn soft_limit(limits: &str) -> Option<usize> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let soft = line.split_whitespace().next()?;
    if soft == "unlimited" { Some(usize::MAX / 4) } else { soft.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_leave_the_store_its_files() {
        for (files, feeds, http) in [(1024, 384, 192), (524_288, 4096, 4096), (300, 22, 11), (64, 8, 8)] {
            assert_eq!(Budget::of(files), Budget { feeds, http }, "{files}");
        }
        let line = "Limit                     Soft Limit           Hard Limit           Units\n\
            Max open files            1024                 524288               files\n";
        assert_eq!((soft_limit(line), soft_limit("")), (Some(1024), None));
    }
}
