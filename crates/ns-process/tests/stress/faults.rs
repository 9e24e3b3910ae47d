//! Each system call of a start fails: the start reports an error or succeeds, and nothing is left behind.
#![allow(unsafe_code, reason = "numbers of system calls, and a deadline")]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::common::target::Target;
use crate::common::{Directory, assert_unchanged, every_step, is_full_length, rounds};
use ns_process::{Container, Errno, Error, Process, Step};
use ns_testbed::{Fault, FaultSide, Leftovers, forked_by_reaper, refuse, with_fault};

/// The number of a system call that a plan names. A call that is missing here fails the test.
fn number(name: &str) -> Option<i64> {
    Some(match name {
        "capset" => libc::SYS_capset,
        "chdir" => libc::SYS_chdir,
        "chroot" => libc::SYS_chroot,
        "clone3" => libc::SYS_clone3,
        "close_range" => libc::SYS_close_range,
        "dup3" => libc::SYS_dup3,
        "execve" => libc::SYS_execve,
        "execveat" => libc::SYS_execveat,
        "fchdir" => libc::SYS_fchdir,
        "fchown" => libc::SYS_fchown,
        "fcntl" => libc::SYS_fcntl,
        "fork" => libc::SYS_clone,
        "fstat" => libc::SYS_fstat,
        "fstatfs" => libc::SYS_fstatfs,
        "futex" => libc::SYS_futex,
        "getcwd" => libc::SYS_getcwd,
        "get_robust_list" => libc::SYS_get_robust_list,
        "getppid" => libc::SYS_getppid,
        "ioctl" => libc::SYS_ioctl,
        "ioprio_set" => libc::SYS_ioprio_set,
        "kcmp" => libc::SYS_kcmp,
        "keyctl" => libc::SYS_keyctl,
        "mkdirat" => libc::SYS_mkdirat,
        "mknodat" => libc::SYS_mknodat,
        "mount" => libc::SYS_mount,
        "mount_setattr" => libc::SYS_mount_setattr,
        "move_mount" => libc::SYS_move_mount,
        "open" | "openat" => libc::SYS_openat,
        "open_tree" => libc::SYS_open_tree,
        "openat2" => libc::SYS_openat2,
        "personality" => libc::SYS_personality,
        "pidfd_open" => libc::SYS_pidfd_open,
        "pipe2" => libc::SYS_pipe2,
        "pivot_root" => libc::SYS_pivot_root,
        "ppoll" => libc::SYS_ppoll,
        "prctl" => libc::SYS_prctl,
        "pread" => libc::SYS_pread64,
        "prlimit" => libc::SYS_prlimit64,
        "readlinkat" => libc::SYS_readlinkat,
        "rt_sigaction" => libc::SYS_rt_sigaction,
        "rt_sigprocmask" => libc::SYS_rt_sigprocmask,
        "sched_setaffinity" => libc::SYS_sched_setaffinity,
        "sched_setattr" => libc::SYS_sched_setattr,
        "seccomp" => libc::SYS_seccomp,
        "sendmsg" => libc::SYS_sendmsg,
        "setdomainname" => libc::SYS_setdomainname,
        "set_robust_list" => libc::SYS_set_robust_list,
        "setgroups" => libc::SYS_setgroups,
        "sethostname" => libc::SYS_sethostname,
        "setpgid" => libc::SYS_setpgid,
        "setpriority" => libc::SYS_setpriority,
        "setns" => libc::SYS_setns,
        "setresgid" => libc::SYS_setresgid,
        "setresuid" => libc::SYS_setresuid,
        "setsid" => libc::SYS_setsid,
        "socket" => libc::SYS_socket,
        "symlinkat" => libc::SYS_symlinkat,
        "statx" => libc::SYS_statx,
        "umask" => libc::SYS_umask,
        "unshare" => libc::SYS_unshare,
        "umount2" => libc::SYS_umount2,
        "wait4" => libc::SYS_wait4,
        "waitid" => libc::SYS_waitid,
        "write" => libc::SYS_write,
        _ => return None,
    })
}

