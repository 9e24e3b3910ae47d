//! Session, process group, limits and exit.

use ns_sys::Errno;
use ns_sys::child;
use ns_testbed::{forked, nicer};

/// Session, process group, nice value and limits are set.
#[test]
fn session_nice_value_and_limits_are_set() {
    ns_testbed::run_as!([Root, User], {
        let code = forked(|| {
            assert_eq!(child::getpid(), std::process::id());
            let session = child::setsid().expect("setsid");
            assert_eq!(session, child::getpid());
            assert_eq!(child::setsid(), Err(Errno::PERM), "a process group leader");
            assert_eq!(child::setpgid(0, 0), Err(Errno::PERM), "a session leader");
            let nice = nicer(5);
            child::setpriority(nice).expect("setpriority");
            assert_eq!(rustix::process::getpriority_process(None), Ok(nice));
            child::prlimit(libc::RLIMIT_CORE, 0, 0).expect("prlimit");
            assert_eq!(child::prlimit(libc::RLIMIT_CORE, 2, 1), Err(Errno::INVAL));
            assert_eq!(child::getrlimit(libc::RLIMIT_CORE), Ok((0, 0)));
            let core = rustix::process::getrlimit(rustix::process::Resource::Core);
            i32::from(core.maximum != Some(0))
        });
        assert_eq!(code, 0);
    });
}

/// `setpgid(0, 0)` creates a process group.
#[test]
fn setpgid_creates_a_process_group() {
    ns_testbed::run_as!([User], {
        let code = forked(|| {
            child::setpgid(0, 0).expect("setpgid");
            i32::from(
                rustix::process::getpgrp().as_raw_nonzero().get().unsigned_abs() != child::getpid(),
            )
        });
        assert_eq!(code, 0);
    });
}

/// The exit code is the low byte of the status.
#[test]
fn exit_group_exits_with_the_low_byte() {
    ns_testbed::run_as!([User], {
        assert_eq!(forked(|| child::exit_group(0x1_07)), 7);
    });
}
