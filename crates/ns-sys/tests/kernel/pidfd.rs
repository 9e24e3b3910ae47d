//! Pidfds of child processes.
#![allow(unsafe_code, reason = "clone3")]
#![expect(clippy::zombie_processes, reason = "the tests reap by pidfd")]

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::process::{Child, Command, Stdio};

use ns_sys::child::exit_group;
use ns_sys::{
    CloneArgs, CloneFlags, Errno, Namespace, NamespaceFd, Signal, WaitFlags, WaitStatus,
    clone3_pidfd, pidfd_get_info, pidfd_getfd, pidfd_open, pidfd_open_thread, pidfd_send_signal,
    waitid_pidfd,
};

fn sleeper() -> Child {
    Command::new("sleep").arg("1000").spawn().expect("spawn sleep")
}

/// A signal kills the process of the pidfd. It has no effect on a zombie, and fails after the process has
/// been reaped.
#[test]
fn f16_signals_reach_no_other_process() {
    ns_testbed::run_as!([Root, User, Nested], {
        let child = sleeper();
        let pidfd = pidfd_open(child.id()).expect("pidfd_open");
        assert_eq!(waitid_pidfd(&pidfd, WaitFlags::NOHANG), Ok(None), "it is running");
        pidfd_send_signal(&pidfd, Signal::TERM).expect("signal");
        let peeked = waitid_pidfd(&pidfd, WaitFlags::NOWAIT).expect("peek").expect("it has exited");
        assert_eq!((peeked.signal(), peeked.code()), (Some(Signal::TERM), None));
        pidfd_send_signal(&pidfd, Signal::TERM).expect("signal a zombie");
        assert_eq!(waitid_pidfd(&pidfd, WaitFlags::empty()), Ok(Some(peeked)));
        assert_eq!(pidfd_send_signal(&pidfd, Signal::TERM), Err(Errno::SRCH));
        assert_eq!(waitid_pidfd(&pidfd, WaitFlags::empty()), Err(Errno::CHILD));
    });
}

/// Exit codes and signals are reported as the kernel's status word.
#[test]
fn f14_status_words() {
    ns_testbed::run_as!([Root, User], {
        for (script, word) in [("exit 0", 0), ("exit 139", 139 << 8), ("kill -TERM $$", 15)] {
            let child = Command::new("sh").args(["-c", script]).spawn().expect("spawn");
            let pidfd = pidfd_open(child.id()).expect("pidfd_open");
            let status =
                waitid_pidfd(&pidfd, WaitFlags::empty()).expect("waitid").expect("it has exited");
            assert_eq!(status.as_raw(), word, "{script}");
            assert!(!status.core_dumped());
        }
    });
}

/// A core dump is reported.
#[test]
fn f14_core_dumps_are_reported() {
    ns_testbed::run_as!([Root, User], {
        if rustix::process::getrlimit(rustix::process::Resource::Core).maximum == Some(0) {
            ns_testbed::skip!("the hard limit allows no core dump");
        }
        let path = std::env::temp_dir().join(format!("ns-sys-core-{}", std::process::id()));
        fs::create_dir(&path).expect("mkdir");
        let script = "ulimit -c $(ulimit -H -c); kill -SEGV $$";
        let child = Command::new("sh").args(["-c", script]).current_dir(&path).spawn();
        let pidfd = pidfd_open(child.expect("spawn").id()).expect("pidfd_open");
        let status =
            waitid_pidfd(&pidfd, WaitFlags::empty()).expect("waitid").expect("it has exited");
        fs::remove_dir_all(&path).expect("remove");
        assert_eq!((status.signal(), status.core_dumped()), (Some(Signal::SEGV), true));
        assert_eq!(status.as_raw(), 0x8b);
    });
}

/// The exit status is available after another call has reaped the process.
#[test]
fn f04_exit_status_survives_another_reap() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut child = Command::new("sh").args(["-c", "exit 7"]).spawn().expect("spawn");
        let pidfd = pidfd_open(child.id()).expect("pidfd_open");
        let alive = match pidfd_get_info(&pidfd) {
            Err(Errno::NOTTY | Errno::INVAL) => {
                ns_testbed::skip!("PIDFD_GET_INFO needs Linux 6.13")
            }
            alive => alive.expect("info"),
        };
        assert_eq!((alive.pid, alive.ppid), (Some(child.id()), Some(std::process::id())));
        assert_eq!(alive.exit_status, None);
        assert_eq!(alive.euid, Some(rustix::process::geteuid().as_raw()));
        assert!(alive.cgroup_id.is_some());
        child.wait().expect("reap without the pidfd");
        match pidfd_get_info(&pidfd) {
            Err(Errno::SRCH) => ns_testbed::skip!("the exit status needs Linux 6.15"),
            info => {
                let info = info.expect("info");
                assert_eq!(info.exit_status.and_then(WaitStatus::code), Some(7));
                assert_eq!((info.pid, info.ppid, info.euid, info.egid), (None, None, None, None));
            }
        }
    });
}

