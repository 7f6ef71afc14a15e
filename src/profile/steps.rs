//! How many steps a check took, counted in tests alone: what checking costs grows with what is checked, and not with its square.

#[cfg(test)]
thread_local! {
    static TAKEN: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// One turn of a loop that a stranger decides the length of.
pub(super) fn step() {
    #[cfg(test)]
    TAKEN.with(|taken| taken.set(taken.get() + 1));
}

/// How many steps this thread took since it last asked.
#[cfg(test)]
pub(super) fn taken() -> usize {
    TAKEN.with(|taken| taken.replace(0))
}
