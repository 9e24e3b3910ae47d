//! Programs in the namespaces of another process.

use benches::pairs::{PAIRS, SLOW_PAIRS, ratios};
use benches::subjects::{self, SEVEN, SIX, inject, new, run, target};
use ns_process::{Container, Namespace};

use crate::against_floor::{flags, floor};
use crate::measured::Measured;

pub(crate) fn against_new() -> Measured {
    let (target, seven) = (target(), new(&SEVEN));
    let inject = inject(&target, &SEVEN);
    Measured::Ratios(ratios(SLOW_PAIRS, || run(&inject), || run(&seven)))
}

pub(crate) fn against_plain() -> Measured {
    into(&SEVEN, &subjects::plain())
}

pub(crate) fn against_guarded() -> Measured {
    into(&SEVEN, &subjects::guarded())
}

pub(crate) fn without_pid() -> Measured {
    into(&SIX, &subjects::plain())
}

pub(crate) fn without_pid_against_guarded() -> Measured {
    into(&SIX, &subjects::guarded())
}

pub(crate) fn seven_against_floor() -> Measured {
    against_floor(&SEVEN)
}

pub(crate) fn six_against_floor() -> Measured {
    against_floor(&SIX)
}

fn against_floor(namespaces: &[Namespace]) -> Measured {
    let target = target();
    let mut floor = floor(&[]).joining(&target, flags(namespaces));
    let inject = inject(&target, namespaces);
    Measured::Ratios(ratios(PAIRS, || run(&inject), || floor.start_join()))
}

/// Measures the cost of joining in the kernel itself.
pub(crate) fn floor_of_seven() -> Measured {
    floor_against_plain(&SEVEN)
}

pub(crate) fn floor_of_six() -> Measured {
    floor_against_plain(&SIX)
}

fn floor_against_plain(namespaces: &[Namespace]) -> Measured {
    let (target, mut plain) = (target(), floor(&[]));
    let mut joining = floor(&[]).joining(&target, flags(namespaces));
    Measured::Ratios(ratios(PAIRS, || joining.start_join(), || plain.start_join()))
}

fn into(namespaces: &[Namespace], other: &Container) -> Measured {
    let target = target();
    let inject = inject(&target, namespaces);
    Measured::Ratios(ratios(PAIRS, || run(&inject), || run(other)))
}
