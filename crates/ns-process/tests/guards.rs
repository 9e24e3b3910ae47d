//! What a start does in case: each guard seen at work, at the system call where it matters.
#![allow(unsafe_code, reason = "a child of a chosen number, and dispositions of this process")]

mod common;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use common::cgroup::OwnCgroup;
use common::target::Target;
use common::{act, shell};
use ns_process::{
    CapabilitySet, Container, Error, Init, Inject, Memory, Namespace, Process, Resource, Stdio,
};
use ns_sys::{CloneArgs, CloneFlags, UnshareFlags};
use ns_testbed::{USER, forked, observed};
use rustix::process::{Pid, Signal, getegid, geteuid, kill_process, test_kill_process};

/// After which a test fails whose guard is gone.
const LIMIT: Duration = Duration::from_secs(20);

/// The owner of the files of a process in proc: root where its dumpable flag is clear.
fn owner(pid: u32) -> u32 {
    fs::metadata(format!("/proc/{pid}/stat")).map_or(u32::MAX, |file| file.uid())
}

/// What `look` finds of the first process that the calling one makes and that makes the call `number`.
fn seen_at(number: i64, look: fn(u32) -> u32, start: impl FnOnce()) -> u32 {
    static SEEN: AtomicU32 = AtomicU32::new(u32::MAX);
    let own = std::process::id();
    let note = move |pid, _| {
        let is_first = SEEN.load(Ordering::SeqCst) == u32::MAX && pid != own;
        // The numbers are those of this process's pid namespace, threads of its own among them.
        if is_first && !Path::new(&format!("/proc/self/task/{pid}")).exists() {
            SEEN.store(look(pid), Ordering::SeqCst);
        }
    };
    observed(&[number], note, start);
    SEEN.load(Ordering::SeqCst)
}

/// As the user, a process 1 that is a copy of the caller clears its flag before a program runs beside it: that
/// one could read the copy.
#[test]
fn c16_a_copied_process_1_is_undumpable() {
    ns_testbed::run_as!([User], {
        let code = forked(|| {
            let mut container = Container::new("true");
            container.namespaces([Namespace::User, Namespace::Pid]).map_zero();
            container.init(Init::builtin()).memory(Memory::Copied);
            let owner = seen_at(libc::SYS_execveat, owner, || {
                assert!(container.status().expect("start").success());
            });
            assert_eq!(owner, 0, "of root");
            0
        });
        assert_eq!(code, 0);
    });
}

/// A copy that keeps its flag for its maps clears it at go, if others could trace it and not the caller.
#[test]
fn c16_a_copy_is_undumpable_from_go_on() {
    ns_testbed::run_as!([Root], {
        let mut caller = act("c16_the_caller_with_a_copy");
        caller.uid(USER).gid(USER).keep_capabilities(CapabilitySet::NET_BIND_SERVICE);
        let output = caller.stdout(Stdio::piped()).output().expect("start");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    });
}

/// Not a test: the caller of the one above.
#[test]
fn c16_the_caller_with_a_copy() {
    if std::env::var_os(common::ACT).is_none() {
        return;
    }
    let code = forked(|| {
        let mut container = Container::new("/bin/true");
        container.namespace(Namespace::User).map_zero();
        let owner = seen_at(libc::SYS_execve, owner, || {
            assert!(container.status().expect("start").success());
        });
        assert_eq!(owner, 0, "of root");
        0
    });
    assert_eq!(code, 0);
}

/// The soft core limit of a process.
fn core_limit(pid: u32) -> u32 {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).expect("read");
    let line = limits.lines().find_map(|line| line.strip_prefix("Max core file size"));
    let soft = line.expect("the line").split_whitespace().next().expect("a limit").to_owned();
    soft.parse().unwrap_or(u32::MAX - 1)
}

/// The process between dumps no core either: it has the caller's memory.
#[test]
fn f26_the_intermediate_process_dumps_nothing() {
    ns_testbed::run_as!([Root, User], {
        let target = Target::in_all();
        let code = forked(|| {
            let (_, hard) = ns_sys::child::getrlimit(Resource::Core as u32).expect("getrlimit");
            ns_sys::child::prlimit(Resource::Core as u32, hard.min(1 << 20), hard).expect("set");
            let limit = seen_at(libc::SYS_setns, core_limit, || {
                assert!(Inject::new(&*target, "true").status().expect("start").success());
            });
            assert_eq!(limit, 1);
            0
        });
        assert_eq!(code, 0);
    });
}

fn ignore_children() {
    // SAFETY: sets a disposition of this test's own process.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
}

