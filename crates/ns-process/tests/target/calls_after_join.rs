//! The system calls of a child between joining namespaces and executing its program.
#![allow(unsafe_code, reason = "system calls that are notified to a supervisor")]

use std::os::fd::RawFd;
use std::sync::atomic::{AtomicI32, AtomicU64, AtomicUsize, Ordering};

use crate::common::target::{Target, sleep};
use crate::common::{filter, in_child};
use ns_process::{Inject, Memory};

/// `SECCOMP_IOCTL_NOTIF_RECV` and `SECCOMP_IOCTL_NOTIF_SEND` of include/uapi/linux/seccomp.h.
const RECEIVE: libc::c_ulong = 0xc050_2100;
const SEND: libc::c_ulong = 0xc018_2101;

/// The process ID in the upper half, and the number of the system call.
static CALLS: [AtomicU64; 4096] = [const { AtomicU64::new(0) }; 4096];
static COUNT: AtomicUsize = AtomicUsize::new(0);
static LISTENER: AtomicI32 = AtomicI32::new(-1);

/// Records each call and lets it continue. Does not allocate, because the waiting thread may hold a lock of the heap.
fn supervise() -> ! {
    let listener = loop {
        match LISTENER.load(Ordering::Acquire) {
            -1 => std::hint::spin_loop(),
            listener => break listener,
        }
    };
    loop {
        // SAFETY: zeros are a valid value of the struct.
        let mut call: libc::seccomp_notif = unsafe { std::mem::zeroed() };
        // SAFETY: fills a struct of the size that the request number encodes.
        if unsafe { libc::ioctl(listener, RECEIVE, &raw mut call) } != 0 {
            continue;
        }
        let at = COUNT.fetch_add(1, Ordering::AcqRel);
        let number = u64::from(call.data.nr.unsigned_abs());
        CALLS[at % CALLS.len()].store(u64::from(call.pid) << 32 | number, Ordering::Release);
        let flags = u32::try_from(libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE).expect("small");
        let answer = libc::seccomp_notif_resp { id: call.id, val: 0, error: 0, flags };
        // SAFETY: reads a struct of the size that the request number encodes.
        unsafe { libc::ioctl(listener, SEND, &raw const answer) };
    }
}

/// From now on each system call of this thread and its children is reported to the returned listener.
fn notify() -> RawFd {
    let every_call = [filter::action(libc::SECCOMP_RET_USER_NOTIF)];
    rustix::thread::set_no_new_privs(true).expect("no_new_privs");
    let flags = u32::try_from(libc::SECCOMP_FILTER_FLAG_NEW_LISTENER).expect("small");
    // SAFETY: the supervisor lets every call continue.
    let listener =
        unsafe { ns_sys::child::seccomp_set_filter(flags, &every_call) }.expect("seccomp");
    listener.try_into().expect("a descriptor")
}

/// The calls of each other process until its exec or its exit.
fn calls_of_children() -> Vec<Vec<i64>> {
    let count = COUNT.load(Ordering::Acquire);
    assert!(count < CALLS.len(), "{count}");
    let calls: Vec<(u64, i64)> = CALLS[..count]
        .iter()
        .map(|call| call.load(Ordering::Acquire))
        .map(|call| (call >> 32, i64::try_from(call & 0xffff_ffff).expect("a number")))
        .collect();
    let own = u64::from(std::process::id());
    let mut pids: Vec<u64> = calls.iter().map(|(pid, _)| *pid).filter(|pid| *pid != own).collect();
    pids.dedup();
    pids.sort_unstable();
    pids.dedup();
    let of =
        |pid: u64| calls.iter().filter(move |(caller, _)| *caller == pid).map(|(_, call)| *call);
    let until_exec = |pid| of(pid).take_while(|call| *call != libc::SYS_execve).collect::<Vec<_>>();
    pids.into_iter().map(until_exec).collect()
}

/// `__NR_statmount` of include/uapi/asm-generic/unistd.h.
const STATMOUNT: i64 = 457;

/// The calls that the child of an `Inject` may make.
const ALLOWED: [i64; 23] = [
    libc::SYS_setns,
    libc::SYS_clone3,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_getegid,
    libc::SYS_geteuid,
    libc::SYS_getppid,
    libc::SYS_gettid,
    libc::SYS_ppoll,
    libc::SYS_poll,
    libc::SYS_prctl,
    libc::SYS_prlimit64,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_set_robust_list,
    libc::SYS_setgroups,
    libc::SYS_setresgid,
    libc::SYS_setresuid,
    libc::SYS_setsid,
    libc::SYS_close_range,
    libc::SYS_fcntl,
    libc::SYS_statx,
    STATMOUNT,
];

/// After the join no file is opened and nothing is mapped, with shared and with copied memory.
#[test]
fn c14_nothing_is_loaded_after_the_join() {
    ns_testbed::run_as!([Root, User, Nested], {
        let target = Target::in_all();
        for memory in [Memory::Auto, Memory::Copied] {
            in_child(|| {
                COUNT.store(0, Ordering::Release);
                std::thread::spawn(|| supervise());
                LISTENER.store(notify(), Ordering::Release);
                let mut inject = Inject::new(&*target, "/bin/true");
                let status = inject.memory(memory).status().expect("start");
                assert!(status.success());
                let processes = calls_of_children();
                // The intermediate process and its child.
                assert_eq!(processes.len(), 2, "{processes:?}");
                assert_eq!(
                    processes.iter().flatten().filter(|call| **call == libc::SYS_setns).count(),
                    1
                );
                let is_forbidden = |call: &&i64| !ALLOWED.contains(call);
                let forbidden: Vec<_> = processes.iter().flatten().filter(is_forbidden).collect();
                assert!(forbidden.is_empty(), "{forbidden:?} of {processes:?}");
            });
        }
    });
}

/// The process ID of a target is resolved once, because it may be reused later. This holds as well for a target that
/// must be inspected because the caller has no ID in it.
#[test]
fn c17_a_process_id_is_resolved_once() {
    ns_testbed::run_as!([Root], {
        let mut container = sleep();
        container.namespaces(["user", "mnt"]);
        container.uid_map("0 100000 10".parse().expect("a map"));
        container.gid_map("0 100000 10".parse().expect("a map"));
        let target = Target::new(&container);
        in_child(|| {
            COUNT.store(0, Ordering::Release);
            std::thread::spawn(|| supervise());
            LISTENER.store(notify(), Ordering::Release);
            let status = Inject::new(target.pid(), "/bin/true").status().expect("start");
            assert!(status.success());
            let own = u64::from(std::process::id());
            let call = own << 32 | u64::try_from(libc::SYS_pidfd_open).expect("a number");
            let calls = &CALLS[..COUNT.load(Ordering::Acquire)];
            let resolved = calls.iter().filter(|one| one.load(Ordering::Acquire) == call);
            assert_eq!(resolved.count(), 1);
            let joins =
                calls_of_children().into_iter().flatten().filter(|call| *call == libc::SYS_setns);
            assert_eq!(joins.count(), 2, "an optimistic join, and then a join after inspection");
        });
    });
}
