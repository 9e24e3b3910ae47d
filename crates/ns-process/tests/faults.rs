//! Each system call of a start fails: a typed error or a start all the same, and nothing left behind.
#![allow(unsafe_code, reason = "numbers of system calls, and a deadline")]

mod common;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use common::target::Target;
use common::{containers, guests};
use ns_process::{Container, Errno, Error, Process, Step};
use ns_testbed::{Fault, FaultSide, Leftovers, forked_by_reaper, refuse, with_fault};

/// The number of each call that a description names. One that is missing here fails the test: a new
/// step is not forgotten.
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
        "fcntl" => libc::SYS_fcntl,
        "fork" => libc::SYS_clone,
        "fstat" => libc::SYS_fstat,
        "futex" => libc::SYS_futex,
        "getcwd" => libc::SYS_getcwd,
        "get_robust_list" => libc::SYS_get_robust_list,
        "getppid" => libc::SYS_getppid,
        "ioctl" => libc::SYS_ioctl,
        "kcmp" => libc::SYS_kcmp,
        "mount" => libc::SYS_mount,
        "mount_setattr" => libc::SYS_mount_setattr,
        "move_mount" => libc::SYS_move_mount,
        "open" | "openat" => libc::SYS_openat,
        "open_tree" => libc::SYS_open_tree,
        "openat2" => libc::SYS_openat2,
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
        "seccomp" => libc::SYS_seccomp,
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

/// The names before each `(` of the lines of a description, each with the side that makes the call.
fn calls(container: &Container) -> Vec<(FaultSide, String)> {
    let text = container.plan().expect("plan").describe().to_string();
    let lines = text.lines().filter_map(|line| line.split_once(": "));
    let made =
        lines.filter(|(_, calls)| !calls.starts_with("shared") && !calls.starts_with("copied"));
    let named = made.flat_map(|(who, calls)| {
        let side = if who == "parent" { FaultSide::Starter } else { FaultSide::Started };
        let names = calls.split("; ").filter_map(|call| call.split_once('('));
        names.map(move |(name, _)| (side, name.to_owned())).collect::<Vec<_>>()
    });
    let mut seen = BTreeSet::new();
    let new = named.filter(|(_, name)| !name.contains(' '));
    new.filter(|(side, name)| seen.insert((*side == FaultSide::Started, name.clone()))).collect()
}

/// How it went with a call that fails with `errno`: 0 when the program runs, or an error says so.
fn verdict(started: Result<Process, Error>, is_told: bool, number: i64, errno: Errno) -> i32 {
    match started {
        Ok(process) => match process.join() {
            Ok(status) if status.code() == Some(7) => 0,
            // Who waits for the program needs it too.
            Ok(_) if !is_told && waits(number) => 0,
            // The loader of the program needs it too, where the caller's libc makes another call.
            Ok(status) if is_loaders(number) && status.code() == Some(127) => 0,
            Ok(_) => 40,
            // The handle cannot wait without the call either; the program ran all the same.
            Err(error) if error.step() == Step::Wait => {
                let mut status = 0;
                // SAFETY: stores one int.
                unsafe { libc::waitpid(-1, &raw mut status, libc::__WALL) };
                i32::from(is_told && libc::WEXITSTATUS(status) != 7) * 40
            }
            Err(_) => 41,
        },
        Err(error) if error.step() == Step::Exec && error.errno().is_none() => 42,
        Err(error) if error.errno().is_none_or(|told| told == errno) => 0,
        Err(error) => {
            eprintln!("{error}");
            43
        }
    }
}

fn is_loaders(number: i64) -> bool {
    matches!(number, libc::SYS_openat | libc::SYS_pread64)
}

/// Whether the caller itself waits for the program: a daemon is another's child, and an init tells how its
/// program ended.
fn is_told(container: &Container) -> bool {
    !container.get_daemonize() && !kind(container).1
}

fn waits(number: i64) -> bool {
    matches!(number, libc::SYS_wait4 | libc::SYS_waitid)
}

/// Whether a child is left, of whatever kind, in the memory or as a zombie. A zombie is nobody where the
/// call that would have reaped it is what failed.
fn is_somebody_left(number: i64, errno: Errno) -> bool {
    let cannot_reap = number == libc::SYS_waitid && errno != Errno::INTR;
    // On a busy machine a start may give up a child that it has killed and that has not ended yet.
    let deadline = Instant::now() + Duration::from_secs(5);
    while !cannot_reap && ns_process::reap() > 0 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(1));
    }
    // Killed, it ends soon; if it does not, the deadline comes.
    let flags = if cannot_reap { libc::__WALL } else { libc::__WALL | libc::WNOHANG };
    let mut status = 0;
    // SAFETY: stores one int.
    let mut wait = || unsafe { libc::waitpid(-1, &raw mut status, flags) };
    while cannot_reap && wait() != -1 {}
    wait() != -1
}