/// A caller that ignores its children has an init that does not.
#[test]
fn f03_an_init_of_a_caller_that_ignores_children() {
    ns_testbed::run_as!([Root, User], {
        let code = forked(|| {
            ignore_children();
            let mut container = shell("exit 7");
            container.namespaces([Namespace::User, Namespace::Pid]).map_zero();
            container.init(Init::builtin()).inherit_ignored();
            container.start_timeout(LIMIT).kill_on_drop(true);
            for _ in 0..20 {
                let process = container.start().expect("start");
                let status = process.join_timeout(LIMIT).expect("join").expect("it ends");
                assert_eq!(status.code(), Some(7));
            }
            0
        });
        assert_eq!(code, 0);
    });
}

/// Runs `body` as the first process of a pid namespace, where it may choose numbers, with a proc of its own.
fn as_first(body: impl FnOnce()) {
    let code = forked(|| {
        let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
        let kinds = UnshareFlags::NEWUSER | UnshareFlags::NEWPID | UnshareFlags::NEWNS;
        ns_sys::unshare(kinds).expect("unshare");
        fs::write("/proc/self/setgroups", "deny").expect("setgroups");
        fs::write("/proc/self/uid_map", format!("0 {uid} 1")).expect("uid_map");
        fs::write("/proc/self/gid_map", format!("0 {gid} 1")).expect("gid_map");
        forked(|| {
            let proc = Some(c"proc");
            let none = ns_sys::child::MountFlags::empty();
            ns_sys::child::mount(proc, c"/proc", proc, none, None).expect("mount");
            body();
            0
        })
    });
    assert_eq!(code, 0);
}

/// Kills the process `pid`, which nobody waits for, and waits until its number is free.
fn kill_and_free(pid: u32) {
    let pid = Pid::from_raw(pid.try_into().expect("a pid")).expect("a pid");
    kill_process(pid, Signal::KILL).expect("kill");
    let deadline = Instant::now() + ns_testbed::LONG;
    while test_kill_process(pid).is_ok() {
        assert!(Instant::now() < deadline, "it is still there");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A process of that number, in a new user namespace without maps, and the child of another one, which stays: it
/// would be process 1's otherwise, which is the test.
fn stranger(number: u32) {
    // SAFETY: libc's fork repairs libc's own state; the child does not come back.
    if unsafe { libc::fork() } == 0 {
        let mut args = CloneArgs::new(CloneFlags::NEWUSER);
        let tids = [number];
        args.exit_signal(17).set_tid(&tids);
        // SAFETY: this copy has one thread, and the child only sleeps, as this one does.
        let _ = unsafe { ns_sys::clone3(&args) };
        loop {
            // SAFETY: sleeps.
            unsafe { libc::pause() };
        }
    }
    common::eventually("it is made", || fs::exists(format!("/proc/{number}")).is_ok_and(|yes| yes));
}

fn is_untouched(number: u32) -> bool {
    let map = fs::read_to_string(format!("/proc/{number}/uid_map"));
    map.is_ok_and(|map| map.is_empty())
}

/// The youngest child of this process's first thread, if it has one: a process between is older.
fn youngest_child() -> Option<u32> {
    let list = fs::read_to_string("/proc/self/task/1/children").expect("read");
    list.split_whitespace().last().map(|pid| pid.parse().expect("a pid"))
}

/// Starts a closure, which does not succeed.
fn held_at(number: i64, done: fn(u32)) -> u32 {
    let mut closure = Container::from_fn(|| 0);
    closure.namespace(Namespace::User).map_zero().start_timeout(LIMIT);
    // SAFETY: the closure takes no lock.
    start_held_at(number, done, || unsafe { closure.start_unchecked() })
}

/// A start that does not succeed. When the caller makes the call `number`, something is `done` to its child,
/// wherever that is before its own first call. Gives the child.
fn start_held_at(
    number: i64,
    done: fn(u32),
    start: impl FnOnce() -> Result<Process, Error>,
) -> u32 {
    static VICTIM: AtomicU32 = AtomicU32::new(0);
    let look = move |pid, called| {
        let is_due = pid == 1 && called == number && VICTIM.load(Ordering::SeqCst) == 0;
        if let Some(victim) = is_due.then(youngest_child).flatten() {
            VICTIM.store(victim, Ordering::SeqCst);
            done(victim);
        }
    };
    let started = observed(&[number, libc::SYS_set_robust_list], look, start);
    let victim = VICTIM.load(Ordering::SeqCst);
    assert!(victim != 0, "the call was made");
    started.expect_err("its child was killed");
    victim
}

/// The child is killed, and its number given to another process. That one is neither killed nor mapped.
fn spares_a_stranger(number: i64) {
    let victim = held_at(number, |victim| {
        kill_and_free(victim);
        stranger(victim);
    });
    assert!(is_untouched(victim), "the other process is there, and has no map");
}

/// A process of another thread, so that it is no [`youngest_child`].
fn sleeper() -> u32 {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let child = Container::new("sleep").arg("1000").start().expect("start");
        sender.send(child.pid()).expect("send");
        loop {
            std::thread::park();
        }
    });
    receiver.recv().expect("receive")
}

