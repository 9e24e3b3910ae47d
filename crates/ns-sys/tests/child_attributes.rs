//! The calls of a child that change what it is: ids, session, limits, signals, capabilities.
#![allow(unsafe_code, reason = "the calls under test")]

use std::fs;
use std::os::fd::{AsFd, FromRawFd, OwnedFd};

use ns_sys::child::{self, BpfInstruction, CapabilitySets, SignalSet};
use ns_sys::{Errno, UnshareFlags, unshare};
use ns_testbed::{USER, forked, nicer};

/// A line of the calling thread's own status, by its key.
fn status(key: &str) -> String {
    let text = fs::read_to_string("/proc/thread-self/status").expect("read status");
    let line = text.lines().find(|line| line.starts_with(key)).expect("the line is there");
    line[key.len()..].split_whitespace().collect::<Vec<_>>().join(" ")
}

fn mask(key: &str) -> u64 {
    u64::from_str_radix(&status(key), 16).expect("a hexadecimal mask")
}

/// Ids and groups change for the calling thread, and for no other.
#[test]
fn b13_ids_are_the_threads_own() {
    ns_testbed::run_as!([Root], {
        std::thread::spawn(|| {
            child::setgroups(&[7, 8]).expect("setgroups");
            child::setresgid(USER).expect("setresgid");
            child::setresuid(USER).expect("setresuid");
            assert_eq!(status("Groups:"), "7 8");
            assert_eq!(status("Uid:"), "12345 12345 12345 12345");
            assert_eq!(status("Gid:"), "12345 12345 12345 12345");
            assert_eq!(child::setresuid(0), Err(Errno::PERM));
            assert_eq!(child::setgroups(&[]), Err(Errno::PERM));
        })
        .join()
        .expect("join");
        assert_eq!(status("Uid:"), "0 0 0 0");
        // The thread's id change made the whole process not dumpable.
        rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::Dumpable)
            .expect("dumpable");
    });
}

/// An id without a mapping does not exist.
#[test]
fn a24_unmapped_ids() {
    ns_testbed::run_as!([Nested], {
        assert_eq!(child::setresuid(1), Err(Errno::INVAL));
        assert_eq!(child::setresgid(1), Err(Errno::INVAL));
    });
}

/// Session, group, nice value and limits.
#[test]
fn session_and_limits() {
    ns_testbed::run_as!([Root, User], {
        let code = forked(|| {
            assert_eq!(child::getpid(), std::process::id());
            let session = child::setsid().expect("setsid");
            assert_eq!(session, child::getpid());
            assert_eq!(child::setsid(), Err(Errno::PERM), "it leads a group");
            assert_eq!(child::setpgid(0, 0), Err(Errno::PERM), "it leads a session");
            let wished = nicer(5);
            child::setpriority(wished).expect("setpriority");
            assert_eq!(rustix::process::getpriority_process(None), Ok(wished));
            child::prlimit(libc::RLIMIT_CORE, 0, 0).expect("prlimit");
            assert_eq!(child::prlimit(libc::RLIMIT_CORE, 2, 1), Err(Errno::INVAL));
            assert_eq!(child::getrlimit(libc::RLIMIT_CORE), Ok((0, 0)));
            let core = rustix::process::getrlimit(rustix::process::Resource::Core);
            i32::from(core.maximum != Some(0))
        });
        assert_eq!(code, 0);
    });
}

