//! A start in which one system call fails, in a forked process.
#![allow(unsafe_code, reason = "waitpid(2) for any child, and alarm(2)")]

use std::os::unix::process::ExitStatusExt;
use std::sync::Once;

use arbitrary::{Arbitrary, Result, Unstructured};
use ns_process::{Container, Errno, Error, Init, Namespace, Process, Step};
use ns_testbed::{FaultSide, forked, refuse, with_fault};

use super::become_subreaper;
use super::fixture::Fixture;
use super::payload::Payload;
use super::settings::Settings;

/// System calls of a start, without those that libc and the allocator of the caller need.
const CALLS: &[i64] = &[
    libc::SYS_capset,
    libc::SYS_chdir,
    libc::SYS_chroot,
    libc::SYS_clone,
    libc::SYS_clone3,
    libc::SYS_close_range,
    libc::SYS_dup3,
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_fchdir,
    libc::SYS_futex,
    libc::SYS_getcwd,
    libc::SYS_ioctl,
    libc::SYS_mkdirat,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_send_signal,
    libc::SYS_pipe2,
    libc::SYS_pivot_root,
    libc::SYS_ppoll,
    libc::SYS_prctl,
    libc::SYS_prlimit64,
    libc::SYS_readlinkat,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_seccomp,
    libc::SYS_set_robust_list,
    libc::SYS_setdomainname,
    libc::SYS_setgroups,
    libc::SYS_sethostname,
    libc::SYS_setns,
    libc::SYS_setpgid,
    libc::SYS_setpriority,
    libc::SYS_setresgid,
    libc::SYS_setresuid,
    libc::SYS_setsid,
    libc::SYS_socket,
    libc::SYS_statx,
    libc::SYS_umask,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_wait4,
    libc::SYS_waitid,
    libc::SYS_write,
];

/// System calls that an init needs. A permanent fault is a filter of the caller, which the init inherits.
const NEEDED_BY_INIT: &[i64] = &[libc::SYS_wait4, libc::SYS_write];

/// A system call, and the errno with which it fails.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault {
    number: i64,
    errno: Errno,
    /// The side, and the number of the call that fails; `None` if each call on both sides fails.
    once: Option<(FaultSide, u32)>,
}

impl<'a> Arbitrary<'a> for Fault {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let number = *u.choose(CALLS)?;
        let errno = Errno::from_raw_os_error(u.int_in_range(1..=133)?);
        let side = *u.choose(&[FaultSide::Starter, FaultSide::Started])?;
        let once = if u.arbitrary()? { Some((side, u.int_in_range(1..=9)?)) } else { None };
        // No kernel interrupts a system call forever, except for a sleep.
        let endless = errno == Errno::INTR && number != libc::SYS_futex;
        Ok(Self { number, errno: if endless { Errno::PERM } else { errno }, once })
    }
}

/// The exit status of the forked process if all checks have passed.
const SUCCESS: i32 = 0;

pub(super) fn start_with(fault: Fault, settings: &Settings) {
    if fault.once.is_none() && settings.mode.init && NEEDED_BY_INIT.contains(&fault.number) {
        return;
    }
    let fixture = Fixture::new(&settings.mode);
    let container = settings.container(Payload::Exits(7), &fixture);
    open_init();
    let code = with_orphans_reaped(|| {
        // SAFETY: alarm takes no pointer. Its signal kills this process if it hangs.
        unsafe { libc::alarm(20) };
        let Fault { number, errno, once } = fault;
        let Some((side, nth)) = once else {
            refuse(number, errno);
            return attempt(settings, &container, fault, &|| ());
        };
        let once = ns_testbed::Fault { number, side, nth, errno };
        with_fault(once, |end_fault| attempt(settings, &container, fault, end_fault)).0
    });
    assert_eq!(code, SUCCESS, "{fault:?} in a start of {settings:?}");
}

