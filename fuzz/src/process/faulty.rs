//! A start of which one system call fails, in a process that is thrown away.
#![allow(unsafe_code, reason = "waiting for any child, and a deadline")]

use std::sync::Once;

use arbitrary::{Arbitrary, Result, Unstructured};
use ns_process::{Container, Errno, Error, Init, Namespace, Process, Step};
use ns_testbed::{FaultSide, forked, refuse, with_fault};

use super::adopt;
use super::surroundings::Surroundings;
use super::wish::Wish;
use super::work::Work;

/// What a start calls, of what the caller's own libc and allocator do not need.
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

/// What an init cannot do without: it lives under the same filter, which is the caller's own then.
const NEEDED_BY_INIT: &[i64] = &[libc::SYS_wait4, libc::SYS_write];

/// A system call, and what it fails with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault {
    number: i64,
    errno: Errno,
    /// On which side, and the how manieth call; `None`: on both, for good.
    once: Option<(FaultSide, u32)>,
}

impl<'a> Arbitrary<'a> for Fault {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let number = *u.choose(CALLS)?;
        let errno = Errno::from_raw_os_error(u.int_in_range(1..=133)?);
        let side = *u.choose(&[FaultSide::Starter, FaultSide::Started])?;
        let once = if u.arbitrary()? { Some((side, u.int_in_range(1..=9)?)) } else { None };
        // An interruption that never ends is no case that a kernel has, but for a sleep.
        let endless = errno == Errno::INTR && number != libc::SYS_futex;
        Ok(Self { number, errno: if endless { Errno::PERM } else { errno }, once })
    }
}

/// What the thrown-away process says when all was as it should be.
const FINE: i32 = 0;

pub(super) fn start_with(fault: Fault, wish: &Wish) {
    if fault.once.is_none() && wish.way.init && NEEDED_BY_INIT.contains(&fault.number) {
        return;
    }
    let surroundings = Surroundings::new(&wish.way);
    let container = wish.container(Work::Exits(7), &surroundings);
    open_init();
    let code = with_orphans_reaped(|| {
        // SAFETY: ends this process if it hangs.
        unsafe { libc::alarm(20) };
        let Fault { number, errno, once } = fault;
        let Some((side, nth)) = once else {
            refuse(number, errno);
            return attempt(wish, &container, fault, &|| ());
        };
        let once = ns_testbed::Fault { number, side, nth, errno };
        with_fault(once, |over| attempt(wish, &container, fault, over)).0
    });
    assert_eq!(code, FINE, "{fault:?} in a start of {wish:?}");
}

/// Starts, and looks at what came of it and what is left; `over` ends a fault that can end.
fn attempt(wish: &Wish, container: &Container, fault: Fault, over: &dyn Fn()) -> i32 {
    let before = descriptors();
    let started = wish.start(container);
    over();
    let verdict = match started {
        Ok(process) => ended(&process, fault),
        Err(error) => told(&error, fault),
    };
    // What has failed to reap does not do so again.
    let cleans = fault.number != libc::SYS_waitid;
    if cleans && (has_children() || descriptors() != before) {
        eprintln!("left behind: {before:?}, {:?}", descriptors());
        return 40;
    }
    verdict
}

/// The file of the init stays open from its first use on: here, and so in the thrown-away process too.
fn open_init() {
    static OPEN: Once = Once::new();
    OPEN.call_once(|| {
        let mut container = Work::Exits(0).program();
        container.namespace(Namespace::Pid).init(Init::builtin());
        container.status().expect("a program beside an init");
    });
}

/// What the thrown-away process cannot reap is a process's between, and is waited for.
fn with_orphans_reaped(body: impl FnOnce() -> i32) -> i32 {
    forked(|| {
        adopt();
        let code = forked(|| {
            adopt();
            body()
        });
        // SAFETY: ends this process if one of them hangs.
        unsafe { libc::alarm(20) };
        while any_child().is_some() {}
        code
    })
}

/// The program ran, and ended as it does; its loader may need the call too.
fn ended(process: &Process, fault: Fault) -> i32 {
    let loader = fault.number == libc::SYS_openat;
    match process.join() {
        Ok(status) if status.code() == Some(7) => FINE,
        Ok(status) if loader && status.code() == Some(127) => FINE,
        Ok(_) => 41,
        // The handle cannot wait without the call either; the program ran all the same.
        // It may not be the only one that nobody could reap.
        Err(error) if error.step() == Step::Wait => {
            let ran = std::iter::from_fn(any_child).any(|status| libc::WEXITSTATUS(status) == 7);
            if ran { FINE } else { 42 }
        }
        Err(_) => 43,
    }
}

fn told(error: &Error, fault: Fault) -> i32 {
    let same = error.errno().is_none_or(|told| told == fault.errno);
    if error.step() == Step::Exec && error.errno().is_none() {
        eprintln!("the child was lost: {error}");
        44
    } else if same || has_a_meaning(fault) {
        FINE
    } else {
        eprintln!("told wrongly: {error}");
        45
    }
}

/// Errnos on which something else is tried, whose own errno is told then.
fn has_a_meaning(fault: Fault) -> bool {
    let anywhere = [Errno::NOSYS, Errno::INVAL, Errno::NOENT, Errno::EXIST, Errno::ACCESS];
    // The search in PATH goes on, as execvp(3) does.
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

/// The wait status of a child that ends or has ended.
fn any_child() -> Option<i32> {
    let mut status = 0;
    // SAFETY: stores one int.
    let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::__WALL) };
    (pid > 0).then_some(status)
}

fn has_children() -> bool {
    // SAFETY: asks for children of every kind without waiting, and stores nothing.
    let pid = unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG | libc::__WALL) };
    pid != -1
}

/// The numbers of what is open, found by a call that no fault is about.
fn descriptors() -> Vec<i32> {
    // SAFETY: reads a flag, of whatever there is.
    (0..256).filter(|number| unsafe { libc::fcntl(*number, libc::F_GETFD) } != -1).collect()
}