/// Or after that, before the child is moved into a cgroup by its number.
#[test]
fn c10_a_stranger_is_moved_to_no_cgroup() {
    ns_testbed::run_as!([Root], {
        let Some(cgroup) = OwnCgroup::new() else {
            ns_testbed::skip!("no cgroup2 file system that may be written");
        };
        let members = Path::new(&cgroup.0).join("cgroup.procs");
        as_first(|| {
            ignore_children();
            let target = sleeper();
            fs::write(&members, target.to_string()).expect("move");
            let mut inject = Inject::new(target, "true");
            inject.join_cgroup().memory(Memory::Copied).start_timeout(LIMIT);
            let replaced = |victim| {
                kill_and_free(victim);
                stranger(victim);
            };
            start_held_at(libc::SYS_readlinkat, replaced, || inject.start());
            let members = fs::read_to_string(&members).expect("read");
            assert_eq!(members.trim(), target.to_string(), "the other process is not moved");
        });
    });
}

/// How many descriptors this process may have, or as many as before.
fn limit_descriptors(most: Option<u64>) {
    let resource = Resource::Nofile as u32;
    let (_, hard) = ns_sys::child::getrlimit(resource).expect("getrlimit");
    ns_sys::child::prlimit(resource, most.unwrap_or(hard), hard).expect("prlimit");
}

/// Of a number that may be another process's the caller can have no descriptor.
#[test]
fn f16_a_stranger_with_the_number_of_a_copy_without_a_descriptor() {
    ns_testbed::run_as!([User], {
        as_first(|| {
            ignore_children();
            let victim = held_at(libc::SYS_pidfd_open, |victim| {
                kill_and_free(victim);
                stranger(victim);
                limit_descriptors(Some(0));
            });
            limit_descriptors(None);
            assert!(is_untouched(victim), "the other process is there");
        });
    });
}

/// Traces a process until this one ends, and never waits for it.
fn trace(number: u32) {
    // SAFETY: libc's fork repairs libc's own state; the child does not come back.
    if unsafe { libc::fork() } == 0 {
        // SAFETY: reads and writes no memory.
        unsafe { libc::ptrace(libc::PTRACE_SEIZE, number, 0, 0) };
        loop {
            // SAFETY: sleeps.
            unsafe { libc::pause() };
        }
    }
    common::eventually("it is traced", || {
        let status = fs::read_to_string(format!("/proc/{number}/status"));
        status.is_ok_and(|status| !status.contains("TracerPid:\t0"))
    });
}

/// A child whose end its tracer keeps, and of which there is no descriptor, holds no start up.
#[test]
fn f16_a_traced_copy_without_a_descriptor() {
    ns_testbed::run_as!([User], {
        as_first(|| {
            let victim = held_at(libc::SYS_pidfd_open, |victim| {
                std::thread::spawn(|| {
                    std::thread::sleep(LIMIT);
                    eprintln!("the start waits");
                    std::process::exit(1);
                });
                trace(victim);
                limit_descriptors(Some(0));
            });
            limit_descriptors(None);
            let stat = fs::read_to_string(format!("/proc/{victim}/stat")).expect("it is kept");
            assert!(stat.contains(") Z "), "and killed: {stat}");
        });
    });
}

/// The number of a forked child may be another process's before the caller has a descriptor of it.
#[test]
fn f16_a_stranger_with_the_number_of_a_copy() {
    ns_testbed::run_as!([User], {
        as_first(|| {
            ignore_children();
            spares_a_stranger(libc::SYS_pidfd_open);
        });
    });
}

/// Or before the caller has opened its directory in proc.
#[test]
fn d09_a_stranger_with_the_number_of_a_waiting_child() {
    ns_testbed::run_as!([User], {
        as_first(|| {
            ignore_children();
            spares_a_stranger(libc::SYS_readlinkat);
        });
    });
}
