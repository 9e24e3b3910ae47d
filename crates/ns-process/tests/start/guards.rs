//! Precautions of a start, each observed at the system call where it matters.
#![allow(unsafe_code, reason = "a child with a chosen process ID, and signal dispositions")]

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::common::cgroup::OwnCgroup;
use crate::common::program::{helper_test, is_helper_test};
use crate::common::target::{Target, sleep};
use crate::common::users::as_process_1;
use crate::common::{eventually, in_child, shell};
use ns_process::{
    CapabilitySet, Container, Error, Init, Inject, Memory, Namespace, Process, Resource, Stdio,
};
use ns_sys::{CloneArgs, CloneFlags, UnshareFlags};
use ns_testbed::{USER, observed};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

/// The time after which a test without its precaution fails.
const LIMIT: Duration = Duration::from_secs(20);

/// The owner of the files of a process in proc: root if its dumpable flag is cleared.
fn owner(pid: u32) -> u32 {
    fs::metadata(format!("/proc/{pid}/stat")).map_or(u32::MAX, |file| file.uid())
}

/// The result of `inspect` for the first descendant that makes the system call `number` during `start`.
fn inspect_at(number: i64, inspect: fn(u32) -> u32, start: impl FnOnce()) -> u32 {
    static SEEN: AtomicU32 = AtomicU32::new(u32::MAX);
    let own = std::process::id();
    let note = move |pid, _| {
        let is_first = SEEN.load(Ordering::SeqCst) == u32::MAX && pid != own;
        // The filter applies to the threads of this process as well.
        if is_first && !Path::new(&format!("/proc/self/task/{pid}")).exists() {
            SEEN.store(inspect(pid), Ordering::SeqCst);
        }
    };
    observed(&[number], note, start);
    SEEN.load(Ordering::SeqCst)
}

/// A process 1 with a copy of the memory clears its dumpable flag before the program starts, which could otherwise
/// read the copy.
#[test]
fn c16_a_copied_process_1_is_undumpable() {
    ns_testbed::run_as!([User], {
        in_child(|| {
            let mut container = Container::new("true");
            container.namespaces([Namespace::User, Namespace::Pid]).map_zero();
            container.init(Init::builtin()).memory(Memory::Copied);
            let owner = inspect_at(libc::SYS_execveat, owner, || {
                assert!(container.status().expect("start").success());
            });
            assert_eq!(owner, 0, "it is not dumpable");
        });
    });
}

/// A copy that keeps its flag until its maps are written clears it then, if other processes could trace it.
#[test]
fn c16_a_copy_is_undumpable_once_released() {
    ns_testbed::run_as!([Root], {
        let mut caller = helper_test(c16_helper_with_a_copy);
        caller.uid(USER).gid(USER).keep_capabilities(CapabilitySet::NET_BIND_SERVICE);
        let output = caller.stdout(Stdio::piped()).output().expect("start");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    });
}

/// Not a test: the caller in the test above.
#[test]
fn c16_helper_with_a_copy() {
    if !is_helper_test() {
        return;
    }
    in_child(|| {
        let mut container = Container::new("/bin/true");
        container.namespace(Namespace::User).map_zero();
        let owner = inspect_at(libc::SYS_execve, owner, || {
            assert!(container.status().expect("start").success());
        });
        assert_eq!(owner, 0, "it is not dumpable");
    });
}

/// The soft core limit of a process.
fn core_limit(pid: u32) -> u32 {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).expect("read");
    let line = limits.lines().find_map(|line| line.strip_prefix("Max core file size"));
    let soft = line.expect("the line").split_whitespace().next().expect("a limit").to_owned();
    soft.parse().unwrap_or(u32::MAX - 1)
}

/// The intermediate process dumps no core: it shares the memory of the caller.
#[test]
fn f26_the_intermediate_process_dumps_no_core() {
    ns_testbed::run_as!([Root, User], {
        let target = Target::in_all();
        in_child(|| {
            let (_, hard) = ns_sys::child::getrlimit(Resource::Core as u32).expect("getrlimit");
            ns_sys::child::prlimit(Resource::Core as u32, hard.min(1 << 20), hard).expect("set");
            let limit = inspect_at(libc::SYS_setns, core_limit, || {
                assert!(Inject::new(&*target, "true").status().expect("start").success());
            });
            assert_eq!(limit, 1);
        });
    });
}

fn ignore_children() {
    // SAFETY: sets a disposition of this process.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
}

