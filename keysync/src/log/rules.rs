//! The rules by which a log is read, and those of the loop around it. All of them hold; a test may take one away, to see that its absence is noticed.

/// Which rules hold. `docs/formats/device-log.md` has their numbers and reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    /// Rule 1: the author had the right in the entry's own past.
    pub(crate) authority: bool,
    /// Rule 1: by an admission that counts itself.
    pub(crate) transitive: bool,
    /// Rule 2: a revocation voids what its device wrote beside it.
    pub(crate) strong_remove: bool,
    /// Rule 2: but no other revocation.
    pub(crate) revocations_stand: bool,
    /// Rule 3: what was retired, or held by a device that was put out, stays retired.
    pub(crate) sticky_retirement: bool,
    /// Rule 3: a key that was announced beside a revocation is not advertised.
    pub(crate) exposure: bool,
    /// Rule 4: the root cuts.
    pub(crate) root_cut: bool,
    /// Rule 5: every key that counts is taken in, not only the one that is advertised.
    pub(crate) import_all: bool,
    /// Rule 6: a revocation looks first for keys that only its device holds.
    pub(crate) look_first: bool,
    /// Keys are packed again for a device that misses them.
    pub(crate) repair: bool,
}

impl Rules {
    const ALL: Self = Self {
        authority: true,
        transitive: true,
        strong_remove: true,
        revocations_stand: true,
        sticky_retirement: true,
        exposure: true,
        root_cut: true,
        import_all: true,
        look_first: true,
        repair: true,
    };

    /// The rules that hold: all.
    #[cfg(not(test))]
    pub(crate) const fn in_force() -> Self {
        Self::ALL
    }

    /// The rules that hold: all that the test at hand did not take away.
    #[cfg(test)]
    pub(crate) fn in_force() -> Self {
        IN_FORCE.get()
    }

    /// Runs something without some of the rules.
    #[cfg(test)]
    pub(crate) fn without<T>(take_away: impl FnOnce(&mut Self), run: impl FnOnce() -> T) -> T {
        let mut rules = Self::ALL;
        take_away(&mut rules);
        IN_FORCE.set(rules);
        let outcome = run();
        IN_FORCE.set(Self::ALL);
        outcome
    }
}

#[cfg(test)]
thread_local! {
    static IN_FORCE: std::cell::Cell<Rules> = const { std::cell::Cell::new(Rules::ALL) };
}
