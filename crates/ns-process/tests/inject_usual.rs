//! Targets that are not what is usual: something of theirs is the caller's own.
#![allow(unsafe_code, reason = "a filter")]

mod common;

use std::fs;
use std::path::Path;
use std::thread;

use common::alone;
use common::target::Target;
use ns_process::{BpfInstruction, Container, Inject, Namespace, Stdio};
use ns_sys::UnshareFlags;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_bind_recursive, mount_change};
use rustix::process::{chdir, chroot};
use rustix::thread::set_no_new_privs;

fn printed(target: &Target, script: &str) -> String {
    let output = Inject::new(&**target, "sh").args(["-c", script]).output().expect("start");
    String::from_utf8(output.stdout).expect("text")
}

/// A process in new namespaces of these kinds.
fn in_new(kinds: &[Namespace]) -> Target {
    let mut container = Container::new("sleep");
    Target::new(container.arg("1000").namespaces(kinds.iter().copied()).map_zero())
}

/// To enter the caller's own mount namespace would move it to `/`.
#[test]
fn c02_in_the_callers_mount_namespace() {
    ns_testbed::run_as!([Root, User, Nested], {
        alone(|| {
            chdir("/usr/bin").expect("chdir");
            for kinds in
                [&[Namespace::User][..], &[Namespace::User, Namespace::Pid, Namespace::Net]]
            {
                let target = in_new(kinds);
                let user = fs::read_link(target.file(Namespace::User)).expect("a link");
                let told = printed(&target, "pwd; readlink /proc/self/ns/user");
                assert_eq!(told, format!("/usr/bin\n{}\n", user.display()));
            }
            let target = in_new(&[Namespace::User, Namespace::Mnt]);
            assert_eq!(printed(&target, "pwd"), "/\n");
        });
    });
}

/// Nor does it leave a root that is not that of the mount namespace.
#[test]
fn c02_from_a_changed_root() {
    ns_testbed::run_as!([Root], {
        alone(|| {
            ns_sys::unshare(UnshareFlags::NEWNS).expect("unshare");
            let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
            mount_change("/", private).expect("private");
            mount_bind_recursive("/", "/mnt").expect("bind");
            for (folder, name) in [("/mnt/opt", "changed"), ("/opt", "former")] {
                mount("tmpfs", folder, "tmpfs", MountFlags::empty(), None).expect("tmpfs");
                fs::write(Path::new(folder).join(name), "").expect("mark");
            }
            // Nobody makes a user namespace from there.
            let target = in_new(&[Namespace::User, Namespace::Uts]);
            chroot("/mnt").expect("chroot");
            chdir("/").expect("chdir");
            assert_eq!(printed(&target, "ls /opt"), "changed\n");
        });
    });
}

/// To look from the outside is another attempt, and what is opened may do something: a FIFO waits for its writer.
#[test]
fn e01_a_stream_is_opened_once() {
    ns_testbed::run_as!([Root, User, Nested], {
        let fifo = std::env::temp_dir().join(format!("ns-process-fifo-{}", std::process::id()));
        mknodat(CWD, &fifo, FileType::Fifo, Mode::RWXU, 0).expect("mkfifo");
        let target = in_new(&[Namespace::User, Namespace::Uts]);
        let path = fifo.clone();
        let writer = thread::spawn(move || fs::write(path, "told once\n").expect("write"));
        let mut reader = Inject::new(&*target, "cat");
        let output = reader.stdin(Stdio::path(&fifo)).output().expect("start");
        writer.join().expect("written");
        fs::remove_file(&fifo).expect("remove");
        assert_eq!(output.stdout, b"told once\n");
    });
}

/// `__NR_statmount` of include/uapi/asm-generic/unistd.h, new in Linux 6.8.
const STATMOUNT: u32 = 457;

const ENOSYS: u32 = libc::ENOSYS.unsigned_abs();

/// Where the child cannot look around, the caller does.
#[test]
fn b05_nobody_looks_from_inside() {
    ns_testbed::run_as!([Root, User, Nested], {
        let instruction = |code, jt, jf, k| BpfInstruction { code, jt, jf, k };
        for verdict in [libc::SECCOMP_RET_KILL_PROCESS, libc::SECCOMP_RET_ERRNO | ENOSYS] {
            alone(|| {
                let target = in_new(&[Namespace::User, Namespace::Mnt]);
                let filter = [
                    instruction(0x20, 0, 0, 0),
                    instruction(0x15, 0, 1, STATMOUNT),
                    instruction(0x06, 0, 0, verdict),
                    instruction(0x06, 0, 0, libc::SECCOMP_RET_ALLOW),
                ];
                set_no_new_privs(true).expect("no_new_privs");
                // SAFETY: the filter ends nobody but who calls statmount(2).
                unsafe { ns_sys::child::seccomp_set_filter(0, &filter) }.expect("seccomp");
                for _ in 0..2 {
                    assert_eq!(printed(&target, "echo in"), "in\n");
                }
            });
        }
    });
}

/// No process goes between from a pid namespace that the caller has unshared, and none has to.
#[test]
fn c02_in_the_callers_pid_namespace() {
    ns_testbed::run_as!([Root], {
        alone(|| {
            let target = in_new(&[Namespace::User, Namespace::Uts]);
            ns_sys::unshare(UnshareFlags::NEWPID).expect("unshare");
            let first = Target::new(Container::new("sleep").arg("1000"));
            assert_eq!(printed(&target, "echo in"), "in\n");
            drop(first);
        });
    });
}