/// A process group of one's own.
#[test]
fn a_process_group() {
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

/// Names of a UTS namespace of one's own.
#[test]
fn names() {
    ns_testbed::run_as!([Root, Nested], {
        let code = forked(|| {
            unshare(UnshareFlags::NEWUTS).expect("unshare");
            child::sethostname(b"box").expect("sethostname");
            child::setdomainname(b"example").expect("setdomainname");
            assert_eq!(fs::read_to_string("/proc/sys/kernel/hostname").expect("read"), "box\n");
            assert_eq!(
                fs::read_to_string("/proc/sys/kernel/domainname").expect("read"),
                "example\n"
            );
            assert_eq!(child::sethostname(&[b'x'; 65]), Err(Errno::INVAL));
            0
        });
        assert_eq!(code, 0);
    });
}

/// Without privilege over the namespace its names stay.
#[test]
fn names_need_privilege() {
    ns_testbed::run_as!([User], {
        assert_eq!(child::sethostname(b"box"), Err(Errno::PERM));
        assert_eq!(child::setdomainname(b"box"), Err(Errno::PERM));
    });
}

/// prctl, socket and ioctl: no_new_privs, and the flags of the loopback of a new namespace.
#[test]
fn f24_loopback_starts_down() {
    ns_testbed::run_as!([Root, Nested], {
        let code = forked(|| {
            // SAFETY: PR_SET_NO_NEW_PRIVS takes a number.
            unsafe { child::prctl(38, [1, 0, 0, 0]) }.expect("prctl");
            assert_eq!(status("NoNewPrivs:"), "1");
            unshare(UnshareFlags::NEWNET).expect("unshare");
            let socket = child::socket(2, 2, 0).expect("socket");
            // SAFETY: just opened, nobody else's.
            let socket = unsafe { OwnedFd::from_raw_fd(socket) };
            // struct ifreq: a name of 16 bytes, then the flags.
            let mut request = [0_u8; 40];
            request[..2].copy_from_slice(b"lo");
            let argument = (&raw mut request).expose_provenance();
            // SAFETY: SIOCGIFFLAGS writes the flags into the struct it is given.
            unsafe { child::ioctl(socket.as_fd(), 0x8913, argument) }.expect("ioctl");
            i32::from(request[16] & 1)
        });
        assert_eq!(code, 0, "IFF_UP");
    });
}

/// All signals, those of libc too, are blocked and let through; dispositions go back.
#[test]
fn f01_signals() {
    ns_testbed::run_as!([Root, User], {
        let code = forked(|| {
            let before = child::rt_sigprocmask(SignalSet::ALL).expect("block");
            // SIGKILL and SIGSTOP stay out.
            assert_eq!(mask("SigBlk:"), !(1 << 8 | 1 << 18));
            let some = SignalSet::EMPTY.with(10).with(64).with(0).with(65);
            child::rt_sigprocmask(some).expect("some");
            assert_eq!(mask("SigBlk:"), 1 << 9 | 1 << 63);
            assert!(some.contains(64) && !some.contains(63) && !some.contains(0));
            assert_eq!(child::rt_sigprocmask(before), Ok(some));

            // std ignores SIGPIPE, and tells an overflowed stack from other faults.
            assert_ne!(mask("SigIgn:") & 1 << 12, 0);
            let handled = mask("SigCgt:");
            assert_ne!(handled & 1 << 10, 0);
            for signal in 1..=64 {
                let is_handled = child::rt_sigaction_is_handled(signal);
                assert_eq!(is_handled, Ok(handled & 1 << (signal - 1) != 0), "{signal}");
            }
            assert_eq!(child::rt_sigaction_is_handled(65), Err(Errno::INVAL));
            child::rt_sigaction_default(13).expect("default");
            assert_eq!(mask("SigIgn:") & 1 << 12, 0);
            for signal in [0, 9, 19, 65] {
                assert_eq!(child::rt_sigaction_default(signal), Err(Errno::INVAL));
            }
            0
        });
        assert_eq!(code, 0);
    });
}

/// Capabilities go, and do not come back.
#[test]
fn capabilities() {
    ns_testbed::run_as!([Root, Nested], {
        let code = forked(|| {
            let one = CapabilitySets { effective: 1 << 40, permitted: 1 << 40 | 1, inheritable: 1 };
            child::capset(one).expect("capset");
            assert_eq!(
                (mask("CapEff:"), mask("CapPrm:"), mask("CapInh:")),
                (1 << 40, 1 << 40 | 1, 1)
            );
            let more = CapabilitySets { permitted: u64::MAX, ..one };
            i32::from(child::capset(more) != Err(Errno::PERM))
        });
        assert_eq!(code, 0);
    });
}

/// A filter is in force from the call on.
#[test]
fn seccomp_filters() {
    ns_testbed::run_as!([Root, User], {
        let code = forked(|| {
            // SAFETY: PR_SET_NO_NEW_PRIVS takes a number.
            unsafe { child::prctl(38, [1, 0, 0, 0]) }.expect("prctl");
            // Load the number; setsid answers 77, the rest is allowed.
            let filter = [
                BpfInstruction { code: 0x20, jt: 0, jf: 0, k: 0 },
                BpfInstruction { code: 0x15, jt: 0, jf: 1, k: linux_raw_sys::general::__NR_setsid },
                BpfInstruction { code: 0x06, jt: 0, jf: 0, k: 0x0005_004d },
                BpfInstruction { code: 0x06, jt: 0, jf: 0, k: 0x7fff_0000 },
            ];
            // SAFETY: an empty filter is refused.
            assert_eq!(unsafe { child::seccomp_set_filter(0, &[]) }, Err(Errno::INVAL));
            // SAFETY: only setsid answers otherwise, and nothing relies on it.
            unsafe { child::seccomp_set_filter(0, &filter) }.expect("seccomp");
            i32::from(child::setsid() != Err(Errno::from_raw_os_error(77)))
        });
        assert_eq!(code, 0);
    });
}

/// A filter needs no_new_privs or a capability.
#[test]
fn seccomp_needs_no_new_privs() {
    ns_testbed::run_as!([User], {
        let allow = [BpfInstruction { code: 0x06, jt: 0, jf: 0, k: 0x7fff_0000 }];
        // SAFETY: allows everything.
        assert_eq!(unsafe { child::seccomp_set_filter(0, &allow) }, Err(Errno::ACCESS));
    });
}

/// The exit code is the lower byte.
#[test]
fn exit_group_ends_the_process() {
    ns_testbed::run_as!([User], {
        assert_eq!(forked(|| child::exit_group(0x1_07)), 7);
    });
}

/// Readable is what can be read at once, and a process that has ended.
#[test]
fn f28_readable() {
    ns_testbed::run_as!([Root, User], {
        let (reader, writer) = std::io::pipe().expect("pipe");
        assert_eq!(child::is_readable(reader.as_fd()), Ok(false));
        assert_eq!(child::write(writer.as_fd(), b"x"), Ok(1));
        assert_eq!(child::is_readable(reader.as_fd()), Ok(true));
        drop(writer);
        // SAFETY: a number that is not open is what is asked about.
        let closed = unsafe { std::os::fd::BorrowedFd::borrow_raw(999) };
        assert_eq!(child::is_readable(closed), Err(Errno::BADF));

        let mut sleeper = std::process::Command::new("sleep").arg("1000").spawn().expect("spawn");
        let pidfd = ns_sys::pidfd_open(sleeper.id()).expect("pidfd_open");
        assert_eq!(child::is_readable(pidfd.as_fd()), Ok(false));
        sleeper.kill().expect("kill");
        sleeper.wait().expect("wait");
        assert_eq!(child::is_readable(pidfd.as_fd()), Ok(true));
    });
}
