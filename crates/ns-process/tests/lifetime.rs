//! How long a start takes, where the process belongs, and what the end of the handle does.
#![allow(unsafe_code, reason = "fork of a parent that reaps")]

mod common;

use std::fs;
use std::time::{Duration, Instant};

use common::cgroup::OwnCgroup;
use common::{eventually, prints, shell};
use ns_process::{CloneFlags, Container, Errno, Namespace, Signal, Step};
use ns_sys::pidfd_send_signal;
use ns_testbed::{Leftovers, forked};

/// A child that is stopped before it executes is given up at the limit, killed and reaped.
#[test]
fn f32_stopped_before_exec() {
    ns_testbed::run_as!([Root, User, Nested], {
        let before = Leftovers::snapshot();
        let mut container = Container::new("true");
        container.namespaces([Namespace::User]).map_zero();
        container.start_timeout(Duration::from_millis(300));
        container.before_go(|child| pidfd_send_signal(child, Signal::STOP));
        let begun = Instant::now();
        let error = container.start().expect_err("it is stopped");
        assert_eq!((error.step(), error.errno()), (Step::StartTimeout, Some(Errno::TIMEDOUT)));
        assert!(begun.elapsed() >= Duration::from_millis(300), "{:?}", begun.elapsed());
        common::assert_unchanged(&before);
    });
}

/// Though it is made without an exit signal, an executed program is a child like others: a plain wait
/// finds it, and its end raises SIGCHLD.
#[test]
fn b03_a_plain_wait_finds_it() {
    ns_testbed::run_as!([Root, User, Nested], {
        use std::sync::atomic::{AtomicU32, Ordering};
        static ENDS: AtomicU32 = AtomicU32::new(0);
        extern "C" fn count(_: i32) {
            ENDS.fetch_add(1, Ordering::Relaxed);
        }
        let handler: extern "C" fn(i32) = count;
        // SAFETY: the handler counts.
        unsafe { libc::signal(libc::SIGCHLD, handler as libc::sighandler_t) };
        for kinds in [&[][..], &[Namespace::User, Namespace::Pid]] {
            let mut container = shell("exit 7");
            container.namespaces(kinds.iter().copied());
            let before = ENDS.load(Ordering::Relaxed);
            let process = container.start().expect("start");
            let options = rustix::process::WaitIdOptions::EXITED;
            let child = rustix::process::WaitId::PidFd(process.pidfd());
            let ended =
                rustix::io::retry_on_intr(|| rustix::process::waitid(child.clone(), options));
            assert_eq!(ended.expect("a child").and_then(|ended| ended.exit_status()), Some(7));
            eventually("SIGCHLD", || ENDS.load(Ordering::Relaxed) == before + 1);
        }
        Container::new("/nope").start().expect_err("unknown");
        assert_eq!(ENDS.load(Ordering::Relaxed), 2, "a start that failed raises none");
    });
}

/// A limit that is not reached changes nothing.
#[test]
fn start_timeout_leaves_the_program_alone() {
    ns_testbed::run_as!([User], {
        let mut container = shell("sleep 0.3; exit 5");
        container.start_timeout(Duration::from_millis(200));
        let process = loop {
            match container.start() {
                // A busy machine reaches it.
                Err(error) if error.step() == Step::StartTimeout => {}
                started => break started.expect("start"),
            }
        };
        assert_eq!(process.join().expect("join").code(), Some(5));
        assert_eq!(container.get_start_timeout(), Some(Duration::from_millis(200)));
    });
}