/// Starts the container, and checks the outcome and what is left behind. `end_fault` removes a fault that can be
/// removed.
fn attempt(settings: &Settings, container: &Container, fault: Fault, end_fault: &dyn Fn()) -> i32 {
    let before = descriptors();
    let started = settings.start(container);
    end_fault();
    let code = match started {
        Ok(process) => check_process(&process, fault),
        Err(error) => check_error(&error, fault),
    };
    // If waitid fails, nothing can be reaped.
    let can_reap = fault.number != libc::SYS_waitid;
    if can_reap && (has_children() || descriptors() != before) {
        eprintln!("left behind: {before:?}, {:?}", descriptors());
        return 40;
    }
    code
}

/// Opens the file of the built-in init, which stays open after its first use. The forked process inherits it, so the
/// descriptors do not change there.
fn open_init() {
    static OPEN: Once = Once::new();
    OPEN.call_once(|| {
        let mut container = Payload::Exits(0).program();
        container.namespace(Namespace::Pid).init(Init::builtin());
        container.status().expect("run a program under an init");
    });
}

/// Runs `body` in a process whose parent adopts the orphans that `body` cannot reap, and waits for them.
fn with_orphans_reaped(body: impl FnOnce() -> i32) -> i32 {
    forked(|| {
        become_subreaper();
        let code = forked(|| {
            become_subreaper();
            body()
        });
        // SAFETY: alarm takes no pointer. Its signal kills this process if an orphan hangs.
        unsafe { libc::alarm(20) };
        while any_child().is_some() {}
        code
    })
}

/// Checks that the program ran and exited with its status. The dynamic loader may need the failing call too. glibc
/// aborts a shell whose getcwd(2) fails with `ERANGE`, which it needs if `PWD` is no longer valid.
fn check_process(process: &Process, fault: Fault) -> i32 {
    let loader = fault.number == libc::SYS_openat;
    let aborts = fault.number == libc::SYS_getcwd && fault.errno == Errno::RANGE;
    match process.join() {
        Ok(status) if status.code() == Some(7) => SUCCESS,
        Ok(status) if loader && status.code() == Some(127) => SUCCESS,
        Ok(status) if aborts && status.signal() == Some(libc::SIGABRT) => SUCCESS,
        Ok(_) => 41,
        // The handle needs the failing call to wait. Find the program among all children that are left.
        Err(error) if error.step() == Step::Wait => {
            let ran = std::iter::from_fn(any_child).any(|status| {
                libc::WEXITSTATUS(status) == 7 || aborts && libc::WTERMSIG(status) == libc::SIGABRT
            });
            if ran { SUCCESS } else { 42 }
        }
        Err(_) => 43,
    }
}

fn check_error(error: &Error, fault: Fault) -> i32 {
    let same = error.errno().is_none_or(|errno| errno == fault.errno);
    if error.step() == Step::Exec && error.errno().is_none() {
        eprintln!("the child was killed: {error}");
        44
    } else if same || has_fallback(fault) {
        SUCCESS
    } else {
        eprintln!("the error has another errno: {error}");
        45
    }
}

/// Whether the start tries another way after this errno. The error then has the errno of that attempt.
fn has_fallback(fault: Fault) -> bool {
    let anywhere = [Errno::NOSYS, Errno::INVAL, Errno::NOENT, Errno::EXIST, Errno::ACCESS];
    // The search in PATH continues, as in execvp(3).
    let in_path = [
        Errno::NOTDIR,
        Errno::LOOP,
        Errno::NAMETOOLONG,
        Errno::NODEV,
        Errno::STALE,
        Errno::TIMEDOUT,
    ];
    let searches = fault.number == libc::SYS_execve;
    anywhere.contains(&fault.errno) || searches && in_path.contains(&fault.errno)
}

/// Waits for any child, and returns its wait status.
fn any_child() -> Option<i32> {
    let mut status = 0;
    // SAFETY: the pointer is valid for a write of one int.
    let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::__WALL) };
    (pid > 0).then_some(status)
}

fn has_children() -> bool {
    // SAFETY: the status pointer may be null.
    let pid = unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG | libc::__WALL) };
    pid != -1
}

/// Returns the numbers of the open descriptors, by a system call for which there is no fault.
fn descriptors() -> Vec<i32> {
    // SAFETY: F_GETFD only reads a flag.
    (0..256).filter(|number| unsafe { libc::fcntl(*number, libc::F_GETFD) } != -1).collect()
}
