//! The rules of clone3, each compared with the kernel's errno.
#![allow(unsafe_code, reason = "the call under test")]

use std::ptr::NonNull;

use CloneRule::{Excludes, ExitSignalWith, Needs, Refused};
use ns_sys::{CloneArgs, CloneFlags as F, CloneRule, Signal};

/// Flag sets that clone3 refuses, and the rule that each breaks.
const ILLEGAL: [(F, CloneRule); 10] = [
    (F::NEWNS.union(F::FS), Excludes(F::NEWNS, F::FS)),
    (F::NEWUSER.union(F::FS), Excludes(F::NEWUSER, F::FS)),
    (F::THREAD.union(F::VM), Needs(F::THREAD, F::SIGHAND)),
    (F::SIGHAND, Needs(F::SIGHAND, F::VM)),
    (F::VM.union(F::SIGHAND).union(F::CLEAR_SIGHAND), Excludes(F::CLEAR_SIGHAND, F::SIGHAND)),
    (F::NEWPID.union(F::THREAD).union(F::SIGHAND).union(F::VM), Excludes(F::NEWPID, F::THREAD)),
    (F::NEWUSER.union(F::THREAD).union(F::SIGHAND).union(F::VM), Excludes(F::NEWUSER, F::THREAD)),
    (F::NEWIPC.union(F::SYSVSEM), Excludes(F::NEWIPC, F::SYSVSEM)),
    (F::DETACHED, Refused(F::DETACHED)),
    (F::from_bits_retain(1 << 40), CloneRule::Unknown(F::from_bits_retain(1 << 40))),
];

/// Asserts that the kernel returns `EINVAL` for `args`.
fn assert_kernel_refuses(args: &CloneArgs<'_>) {
    // libc's `syscall`, because `ns_sys::clone3` itself refuses a stack and VM.
    let number = libc::SYS_clone3;
    // SAFETY: the kernel should refuse the arguments. If it does not, the child exits at once.
    let returned = unsafe { libc::syscall(number, args.as_ptr(), CloneArgs::SIZE) };
    let errno = std::io::Error::last_os_error().raw_os_error();
    match returned {
        -1 => assert_eq!(errno, Some(libc::EINVAL), "{args:?}"),
        0 => ns_sys::child::exit_group(0),
        pid => panic!("the kernel created {pid} for {args:?}"),
    }
}

/// An illegal flag set is reported with the rule that it breaks.
#[test]
fn b01_illegal_flags_are_named() {
    ns_testbed::run_as!([Root], {
        for (flags, rule) in ILLEGAL {
            let args = CloneArgs::new(flags);
            assert_eq!(args.validate(), Err(rule), "{flags}");
            assert_kernel_refuses(&args);
        }
    });
}

/// Threads and siblings must have no exit signal.
#[test]
fn b03_invalid_exit_signals_are_refused() {
    ns_testbed::run_as!([Root, User], {
        for (flags, rule) in [
            (F::PARENT, ExitSignalWith(F::PARENT)),
            (F::THREAD | F::SIGHAND | F::VM, ExitSignalWith(F::THREAD)),
        ] {
            let mut args = CloneArgs::new(flags);
            args.exit_signal(Signal::CHILD);
            assert_eq!(args.validate(), Err(rule));
            assert_kernel_refuses(&args);
        }
    });
}

/// A stack, IDs or pointers that break a rule are refused.
#[test]
fn b16_invalid_fields_are_refused() {
    ns_testbed::run_as!([Root], {
        let mut args = CloneArgs::new(F::empty());
        args.stack(NonNull::dangling(), 0);
        assert_eq!(args.validate(), Err(CloneRule::StackEmpty));
        assert_kernel_refuses(&args);

        for (flags, tids, rule) in [
            (F::empty(), &[0][..], CloneRule::TidRange),
            (F::empty(), &[1 << 31], CloneRule::TidRange),
            (F::NEWPID, &[2, 30_000], CloneRule::TidOfInit),
            (F::empty(), &[1; 33], CloneRule::TooManyTids),
        ] {
            let mut args = CloneArgs::new(flags);
            args.set_tid(tids);
            assert_eq!(args.validate(), Err(rule));
            assert_kernel_refuses(&args);
        }
        for flag in [F::PIDFD, F::PARENT_SETTID, F::CHILD_SETTID, F::CHILD_CLEARTID] {
            let missing = CloneArgs::new(flag).validate();
            assert_eq!(missing, Err(CloneRule::NoPointer(flag)));
        }
    });
}