/// Starts once with `number` failing for good; 0 when all was as it should be.
fn start_without(container: &Container, number: i64, errno: Errno) -> i32 {
    let is_told = is_told(container);
    forked_by_reaper(|| {
        // SAFETY: ends this process if it hangs.
        unsafe { libc::alarm(120) };
        refuse(number, errno);
        let code = verdict(container.start(), is_told, number, errno);
        if is_somebody_left(number, errno) { 44 } else { code }
    })
}

/// Starts with one call failing; `None` when it was never made.
fn start_with(container: &Container, fault: Fault) -> Option<i32> {
    const NEVER_MADE: i32 = 77;
    let is_told = is_told(container);
    let code = forked_by_reaper(|| {
        // SAFETY: ends this process if it hangs.
        unsafe { libc::alarm(120) };
        let ((code, left), made) = with_fault(fault, |over| {
            let started = container.start();
            over();
            // Before anything is waited for: a start that failed is over when it returns.
            let left = started.is_err() && is_somebody_left(fault.number, fault.errno);
            let code = verdict(started, is_told, fault.number, fault.errno);
            (code, left || is_somebody_left(fault.number, fault.errno))
        });
        match (left, made) {
            (true, _) => 44,
            (false, false) if code == 0 => NEVER_MADE,
            (false, _) => code,
        }
    });
    (code != NEVER_MADE).then_some(code)
}

/// Which calls of a name fail: the first ones, and of many some.
fn turns() -> impl Iterator<Item = u32> {
    (1..=4).chain([8, 16, 33, 64])
}

/// A call by its name and number, and how it fails on which side.
type Case = (FaultSide, String, i64, Errno);

/// Every system call that the plan tells, on either side, and once more with an interruption where a
/// sleep can have one.
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

/// Where the same call does the same: how memory is had and what comes at the end, by the first line of a
/// description, and whether an init stands beside that.
fn kind(container: &Container) -> (String, bool) {
    let text = plan(container);
    let first = text.lines().next().expect("a line").to_owned();
    (first, text.contains("\ninit: "))
}

/// Runs `body` for each case: in full for each container, in passing for the first of its kind.
fn for_each_case(mut body: impl FnMut(&Container, &Case)) {
    let root = std::env::temp_dir().join(format!("ns-process-faults-{}", std::process::id()));
    std::fs::create_dir_all(&root).expect("mkdir");
    let entered = Target::in_all();
    let mut containers = containers(root.to_str().expect("text"), &entered);
    containers.extend(guests());
    let before = Leftovers::snapshot();
    let (in_full, mut done) = (std::env::var_os("NS_PROVE").is_some(), BTreeSet::new());
    for container in &containers {
        let (cases, unknown) = cases(container);
        assert!(unknown.is_empty(), "calls without a number here: {unknown:?}");
        let kind = kind(container);
        for case in &cases {
            let (side, name, _, errno) = case;
            let started = *side == FaultSide::Started;
            if done.insert((kind.clone(), started, name.clone(), errno.raw_os_error())) || in_full {
                body(container, case);
                common::assert_unchanged(&before);
            }
        }
    }
    std::fs::remove_dir_all(&root).expect("remove");
}

/// Whatever is missing for good is told by the errno with which it failed, or did not matter; no child
/// is left, in the memory or as a zombie, and no descriptor or mount.
#[test]
fn f20_each_call_fails_for_good() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut count = 0;
        for_each_case(|container, (_, name, number, errno)| {
            // An interruption that never ends is no case that a kernel has, but for a sleep.
            if *errno == Errno::INTR && name != "futex" {
                return;
            }
            let code = start_without(container, *number, *errno);
            assert_eq!(code, 0, "{name}, {errno:?} in\n{}", plan(container));
            count += 1;
        });
        println!(
            "shown: {count} starts with one system call failing for good, nothing left behind"
        );
    });
}

/// One call, on one side of the start, fails once, and all others work: the same.
#[test]
fn f20_each_call_fails_once() {
    ns_testbed::run_as!([Root, User, Nested], {
        let all = std::env::var_os("NS_PROVE").is_some();
        let mut count = [0, 0];
        for_each_case(|container, (side, name, number, errno)| {
            for nth in turns().take(if all { usize::MAX } else { 1 }) {
                let fault = Fault { number: *number, side: *side, nth, errno: *errno };
                let Some(code) = start_with(container, fault) else { break };
                let told = format!("{name}, time {nth}, of the {side:?}, {errno:?}");
                assert_eq!(code, 0, "{told} in\n{}", plan(container));
                count[usize::from(*side == FaultSide::Started)] += 1;
            }
        });
        let [parent, child] = count;
        assert!(parent > 50 && child > 50, "{count:?}");
        println!(
            "shown: {parent} starts in which one call of the parent's fails once, {child} with one of the \
             child's, nothing left behind"
        );
    });
}

fn plan(container: &Container) -> String {
    container.plan().expect("plan").describe().to_string()
}
