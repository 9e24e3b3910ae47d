//! Processes in the namespaces of another one.

use benches::pairs::{PAIRS, SLOW_PAIRS, ratios};
use benches::subjects::{self, SEVEN, inject, new, run, target};
use ns_process::Namespace;

use crate::measured::Measured;

pub(crate) fn against_new() -> Measured {
    let (target, seven) = (target(), new(&SEVEN));
    let inject = inject(&target, &SEVEN);
    Measured::Ratios(ratios(SLOW_PAIRS, || run(&inject), || run(&seven)))
}

pub(crate) fn against_plain() -> Measured {
    into(&SEVEN)
}

pub(crate) fn without_pid() -> Measured {
    into(&SEVEN.into_iter().filter(|kind| *kind != Namespace::Pid).collect::<Vec<_>>())
}

fn into(namespaces: &[Namespace]) -> Measured {
    let (target, plain) = (target(), subjects::plain());
    let inject = inject(&target, namespaces);
    Measured::Ratios(ratios(PAIRS, || run(&inject), || run(&plain)))
}
