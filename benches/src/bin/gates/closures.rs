//! Starts in copied memory.
#![allow(unsafe_code, reason = "a hook in the child")]

use benches::floor::ForkFloor;
use benches::memory::{MB, resident};
use benches::pairs::{PAIRS, SLOW_PAIRS, ratios};
use benches::subjects::{FIVE, new, run};
use ns_process::{Container, NamespaceFlags};

use crate::measured::Measured;

pub(crate) fn against_bare() -> Measured {
    let (closure, bare) = (closure_in_five(), bare_fork());
    Measured::Ratios(ratios(PAIRS, || run(&closure), || bare.start_join()))
}

/// Returns a container with a closure that returns at once.
pub(crate) fn closure_in_five() -> Container {
    let mut closure = Container::from_fn(|| 0);
    closure.namespaces(FIVE).map_zero();
    closure
}

pub(crate) fn bare_fork() -> ForkFloor {
    let kinds: NamespaceFlags = FIVE.iter().map(|kind| NamespaceFlags::from(*kind)).collect();
    ForkFloor::new(kinds.into())
}

pub(crate) fn hook() -> Measured {
    let (shared, mut copied) = (new(&FIVE), new(&FIVE));
    // SAFETY: the hook does nothing.
    unsafe { copied.preexec(|_| ()) };
    Measured::Ratios(ratios(SLOW_PAIRS, || run(&copied), || run(&shared)))
}

pub(crate) fn hook_large() -> Measured {
    let memory = resident(100 * MB);
    let measured = hook();
    drop(memory);
    measured
}
