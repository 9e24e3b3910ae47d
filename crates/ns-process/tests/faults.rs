//! Each system call of a start fails: a typed error or a start all the same, and nothing left behind.
#![allow(unsafe_code, reason = "numbers of system calls, and a deadline")]

mod common;

use std::collections::BTreeSet;

use common::target::Target;
use common::{containers, guests, refuse};
use ns_process::{Container, Errno, Step};
use ns_testbed::{Leftovers, forked};

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
        "fchdir" => libc::SYS_fchdir,
        "fork" => libc::SYS_clone,
        "futex" => libc::SYS_futex,
        "getcwd" => libc::SYS_getcwd,
        "ioctl" => libc::SYS_ioctl,
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
        "waitid" => libc::SYS_waitid,
        "write" => libc::SYS_write,
        _ => return None,
    })
}

/// The names before each `(` of the lines of a description.
fn calls(container: &Container) -> BTreeSet<String> {
    let text = container.plan().expect("plan").describe().to_string();
    let lines = text.lines().filter_map(|line| line.split_once(": ")).map(|(_, call)| call);
    let named = lines.filter(|call| !call.starts_with("shared")).flat_map(|line| line.split("; "));
    let names = named.filter_map(|call| call.split_once('(')).map(|(name, _)| name.to_owned());
    names.filter(|name| !name.contains(' ')).collect()
}

/// Starts once with `number` failing; 0 when all was as it should be.
fn start_without(container: &Container, number: i64, errno: Errno) -> i32 {
    forked(|| {
        // SAFETY: ends this process if it hangs.
        unsafe { libc::alarm(20) };
        refuse(number, errno);
        let code = match container.start() {
            Ok(process) => match process.join() {
                Ok(status) if status.code() == Some(7) => 0,
                // The loader of the program needs it too, where the caller's libc makes another call.
                Ok(status) if number == libc::SYS_openat && status.code() == Some(127) => 0,
                Ok(_) => 40,
                // The handle cannot wait without the call either; the program ran all the same.
                Err(error) if error.step() == Step::Wait => {
                    let mut status = 0;
                    // SAFETY: stores one int.
                    unsafe { libc::waitpid(-1, &raw mut status, libc::__WALL) };
                    i32::from(libc::WEXITSTATUS(status) != 7) * 40
                }
                Err(_) => 41,
            },
            Err(error) if error.step() == Step::Exec && error.errno().is_none() => 42,
            Err(error) if error.errno().is_none_or(|told| told == errno) => 0,
            Err(error) => {
                eprintln!("{error}");
                43
            }
        };
        let mut status = 0;
        // SAFETY: stores one int; asks for children of every kind without waiting.
        let left = unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG | libc::__WALL) };
        // What is forbidden for good cannot reap either.
        if left == -1 || number == libc::SYS_waitid { code } else { 44 }
    })
}

/// Whatever fails is told by the errno with which it failed, or did not matter; no child is left, in
/// the memory or as a zombie, and no descriptor or mount.
#[test]
fn f20_every_call_fails_once() {
    ns_testbed::run_as!([Root, User, Nested], {
        let root = std::env::temp_dir().join(format!("ns-process-faults-{}", std::process::id()));
        std::fs::create_dir_all(&root).expect("mkdir");
        let entered = Target::in_all();
        let before = Leftovers::snapshot();
        let (mut cases, mut unknown) = (0, BTreeSet::new());
        let mut containers = containers(root.to_str().expect("text"), &entered);
        containers.extend(guests());
        for (index, container) in containers.iter().enumerate() {
            for name in calls(container) {
                let Some(number) = number(&name) else {
                    unknown.insert(name);
                    continue;
                };
                // An interruption that never ends is no case that a kernel has, but for a sleep.
                let interrupted = (name == "futex").then_some(Errno::INTR);
                for errno in [Errno::PERM, Errno::NOMEM].into_iter().chain(interrupted) {
                    let code = start_without(container, number, errno);
                    assert_eq!(code, 0, "container {index}, {name}, {errno:?}");
                    before.assert_unchanged();
                    cases += 1;
                }
            }
        }
        assert!(unknown.is_empty(), "calls without a number here: {unknown:?}");
        std::fs::remove_dir_all(&root).expect("remove");
        println!("shown: {cases} starts with one system call failing, nothing left behind");
    });
}
