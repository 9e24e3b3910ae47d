//! Each rule of clone3 by name, and the kernel's own errno for it.
#![allow(unsafe_code, reason = "clone3 itself")]

use std::ptr::NonNull;
use std::sync::atomic::{AtomicI32, AtomicU32};

use CloneRule::{Excludes, ExitSignalWith, Needs, Refused};
use ns_sys::{CloneArgs, CloneFlags as F, CloneRule};

/// hazards.md §1.3, what clone3 refuses by flags alone.
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

fn kernel_refuses(args: &CloneArgs<'_>) {
    // The bare call: clone3 itself refuses a stack and VM.
    let number = libc::SYS_clone3;
    // SAFETY: the arguments are refused; were they not, the child would leave at once.
    let returned = unsafe { libc::syscall(number, args.as_ptr(), CloneArgs::SIZE) };
    let errno = std::io::Error::last_os_error().raw_os_error();
    match returned {
        -1 => assert_eq!(errno, Some(libc::EINVAL), "{args:?}"),
        0 => ns_sys::child::exit_group(0),
        pid => panic!("the kernel made {pid} of {args:?}"),
    }
}

/// Illegal flag sets are known by the rule they break.
#[test]
fn b01_illegal_flags_are_named() {
    ns_testbed::run_as!([Root], {
        for (flags, rule) in ILLEGAL {
            let args = CloneArgs::new(flags);
            assert_eq!(args.validate(), Err(rule), "{flags}");
            kernel_refuses(&args);
        }
    });
}

/// The exit signal belongs to children of the caller's own, and is a signal.
#[test]
fn b03_exit_signal() {
    ns_testbed::run_as!([Root, User], {
        for (flags, signal, rule) in [
            (F::PARENT, 17, ExitSignalWith(F::PARENT)),
            (F::THREAD | F::SIGHAND | F::VM, 17, ExitSignalWith(F::THREAD)),
            (F::empty(), 65, CloneRule::ExitSignalRange),
            (F::empty(), u32::MAX, CloneRule::ExitSignalRange),
        ] {
            let mut args = CloneArgs::new(flags);
            args.exit_signal(signal);
            assert_eq!(args.validate(), Err(rule));
            kernel_refuses(&args);
        }
    });
}

/// Stack, ids and pointers.
#[test]
fn b16_fields() {
    ns_testbed::run_as!([Root], {
        let mut args = CloneArgs::new(F::empty());
        args.stack(NonNull::dangling(), 0);
        assert_eq!(args.validate(), Err(CloneRule::StackEmpty));
        kernel_refuses(&args);

        for (flags, tids, rule) in [
            (F::empty(), &[0][..], CloneRule::TidRange),
            (F::empty(), &[1 << 31], CloneRule::TidRange),
            (F::NEWPID, &[2, 30_000], CloneRule::TidOfInit),
            (F::empty(), &[1; 33], CloneRule::TooManyTids),
        ] {
            let mut args = CloneArgs::new(flags);
            args.set_tid(tids);
            assert_eq!(args.validate(), Err(rule));
            kernel_refuses(&args);
        }
        for flag in [F::PIDFD, F::PARENT_SETTID, F::CHILD_SETTID, F::CHILD_CLEARTID] {
            let missing = CloneArgs::new(flag).validate();
            assert_eq!(missing, Err(CloneRule::NoPointer(flag)));
        }
    });
}

#[test]
fn setters_add_the_flag_that_makes_the_kernel_look() {
    let (pidfd, tid) = (AtomicI32::new(0), AtomicU32::new(0));
    let mut args = CloneArgs::new(F::CHILD_CLEARTID);
    args.pidfd(&pidfd).parent_tid(&tid).child_tid(&tid).tls(std::ptr::null_mut());
    assert_eq!(args.flags(), F::CHILD_CLEARTID | F::PIDFD | F::PARENT_SETTID | F::SETTLS);
    assert_eq!(args.validate(), Ok(()));
}

#[test]
fn a_rule_is_one_line() {
    for (flags, rule) in ILLEGAL {
        assert!(!rule.to_string().contains('\n'), "{flags}");
    }
    assert_eq!(ILLEGAL[2].1.to_string(), "CLONE_THREAD needs CLONE_SIGHAND");
}
