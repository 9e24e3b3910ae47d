//! The setters of `CloneArgs`, and the texts of its rules.

use std::sync::atomic::{AtomicI32, AtomicU32};

use CloneRule::{
    Excludes, ExitSignalWith, Needs, NoPointer, Refused, StackEmpty, TidOfInit, TidRange,
    TooManyTids, Unknown,
};
use ns_sys::{CloneArgs, CloneFlags as F, CloneRule};

#[test]
fn setters_set_the_flag_of_their_field() {
    let (pidfd, tid) = (AtomicI32::new(0), AtomicU32::new(0));
    let mut args = CloneArgs::new(F::CHILD_CLEARTID);
    args.pidfd(&pidfd).parent_tid(&tid).child_tid(&tid).tls(std::ptr::null_mut());
    assert_eq!(args.flags(), F::CHILD_CLEARTID | F::PIDFD | F::PARENT_SETTID | F::SETTLS);
    assert_eq!(args.validate(), Ok(()));
}

#[test]
fn rules_are_printed_in_one_line() {
    for (rule, text) in [
        (Unknown(F::from_bits_retain(1 << 40)), "clone3 has no flag 0x10000000000"),
        (Refused(F::DETACHED), "clone3 refuses CLONE_DETACHED"),
        (Excludes(F::NEWNS, F::FS), "CLONE_NEWNS excludes CLONE_FS"),
        (Needs(F::THREAD, F::SIGHAND), "CLONE_THREAD needs CLONE_SIGHAND"),
        (ExitSignalWith(F::PARENT), "CLONE_PARENT excludes an exit_signal"),
        (StackEmpty, "stack_size is 0"),
        (NoPointer(F::PIDFD), "CLONE_PIDFD needs its pointer"),
        (TooManyTids, "set_tid has more than 32 IDs"),
        (TidRange, "set_tid has an ID outside 1 to 2147483647"),
        (TidOfInit, "CLONE_NEWPID needs 1 as the first ID of set_tid"),
    ] {
        assert_eq!(rule.to_string(), text);
    }
}