/// A parent outside the caller's pid namespace is `None`, and process 1 has one.
#[test]
fn f04_an_invisible_parent_is_none() {
    ns_testbed::run_as!([Root, User, Nested], {
        let args = CloneArgs::new(CloneFlags::NEWUSER | CloneFlags::NEWPID);
        // SAFETY: the test process has one thread that uses libc, so the child may do so too.
        let Some((_, pidfd)) = unsafe { clone3_pidfd(&args) }.expect("clone3") else {
            let info = pidfd_open(1).and_then(pidfd_get_info);
            exit_group(match info.map(|info| (info.pid, info.ppid)) {
                Ok((Some(1), None)) => 0,
                Err(Errno::NOTTY | Errno::INVAL) => 1,
                _ => 2,
            })
        };
        match waitid_pidfd(&pidfd, WaitFlags::ALL).expect("wait").and_then(WaitStatus::code) {
            Some(1) => ns_testbed::skip!("PIDFD_GET_INFO needs Linux 6.13"),
            code => assert_eq!(code, Some(0)),
        }
    });
}

/// Real-time signals are sent and reported.
#[test]
fn f14_real_time_signals_are_sent() {
    ns_testbed::run_as!([Root, User], {
        for number in [34, 40, 64] {
            let signal = Signal::from_raw(number).expect("a signal");
            let child = sleeper();
            let pidfd = pidfd_open(child.id()).expect("pidfd_open");
            pidfd_send_signal(&pidfd, signal).expect("signal");
            let status = waitid_pidfd(&pidfd, WaitFlags::empty()).expect("wait").expect("killed");
            assert_eq!((status.signal(), status.code()), (Some(signal), None));
        }
    });
}

/// An invalid process ID is an error.
#[test]
fn pidfd_open_rejects_invalid_ids() {
    ns_testbed::run_as!([User], {
        assert_eq!(pidfd_open(0).err(), Some(Errno::INVAL));
        assert_eq!(pidfd_open(u32::MAX).err(), Some(Errno::INVAL));
        assert_eq!(pidfd_open(4_194_304).err(), Some(Errno::SRCH));
    });
}

/// The pidfd of a thread becomes readable when the thread terminates, even while the process runs on.
#[test]
fn f34_thread_pidfd_is_readable_after_the_thread() {
    ns_testbed::run_as!([Root, User], {
        let (sender, receiver) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let tid = rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs();
            sender.send(pidfd_open_thread(tid)).expect("send");
        });
        let pidfd = match receiver.recv().expect("receive") {
            Err(Errno::INVAL) => ns_testbed::skip!("PIDFD_THREAD needs Linux 6.9"),
            pidfd => pidfd.expect("pidfd_open_thread"),
        };
        thread.join().expect("join");
        let mut polled = [rustix::event::PollFd::new(&pidfd, rustix::event::PollFlags::IN)];
        let limit = rustix::event::Timespec { tv_sec: 5, tv_nsec: 0 };
        assert_eq!(rustix::event::poll(&mut polled, Some(&limit)), Ok(1));
    });
}

/// A descriptor of the child is duplicated and refers to the same file.
#[test]
fn pidfd_getfd_duplicates_a_descriptor() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut child = Command::new("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("spawn");
        let pidfd = pidfd_open(child.id()).expect("pidfd_open");
        let mut stdin = File::from(pidfd_getfd(&pidfd, 0).expect("getfd"));
        drop(child.stdin.take());
        // The duplicate is the child's standard input, the read end of the pipe.
        assert_eq!(stdin.read(&mut [0]).expect("read"), 0);
        assert!(stdin.write(b"x").is_err());
        assert_eq!(pidfd_getfd(&pidfd, 99).err(), Some(Errno::BADF));
        assert_ne!(stdin.as_raw_fd(), 0);
        child.wait().expect("wait");
    });
}

/// Each namespace that the ioctl opens is the namespace that `/proc` shows.
#[test]
fn c04_namespaces_without_proc() {
    ns_testbed::run_as!([Root, User, Nested], {
        let pidfd = pidfd_open(std::process::id()).expect("pidfd_open");
        for kind in Namespace::ALL {
            let namespace = match NamespaceFd::from_pidfd(&pidfd, kind) {
                Err(Errno::NOTTY | Errno::INVAL) => ns_testbed::skip!("the ioctl needs Linux 6.11"),
                namespace => namespace.expect("from_pidfd"),
            };
            let link = fs::read_link(format!("/proc/self/ns/{kind}")).expect("read the link");
            let shown = format!("{kind}:[{}]", namespace.id().expect("id").ino);
            assert_eq!(link.to_str(), Some(shown.as_str()));
        }
        for kind in [Namespace::Pid, Namespace::Time] {
            let (own, next) =
                (NamespaceFd::from_pidfd(&pidfd, kind), NamespaceFd::for_children(&pidfd, kind));
            assert_eq!(own.expect("own").id(), next.expect("for children").id());
        }
        assert_eq!(NamespaceFd::for_children(&pidfd, Namespace::Uts).err(), Some(Errno::INVAL));
    });
}
