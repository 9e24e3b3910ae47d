//! Targets for which the assumptions of the optimistic join do not hold, because they share something with the caller.
#![allow(unsafe_code, reason = "a filter")]

use std::fs;
use std::path::Path;
use std::thread;

use crate::common::target::{Target, sleep};
use crate::common::{filter, in_child};
use ns_process::{Errno, Inject, Namespace, Stdio};
use ns_sys::UnshareFlags;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_bind_recursive, mount_change};
use rustix::process::{chdir, chroot};
use rustix::thread::set_no_new_privs;

/// The output of a shell that is injected into `target`.
fn printed_in(target: &Target, script: &str) -> String {
    let output = Inject::new(&**target, "sh").args(["-c", script]).output().expect("start");
    String::from_utf8(output.stdout).expect("text")
}

/// A process in new namespaces of these kinds.
fn in_new(kinds: &[Namespace]) -> Target {
    Target::new(sleep().namespaces(kinds.iter().copied()).map_zero())
}

/// The mount namespace of the caller is not joined, which would change its working directory to `/`.
#[test]
fn c02_the_mount_namespace_of_the_caller_is_not_joined() {
    ns_testbed::run_as!([Root, User, Nested], {
        in_child(|| {
            chdir("/usr/bin").expect("chdir");
            for kinds in
                [&[Namespace::User][..], &[Namespace::User, Namespace::Pid, Namespace::Net]]
            {
                let target = in_new(kinds);
                let user = fs::read_link(target.file(Namespace::User)).expect("a link");
                let output = printed_in(&target, "pwd; readlink /proc/self/ns/user");
                assert_eq!(output, format!("/usr/bin\n{}\n", user.display()));
            }
            let target = in_new(&[Namespace::User, Namespace::Mnt]);
            assert_eq!(printed_in(&target, "pwd"), "/\n");
        });
    });
}

/// Nor is it joined by a chrooted caller, which would change its root.
#[test]
fn c02_a_chrooted_caller_keeps_its_root() {
    ns_testbed::run_as!([Root], {
        in_child(|| {
            ns_sys::unshare(UnshareFlags::NEWNS).expect("unshare");
            let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
            mount_change("/", private).expect("private");
            mount_bind_recursive("/", "/mnt").expect("bind");
            for (path, name) in [("/mnt/opt", "changed"), ("/opt", "former")] {
                mount("tmpfs", path, "tmpfs", MountFlags::empty(), None).expect("tmpfs");
                fs::write(Path::new(path).join(name), "").expect("mark");
            }
            // A chrooted process may not make a user namespace.
            let target = in_new(&[Namespace::User, Namespace::Uts]);
            chroot("/mnt").expect("chroot");
            chdir("/").expect("chdir");
            assert_eq!(printed_in(&target, "ls /opt"), "changed\n");
        });
    });
}

/// A second attempt after inspection does not open a stream again: opening a FIFO has an effect on its writer.
#[test]
fn e01_a_stream_is_opened_once() {
    ns_testbed::run_as!([Root, User, Nested], {
        let fifo = std::env::temp_dir().join(format!("ns-process-fifo-{}", std::process::id()));
        mknodat(CWD, &fifo, FileType::Fifo, Mode::RWXU, 0).expect("mkfifo");
        let target = in_new(&[Namespace::User, Namespace::Uts]);
        let path = fifo.clone();
        let writer = thread::spawn(move || fs::write(path, "written once\n").expect("write"));
        let mut reader = Inject::new(&*target, "cat");
        let output = reader.stdin(Stdio::path(&fifo)).output().expect("start");
        writer.join().expect("written");
        fs::remove_file(&fifo).expect("remove");
        assert_eq!(output.stdout, b"written once\n");
    });
}

/// `__NR_statmount` of include/uapi/asm-generic/unistd.h, new in Linux 6.8.
const STATMOUNT: i64 = 457;

/// If the child cannot verify the assumptions, the caller inspects the target.
#[test]
fn b05_without_statmount_the_caller_inspects_the_target() {
    ns_testbed::run_as!([Root, User, Nested], {
        for verdict in [libc::SECCOMP_RET_KILL_PROCESS, filter::fail(Errno::NOSYS)] {
            in_child(|| {
                let target = in_new(&[Namespace::User, Namespace::Mnt]);
                let filter = filter::for_call(STATMOUNT, verdict);
                set_no_new_privs(true).expect("no_new_privs");
                // SAFETY: the filter affects callers of statmount(2) only.
                unsafe { ns_sys::child::seccomp_set_filter(0, &filter) }.expect("seccomp");
                for _ in 0..2 {
                    assert_eq!(printed_in(&target, "echo in"), "in\n");
                }
            });
        }
    });
}

/// A caller that unshared its pid namespace injects without an intermediate process.
#[test]
fn c02_a_caller_that_unshared_its_pid_namespace_injects() {
    ns_testbed::run_as!([Root], {
        in_child(|| {
            let target = in_new(&[Namespace::User, Namespace::Uts]);
            ns_sys::unshare(UnshareFlags::NEWPID).expect("unshare");
            let first = Target::new(&sleep());
            assert_eq!(printed_in(&target, "echo in"), "in\n");
            drop(first);
        });
    });
}
