//! Pidfds against real children.
#![expect(clippy::zombie_processes, reason = "reaped by pidfd")]

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::process::{Child, Command, Stdio};

use ns_sys::{
    Errno, Namespace, NamespaceFd, Signal, WaitFlags, pidfd_get_info, pidfd_getfd, pidfd_open,
    pidfd_open_thread, pidfd_send_signal, waitid_pidfd,
};

fn sleeper() -> Child {
    Command::new("sleep").arg("1000").spawn().expect("spawn sleep")
}

/// A signal ends the process that the descriptor means; a zombie takes one without effect, and a
/// reaped process is gone for good.
#[test]
fn f16_signals_hit_nobody_else() {
    ns_testbed::run_as!([Root, User, Nested], {
        let child = sleeper();
        let pidfd = pidfd_open(child.id()).expect("pidfd_open");
        assert_eq!(waitid_pidfd(&pidfd, WaitFlags::NOHANG), Ok(None), "it lives");
        pidfd_send_signal(&pidfd, Signal::TERM).expect("signal");
        let peeked = waitid_pidfd(&pidfd, WaitFlags::NOWAIT).expect("peek").expect("ended");
        assert_eq!((peeked.signal(), peeked.code()), (Some(15), None));
        pidfd_send_signal(&pidfd, Signal::TERM).expect("a zombie takes it");
        assert_eq!(waitid_pidfd(&pidfd, WaitFlags::empty()), Ok(Some(peeked)));
        assert_eq!(pidfd_send_signal(&pidfd, Signal::TERM), Err(Errno::SRCH));
        assert_eq!(waitid_pidfd(&pidfd, WaitFlags::empty()), Err(Errno::CHILD));
    });
}

/// Codes, signals and core dumps of a child come back as the kernel's status word.
#[test]
fn f14_status_words() {
    ns_testbed::run_as!([Root, User], {
        for (script, word) in [("exit 0", 0), ("exit 139", 139 << 8), ("kill -TERM $$", 15)] {
            let child = Command::new("sh").args(["-c", script]).spawn().expect("spawn");
            let pidfd = pidfd_open(child.id()).expect("pidfd_open");
            let status = waitid_pidfd(&pidfd, WaitFlags::empty()).expect("waitid").expect("ended");
            assert_eq!(status.as_raw(), word, "{script}");
            assert!(!status.core_dumped());
        }
    });
}

/// A core dump is told.
#[test]
fn f14_core_dumps() {
    ns_testbed::run_as!([Root, User], {
        if rustix::process::getrlimit(rustix::process::Resource::Core).maximum == Some(0) {
            ns_testbed::skip!("the hard limit allows no core dump");
        }
        let folder = std::env::temp_dir().join(format!("ns-sys-core-{}", std::process::id()));
        fs::create_dir(&folder).expect("mkdir");
        let script = "ulimit -c $(ulimit -H -c); kill -SEGV $$";
        let child = Command::new("sh").args(["-c", script]).current_dir(&folder).spawn();
        let pidfd = pidfd_open(child.expect("spawn").id()).expect("pidfd_open");
        let status = waitid_pidfd(&pidfd, WaitFlags::empty()).expect("waitid").expect("ended");
        fs::remove_dir_all(&folder).expect("remove");
        assert_eq!((status.signal(), status.core_dumped()), (Some(11), true));
        assert_eq!(status.as_raw(), 0x8b);
    });
}

/// The status survives a foreign reap.
#[test]
fn f04_info_after_a_foreign_reap() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut child = Command::new("sh").args(["-c", "exit 7"]).spawn().expect("spawn");
        let pidfd = pidfd_open(child.id()).expect("pidfd_open");
        let alive = match pidfd_get_info(&pidfd) {
            Err(Errno::NOTTY | Errno::INVAL) => {
                ns_testbed::skip!("PIDFD_GET_INFO needs Linux 6.13")
            }
            alive => alive.expect("info"),
        };
        assert_eq!((alive.pid, alive.ppid), (child.id(), std::process::id()));
        assert_eq!(alive.exit_status, None);
        assert_eq!(alive.euid, Some(rustix::process::geteuid().as_raw()));
        assert!(alive.cgroup_id.is_some());
        child.wait().expect("reap behind its back");
        match pidfd_get_info(&pidfd) {
            Err(Errno::SRCH) => ns_testbed::skip!("the exit status needs Linux 6.15"),
            info => assert_eq!(
                info.expect("info").exit_status.and_then(ns_sys::WaitStatus::code),
                Some(7)
            ),
        }
    });
}

/// What is no process is refused.
#[test]
fn pidfd_open_errors() {
    ns_testbed::run_as!([User], {
        assert_eq!(pidfd_open(0).err(), Some(Errno::INVAL));
        assert_eq!(pidfd_open(u32::MAX).err(), Some(Errno::INVAL));
        assert_eq!(pidfd_open(4_194_304).err(), Some(Errno::SRCH));
    });
}

/// A thread's descriptor becomes readable when the thread ends, though the process lives.
#[test]
fn f34_a_threads_own_descriptor() {
    ns_testbed::run_as!([Root, User], {
        let (sender, receiver) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let tid = rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs();
            sender.send(pidfd_open_thread(tid)).expect("hand over");
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

/// A descriptor of the child's is fetched and leads to the same file.
#[test]
fn pidfd_getfd_fetches() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut child = Command::new("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("spawn");
        let pidfd = pidfd_open(child.id()).expect("pidfd_open");
        let mut stdin = File::from(pidfd_getfd(&pidfd, 0).expect("getfd"));
        drop(child.stdin.take());
        // The fetched end is a reading end: the child's own standard input.
        assert_eq!(stdin.read(&mut [0]).expect("read"), 0);
        assert!(stdin.write(b"x").is_err());
        assert_eq!(pidfd_getfd(&pidfd, 99).err(), Some(Errno::BADF));
        assert_ne!(stdin.as_raw_fd(), 0);
        child.wait().expect("wait");
    });
}

/// Each namespace of a process by ioctl is the one its `/proc` file shows.
#[test]
fn c04_namespaces_without_proc() {
    ns_testbed::run_as!([Root, User, Nested], {
        let pidfd = pidfd_open(std::process::id()).expect("pidfd_open");
        for kind in Namespace::ALL {
            let held = match NamespaceFd::from_pidfd(&pidfd, kind) {
                Err(Errno::NOTTY | Errno::INVAL) => ns_testbed::skip!("the ioctl needs Linux 6.11"),
                held => held.expect("from_pidfd"),
            };
            let link = fs::read_link(format!("/proc/self/ns/{kind}")).expect("read the link");
            let shown = format!("{kind}:[{}]", held.id().expect("id").ino);
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