/// The system calls that a plan names, each with the side that makes the call.
fn calls(container: &Container) -> Vec<(FaultSide, String)> {
    let text = container.plan().expect("plan").describe().to_string();
    let lines = text.lines().filter_map(|line| line.split_once(": "));
    let made =
        lines.filter(|(_, calls)| !calls.starts_with("shared") && !calls.starts_with("copied"));
    let named = made.flat_map(|(process, calls)| {
        let side = if process == "parent" { FaultSide::Starter } else { FaultSide::Started };
        let names = calls.split("; ").filter_map(|call| call.split_once('('));
        names.map(move |(name, _)| (side, name.to_owned())).collect::<Vec<_>>()
    });
    let mut seen = BTreeSet::new();
    let new = named.filter(|(_, name)| !name.contains(' '));
    new.filter(|(side, name)| seen.insert((*side == FaultSide::Started, name.clone()))).collect()
}

/// 0 if the program ran, or if an error reports `errno`; else a code for the failure.
fn verdict(started: Result<Process, Error>, has_status: bool, number: i64, errno: Errno) -> i32 {
    match started {
        Ok(process) => match process.join() {
            Ok(status) if status.code() == Some(7) => 0,
            // The init or the adoptive parent needs the call as well.
            Ok(_) if !has_status && waits(number) => 0,
            // The loader of the program needs the call as well.
            Ok(status) if is_of_loader(number) && status.code() == Some(127) => 0,
            Ok(_) => 40,
            // The handle needs the call to wait. The program ran all the same.
            Err(error) if error.step() == Step::Wait => {
                let mut status = 0;
                // SAFETY: stores one int.
                unsafe { libc::waitpid(-1, &raw mut status, libc::__WALL) };
                i32::from(has_status && libc::WEXITSTATUS(status) != 7) * 40
            }
            Err(_) => 41,
        },
        Err(error) if error.step() == Step::Exec && error.errno().is_none() => 42,
        Err(error) if error.errno().is_none_or(|reported| reported == errno) => 0,
        Err(error) => {
            eprintln!("{error}");
            43
        }
    }
}

fn is_of_loader(number: i64) -> bool {
    matches!(number, libc::SYS_openat | libc::SYS_pread64)
}

/// Whether the caller itself waits for the program: a daemon has another parent, and an init reports the status of its
/// program.
fn has_status(container: &Container) -> bool {
    !container.get_daemonize() && !kind(container).1
}

fn waits(number: i64) -> bool {
    matches!(number, libc::SYS_wait4 | libc::SYS_waitid)
}

/// Whether a child of any kind is left, running or as a zombie. Zombies do not count if the call that reaps them is
/// the one that fails.
fn is_child_left(number: i64, errno: Errno) -> bool {
    let cannot_reap = number == libc::SYS_waitid && errno != Errno::INTR;
    // On a busy machine a start may leave a killed child to be reaped later.
    let deadline = Instant::now() + Duration::from_secs(5);
    while !cannot_reap && ns_process::reap() > 0 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(1));
    }
    // A killed child exits soon; else the alarm ends this process.
    let flags = if cannot_reap { libc::__WALL } else { libc::__WALL | libc::WNOHANG };
    let mut status = 0;
    // SAFETY: stores one int.
    let mut wait = || unsafe { libc::waitpid(-1, &raw mut status, flags) };
    while cannot_reap && wait() != -1 {}
    wait() != -1
}

/// Starts once while each call of `number` fails; 0 if the outcome is right.
fn start_without(container: &Container, number: i64, errno: Errno) -> i32 {
    let has_status = has_status(container);
    forked_by_reaper(|| {
        // SAFETY: takes a number.
        unsafe { libc::alarm(120) };
        refuse(number, errno);
        let code = verdict(container.start(), has_status, number, errno);
        if is_child_left(number, errno) { 44 } else { code }
    })
}

/// Starts once while one call fails; `None` if it is never made.
fn start_with(container: &Container, fault: Fault) -> Option<i32> {
    const NEVER_MADE: i32 = 77;
    let has_status = has_status(container);
    let code = forked_by_reaper(|| {
        // SAFETY: takes a number.
        unsafe { libc::alarm(120) };
        let ((code, left), made) = with_fault(fault, |finish| {
            let started = container.start();
            finish();
            // First, before the program is waited for: a failed start has finished when it returns.
            let left = started.is_err() && is_child_left(fault.number, fault.errno);
            let code = verdict(started, has_status, fault.number, fault.errno);
            (code, left || is_child_left(fault.number, fault.errno))
        });
        match (left, made) {
            (true, _) => 44,
            (false, false) if code == 0 => NEVER_MADE,
            (false, _) => code,
        }
    });
    (code != NEVER_MADE).then_some(code)
}

