//! Signals and sets of signals.

use std::collections::BTreeSet;

use linux_raw_sys::general as kernel;
use ns_sys::child::SignalSet;
use ns_sys::{Signal, WaitStatus};
use proptest::prelude::*;

fn signal() -> impl Strategy<Value = Signal> {
    (1..=64).prop_map(|number| Signal::from_raw(number).expect("in range"))
}

#[test]
fn f14_every_number_of_the_kernel_is_a_signal() {
    for number in 1..=64 {
        assert_eq!(Signal::from_raw(number).map(Signal::as_raw), Some(number));
    }
    for number in [i32::MIN, -1, 0, 65, 256, 257, 256 + 15, i32::MAX] {
        assert_eq!(Signal::from_raw(number), None, "{number}");
    }
}

#[test]
fn f14_names_are_those_of_the_kernel() {
    for (signal, number, name) in [
        (Signal::HUP, kernel::SIGHUP, "SIGHUP"),
        (Signal::ABORT, kernel::SIGABRT, "SIGABRT"),
        (Signal::CHILD, kernel::SIGCHLD, "SIGCHLD"),
        (Signal::SYS, kernel::SIGSYS, "SIGSYS"),
    ] {
        assert_eq!(signal.as_raw(), number.cast_signed());
        assert_eq!(signal.to_string(), name);
        assert_eq!(format!("{signal:?}"), format!("Signal({name})"));
    }
    let real_time = Signal::from_raw(40).expect("in range");
    assert_eq!(
        (real_time.to_string(), format!("{real_time:?}")),
        ("signal 40".into(), "Signal(40)".into())
    );
    // Each number below the real-time signals has a name of its own.
    let names = (1..32).filter_map(Signal::from_raw).map(|signal| signal.to_string());
    let names: BTreeSet<_> = names.filter(|name| name.starts_with("SIG")).collect();
    assert_eq!(names.len(), 31);
}

/// rustix's constants have the same names and numbers.
#[test]
fn f14_rustix_signals_are_converted() {
    for number in 1..32 {
        let other = rustix::process::Signal::from_named_raw(number).expect("a name");
        assert_eq!(Some(Signal::from(other)), Signal::from_raw(number));
    }
}

/// The status word of a stopped or continued process is neither an exit nor a death.
#[test]
fn f14_other_status_words_are_no_exit() {
    for word in [0x137f, 0xffff, 0x7f] {
        let status = WaitStatus::from_raw(word);
        assert_eq!((status.code(), status.signal()), (None, None), "{word:#x}");
    }
    let real_time = WaitStatus::from_raw(34);
    assert_eq!((real_time.code(), real_time.signal()), (None, Signal::from_raw(34)));
}

proptest! {
    /// A set is a set: `BTreeSet` is the oracle.
    #[test]
    fn signal_sets_are_sets(signals in prop::collection::vec(signal(), 0..80), other in signal()) {
        let set: SignalSet = signals.iter().copied().collect();
        let oracle: BTreeSet<Signal> = signals.into_iter().collect();
        prop_assert!(set.iter().eq(oracle.iter().copied()));
        prop_assert_eq!(set.contains(other), oracle.contains(&other));
        prop_assert_eq!(set.with(other), oracle.into_iter().chain([other]).collect());
    }
}