/// Dropped with the wish to kill, the process ends; without, it lives.
#[test]
fn f18_kill_on_drop() {
    ns_testbed::run_as!([Root, User], {
        let alive = |pid: u32| fs::metadata(format!("/proc/{pid}")).is_ok();
        let mut container = Container::new("sleep");
        container.arg("1000").kill_on_drop(true);
        let process = container.start().expect("start");
        let pid = process.pid();
        drop(process);
        eventually("killed and reaped", || {
            ns_process::reap();
            !alive(pid)
        });
        container.kill_on_drop(false);
        let process = container.start().expect("start");
        let (pid, pidfd) = (process.pid(), process.pidfd().try_clone_to_owned().expect("clone"));
        drop(process);
        std::thread::sleep(Duration::from_millis(50));
        assert!(alive(pid));
        pidfd_send_signal(&pidfd, Signal::KILL).expect("kill");
        eventually("reaped", || ns_process::reap() == 0);
    });
}

/// The process begins in its cgroup, and a new cgroup namespace has it as root.
#[test]
fn cgroup_from_the_first_moment() {
    ns_testbed::run_as!([Root], {
        let Some(group) = OwnCgroup::new() else {
            ns_testbed::skip!("no cgroup2 file system that may be written");
        };
        let directory = || fs::File::open(&group.0).expect("open");
        let own = |text: &str| text.lines().find(|line| line.starts_with("0::")).map(str::to_owned);
        let seen = prints(
            |container| {
                container.cgroup(directory());
            },
            "cat /proc/self/cgroup",
        );
        let name = group.0.rsplit('/').next().expect("a name");
        assert!(own(&seen).is_some_and(|line| line.ends_with(name)), "{seen}");
        let seen = prints(
            |container| {
                container.cgroup(directory()).namespace(Namespace::Cgroup);
            },
            "cat /proc/self/cgroup",
        );
        assert_eq!(own(&seen).as_deref(), Some("0::/"), "{seen}");
        let mut container = Container::new("true");
        container.cgroup(fs::File::open("/tmp").expect("open"));
        let error = container.start().expect_err("no cgroup");
        assert_eq!((error.step(), error.errno()), (Step::Clone, Some(Errno::BADF)));
    });
}

/// A sibling of the caller's is seen to end, and its status is told, reaped or not; one that never executes
/// is an error.
#[test]
fn parent_flag_makes_a_sibling() {
    ns_testbed::run_as!([Root, User], {
        let code = forked(|| {
            let parent = std::os::unix::process::parent_id();
            let mut container = shell("test $PPID = \"$0\" && exit 7");
            container.arg(parent.to_string()).flags(CloneFlags::PARENT);
            let process = container.start().expect("start");
            assert_eq!(process.join().expect("join").code(), Some(7), "nobody has reaped it");
            assert!(!process.is_alive().expect("ask"));
            let mut dies = Container::new("true");
            let error = dies.flags(CloneFlags::PARENT).die_with_parent().start().expect_err("both");
            assert_eq!(error.step(), Step::Check, "{error}");
            let mut unknown = Container::new("/nope");
            let error = unknown.flags(CloneFlags::PARENT).start().expect_err("unknown");
            assert_eq!((error.step(), error.errno()), (Step::Exec, Some(Errno::NOENT)));
            0
        });
        assert_eq!(code, 0);
        while rustix::process::wait(rustix::process::WaitOptions::empty()).is_ok() {}
        let code = forked_and_reaping(|| {
            let process = shell("exit 7").flags(CloneFlags::PARENT).start().expect("start");
            i32::from(process.join().expect("join").code() != Some(7))
        });
        assert_eq!(code, 0);
    });
}

/// As [`forked`], by a parent that reaps whatever ends meanwhile.
fn forked_and_reaping(body: impl FnOnce() -> i32) -> i32 {
    // SAFETY: libc's fork repairs libc's own state; the child ends in _exit.
    let pid = match unsafe { libc::fork() } {
        // SAFETY: ends the child and nothing else.
        0 => unsafe { libc::_exit(body()) },
        pid => pid,
    };
    let mut code = None;
    while let Ok(Some((ended, status))) =
        rustix::process::wait(rustix::process::WaitOptions::empty())
    {
        if ended.as_raw_nonzero().get() == pid {
            code = status.exit_status();
        }
    }
    code.expect("the child ended")
}