/// Which calls of a number fail: the first ones, and some later ones.
fn ordinals() -> impl Iterator<Item = u32> {
    (1..=4).chain([8, 16, 33, 64])
}

/// The side that makes the call, its name, its number, and the errno.
type Case = (FaultSide, String, i64, Errno);

/// Every system call of the plan, on either side, with two errnos, and with EINTR if the call can sleep.
fn cases(container: &Container) -> (Vec<Case>, BTreeSet<String>) {
    let (mut cases, mut unknown) = (Vec::new(), BTreeSet::new());
    for (side, name) in calls(container) {
        let Some(number) = number(&name) else {
            unknown.insert(name);
            continue;
        };
        let sleeps = matches!(&*name, "futex" | "ppoll" | "waitid");
        let errnos = [Errno::PERM, Errno::NOMEM].into_iter().chain(sleeps.then_some(Errno::INTR));
        cases.extend(errnos.map(|errno| (side, name.clone(), number, errno)));
    }
    (cases, unknown)
}

/// Calls have the same effect in starts of the same kind: the first line of the plan, with the memory and the tail,
/// and whether there is an init.
fn kind(container: &Container) -> (String, bool) {
    let text = plan(container);
    let first = text.lines().next().expect("a line").to_owned();
    (first, text.contains("\ninit: "))
}

/// Runs `body` for each case: at full length of each container, else of the first container of each kind.
fn for_each_case(mut body: impl FnMut(&Container, &Case)) {
    let root = Directory::new("faults");
    let target = Target::in_all();
    let mut containers = every_step::programs(root.to_str().expect("text"), &target);
    containers.extend(every_step::child_code());
    // A fault is made by a listener, and the kernel allows one only.
    containers.retain(|container| !plan(container).contains("NEW_LISTENER"));
    let before = Leftovers::snapshot();
    let (in_full, mut done) = (is_full_length(), BTreeSet::new());
    for container in &containers {
        let (cases, unknown) = cases(container);
        assert!(unknown.is_empty(), "calls without a number here: {unknown:?}");
        let kind = kind(container);
        for case in &cases {
            let (side, name, _, errno) = case;
            let started = *side == FaultSide::Started;
            if done.insert((kind.clone(), started, name.clone(), errno.raw_os_error())) || in_full {
                body(container, case);
                assert_unchanged(&before);
            }
        }
    }
}

/// If a system call always fails, the start reports its errno or succeeds without it; no child, descriptor or mount is
/// left.
#[test]
fn f20_each_call_may_always_fail() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut count = 0;
        for_each_case(|container, (_, name, number, errno)| {
            // A kernel does not interrupt a call for ever, except a sleep.
            if *errno == Errno::INTR && name != "futex" {
                return;
            }
            let code = start_without(container, *number, *errno);
            assert_eq!(code, 0, "{name}, {errno:?} in\n{}", plan(container));
            count += 1;
        });
        println!(
            "shown: {count} starts in which one system call always fails, nothing left behind"
        );
    });
}

/// If one call fails once, on one side of the start, the outcome is the same as above.
#[test]
fn f20_each_call_may_fail_once() {
    ns_testbed::run_as!([Root, User, Nested], {
        let most = rounds(usize::MAX, 1);
        let mut count = [0, 0];
        for_each_case(|container, (side, name, number, errno)| {
            for nth in ordinals().take(most) {
                let fault = Fault { number: *number, side: *side, nth, errno: *errno };
                let Some(code) = start_with(container, fault) else { break };
                let case = format!("{name}, call {nth} of the {side:?}, {errno:?}");
                assert_eq!(code, 0, "{case} in\n{}", plan(container));
                count[usize::from(*side == FaultSide::Started)] += 1;
            }
        });
        let [parent, child] = count;
        assert!(parent > 50 && child > 50, "{count:?}");
        println!(
            "shown: {parent} starts in which one call of the parent fails once, {child} with one of the \
             child, nothing left behind"
        );
    });
}

fn plan(container: &Container) -> String {
    container.plan().expect("plan").describe().to_string()
}