/// If the caller ignores SIGCHLD, its init does not.
#[test]
fn f03_an_init_does_not_inherit_ignored_sigchld() {
    ns_testbed::run_as!([Root, User], {
        in_child(|| {
            ignore_children();
            let mut container = shell("exit 7");
            container.namespaces([Namespace::User, Namespace::Pid]).map_zero();
            container.init(Init::builtin()).inherit_ignored();
            container.start_timeout(LIMIT).kill_on_drop(true);
            for _ in 0..20 {
                let process = container.start().expect("start");
                let status = process.join_timeout(LIMIT).expect("join").expect("it exits");
                assert_eq!(status.code(), Some(7));
            }
        });
    });
}

/// Runs `body` as process 1 of a pid namespace with its own proc, where it may choose process IDs.
fn as_process_1_with_proc(body: impl FnOnce()) {
    as_process_1(UnshareFlags::NEWNS, || {
        let proc = Some(c"proc");
        let none = ns_sys::child::MountFlags::empty();
        ns_sys::child::mount(proc, c"/proc", proc, none, None).expect("mount");
        body();
    });
}

/// Kills the process `pid`, which the kernel reaps, and waits until its process ID is free.
fn kill_and_free(pid: u32) {
    let pid = Pid::from_raw(pid.try_into().expect("a pid")).expect("a pid");
    kill_process(pid, Signal::KILL).expect("kill");
    eventually("its process ID is free", || test_kill_process(pid).is_err());
}

/// Makes an unrelated process with this process ID, in a new user namespace without maps. Its parent stays, because
/// an orphan would become a child of this process.
fn make_unrelated(pid: u32) {
    // SAFETY: libc's fork repairs libc's own state; the child does not return.
    if unsafe { libc::fork() } == 0 {
        let mut args = CloneArgs::new(CloneFlags::NEWUSER);
        let tids = [pid];
        args.exit_signal(ns_sys::Signal::CHILD).set_tid(&tids);
        // SAFETY: this process has one thread, and both it and the child only sleep.
        let _ = unsafe { ns_sys::clone3(&args) };
        loop {
            // SAFETY: sleeps.
            unsafe { libc::pause() };
        }
    }
    eventually("it is made", || fs::exists(format!("/proc/{pid}")).is_ok_and(|yes| yes));
}

/// Whether the process exists and has no map.
fn is_untouched(pid: u32) -> bool {
    let map = fs::read_to_string(format!("/proc/{pid}/uid_map"));
    map.is_ok_and(|map| map.is_empty())
}

/// The youngest child of the main thread, if it has one. An intermediate process is older.
fn youngest_child() -> Option<u32> {
    let list = fs::read_to_string("/proc/self/task/1/children").expect("read");
    list.split_whitespace().last().map(|pid| pid.parse().expect("a pid"))
}

/// As [`interfere_at`], with the start of a closure.
fn interfere_with_closure_at(number: i64, interfere: fn(u32)) -> u32 {
    let mut closure = Container::from_fn(|| 0);
    closure.namespace(Namespace::User).map_zero().start_timeout(LIMIT);
    // SAFETY: the closure takes no lock.
    interfere_at(number, interfere, || unsafe { closure.start_unchecked() })
}

/// Calls `interfere` with the child of the caller when the caller makes the system call `number`, before the child
/// makes its first call. The start must fail. Returns the process ID of the child.
fn interfere_at(
    number: i64,
    interfere: fn(u32),
    start: impl FnOnce() -> Result<Process, Error>,
) -> u32 {
    static VICTIM: AtomicU32 = AtomicU32::new(0);
    let observe = move |pid, called| {
        let is_of_caller = pid == 1 && called == number;
        let is_due = is_of_caller || is_first_call_of_child(pid, called, number);
        let is_due = is_due && VICTIM.load(Ordering::SeqCst) == 0;
        if let Some(victim) = is_due.then(youngest_child).flatten() {
            VICTIM.store(victim, Ordering::SeqCst);
            interfere(victim);
        }
    };
    let started = observed(&[number, libc::SYS_set_robust_list], observe, start);
    let victim = VICTIM.load(Ordering::SeqCst);
    assert!(victim != 0, "the call was made");
    started.expect_err("its child was killed");
    victim
}

/// Whether the child makes its first call before the caller opens a descriptor of it. Then waits until the caller is in
/// that call, because the child must not continue.
fn is_first_call_of_child(pid: u32, called: i64, number: i64) -> bool {
    let is_first = called == libc::SYS_set_robust_list && youngest_child() == Some(pid);
    if !is_first || number != libc::SYS_pidfd_open {
        return false;
    }
    let prefix = format!("{number} ");
    let call_of_caller = || fs::read_to_string("/proc/self/task/1/syscall");
    eventually("the caller opens a descriptor", || {
        call_of_caller().is_ok_and(|call| call.starts_with(&prefix))
    });
    true
}

