//! The resources of a reaped child.
#![allow(unsafe_code, reason = "getrusage(2)")]
#![expect(clippy::zombie_processes, reason = "the tests reap by pidfd")]

use std::mem::MaybeUninit;
use std::process::{Command, Stdio};
use std::time::Duration;

use ns_sys::{Errno, Usage, WaitFlags, pidfd_open, waitid_pidfd, waitid_pidfd_usage};

/// The usage of all children that this process has reaped, by libc.
fn reaped_children() -> libc::rusage {
    let mut usage = MaybeUninit::uninit();
    // SAFETY: the call writes one rusage.
    assert_eq!(unsafe { libc::getrusage(libc::RUSAGE_CHILDREN, usage.as_mut_ptr()) }, 0);
    // SAFETY: the call has succeeded.
    unsafe { usage.assume_init() }
}

fn duration(time: libc::timeval) -> Duration {
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_usec).expect("micros") * 1000)
}

fn assert_same(usage: Usage, oracle: &libc::rusage) {
    assert_eq!(usage.user, duration(oracle.ru_utime));
    assert_eq!(usage.system, duration(oracle.ru_stime));
    assert_eq!(usage.max_rss, oracle.ru_maxrss.unsigned_abs() * 1024);
    assert_eq!(usage.minor_faults, oracle.ru_minflt.unsigned_abs());
    assert_eq!(usage.major_faults, oracle.ru_majflt.unsigned_abs());
    assert_eq!(usage.voluntary_switches, oracle.ru_nvcsw.unsigned_abs());
    assert_eq!(usage.involuntary_switches, oracle.ru_nivcsw.unsigned_abs());
    assert_eq!(usage.blocks_in, oracle.ru_inblock.unsigned_abs());
    assert_eq!(usage.blocks_out, oracle.ru_oublock.unsigned_abs());
}

/// The usage of the only child is what the kernel adds to the usage of reaped children, its own child included.
#[test]
fn the_usage_is_that_of_the_reaped_child() {
    ns_testbed::run_as!([Root, User, Nested], {
        let script = "read end; head -c 20000000 /dev/zero | tail -c 10000000 | wc -c; exit 7";
        let mut command = Command::new("sh");
        let mut child = command.args(["-c", script]).stdin(Stdio::piped()).spawn().expect("spawn");
        let pidfd = pidfd_open(child.id()).expect("pidfd_open");
        assert_eq!(waitid_pidfd_usage(&pidfd, WaitFlags::NOHANG), Ok(None), "it is running");
        drop(child.stdin.take());
        let peeked = waitid_pidfd_usage(&pidfd, WaitFlags::NOWAIT).expect("peek");
        let before = reaped_children();
        assert_eq!(before.ru_minflt, 0, "another child was reaped");
        let reaped = waitid_pidfd_usage(&pidfd, WaitFlags::empty()).expect("reap");
        let (status, usage) = reaped.expect("it has exited");
        assert_eq!(peeked.map(|(status, _)| status), Some(status));
        assert_eq!(status.code(), Some(7));
        assert_same(usage, &reaped_children());
        // `tail` keeps its input.
        assert!(usage.max_rss > 10_000_000 && usage.minor_faults > 2000, "{usage:?}");
        assert_eq!(waitid_pidfd_usage(&pidfd, WaitFlags::empty()), Err(Errno::CHILD));
    });
}

/// The status is that of `waitid_pidfd`.
#[test]
fn f14_the_status_is_the_same() {
    ns_testbed::run_as!([Root, User], {
        for script in ["exit 0", "exit 139", "kill -TERM $$", "kill -KILL $$", "kill -ABRT $$"] {
            let child = Command::new("sh").args(["-c", script]).spawn().expect("spawn");
            let pidfd = pidfd_open(child.id()).expect("pidfd_open");
            let peeked = waitid_pidfd(&pidfd, WaitFlags::NOWAIT).expect("peek");
            let reaped = waitid_pidfd_usage(&pidfd, WaitFlags::ALL).expect("reap");
            assert_eq!(reaped.map(|(status, _)| status), peeked, "{script}");
        }
    });
}