/// Kills the process and gives its process ID to an unrelated process.
fn replace(victim: u32) {
    kill_and_free(victim);
    make_unrelated(victim);
}

/// An unrelated process with the process ID of the child is neither killed nor mapped.
fn assert_unrelated_untouched(number: i64) {
    let victim = interfere_with_closure_at(number, replace);
    assert!(is_untouched(victim), "the unrelated process was killed or mapped");
}

/// A child of another thread, so that it is not the [`youngest_child`].
fn sleeper() -> u32 {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let child = sleep().start().expect("start");
        sender.send(child.pid()).expect("send");
        loop {
            std::thread::park();
        }
    });
    receiver.recv().expect("receive")
}

/// If the child is killed and its process ID reused before it is moved to a cgroup, the new process is not moved.
#[test]
fn c10_an_unrelated_process_is_moved_to_no_cgroup() {
    ns_testbed::run_as!([Root], {
        let Some(cgroup) = OwnCgroup::new() else {
            ns_testbed::skip!("no cgroup2 file system that may be written");
        };
        let members = Path::new(&cgroup.0).join("cgroup.procs");
        as_process_1_with_proc(|| {
            ignore_children();
            let target = sleeper();
            fs::write(&members, target.to_string()).expect("move");
            let mut inject = Inject::new(target, "true");
            inject.join_cgroup().memory(Memory::Copied).start_timeout(LIMIT);
            interfere_at(libc::SYS_readlinkat, replace, || inject.start());
            let members = fs::read_to_string(&members).expect("read");
            assert_eq!(members.trim(), target.to_string(), "the unrelated process is not moved");
        });
    });
}

/// Sets the limit of descriptors, or restores it.
fn limit_descriptors(most: Option<u64>) {
    let resource = Resource::Nofile as u32;
    let (_, hard) = ns_sys::child::getrlimit(resource).expect("getrlimit");
    ns_sys::child::prlimit(resource, most.unwrap_or(hard), hard).expect("prlimit");
}

/// As below, if the caller cannot open a descriptor of the process.
#[test]
fn f16_the_pid_of_a_copy_is_reused_and_no_descriptor_is_free() {
    ns_testbed::run_as!([User], {
        as_process_1_with_proc(|| {
            ignore_children();
            let victim = interfere_with_closure_at(libc::SYS_pidfd_open, |victim| {
                replace(victim);
                limit_descriptors(Some(0));
            });
            limit_descriptors(None);
            assert!(is_untouched(victim), "the unrelated process was killed or mapped");
        });
    });
}

/// Traces a process by another process, which never waits for it.
fn trace(pid: u32) {
    // SAFETY: libc's fork repairs libc's own state; the child does not return.
    if unsafe { libc::fork() } == 0 {
        // SAFETY: reads and writes no memory.
        unsafe { libc::ptrace(libc::PTRACE_SEIZE, pid, 0, 0) };
        loop {
            // SAFETY: sleeps.
            unsafe { libc::pause() };
        }
    }
    eventually("it is traced", || {
        let status = fs::read_to_string(format!("/proc/{pid}/status"));
        status.is_ok_and(|status| !status.contains("TracerPid:\t0"))
    });
}

/// A start does not wait for a zombie that a tracer keeps, if the caller has no descriptor of it.
#[test]
fn f16_a_traced_copy_without_a_descriptor_delays_no_start() {
    ns_testbed::run_as!([User], {
        as_process_1_with_proc(|| {
            let victim = interfere_with_closure_at(libc::SYS_pidfd_open, |victim| {
                std::thread::spawn(|| {
                    std::thread::sleep(LIMIT);
                    eprintln!("the start waits for the zombie");
                    std::process::exit(1);
                });
                trace(victim);
                limit_descriptors(Some(0));
            });
            limit_descriptors(None);
            let stat = fs::read_to_string(format!("/proc/{victim}/stat")).expect("the zombie");
            assert!(stat.contains(") Z "), "it is not a zombie: {stat}");
        });
    });
}

/// The process ID of a forked child is reused before the caller has a descriptor of it.
#[test]
fn f16_the_pid_of_a_copy_is_reused() {
    ns_testbed::run_as!([User], {
        as_process_1_with_proc(|| {
            ignore_children();
            assert_unrelated_untouched(libc::SYS_pidfd_open);
        });
    });
}

/// The process ID of the child is reused before the caller opens its directory in proc.
#[test]
fn d09_the_pid_of_a_waiting_child_is_reused() {
    ns_testbed::run_as!([User], {
        as_process_1_with_proc(|| {
            ignore_children();
            assert_unrelated_untouched(libc::SYS_readlinkat);
        });
    });
}
