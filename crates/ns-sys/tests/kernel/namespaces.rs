//! unshare, setns and the ioctls of nsfs.
#![allow(unsafe_code, reason = "`unshare_files` and `close`")]

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::process::{Command, Stdio};

use ns_sys::{
    Errno, Namespace, NamespaceFd, NamespaceFlags, NamespaceId, UnshareFlags, pidfd_open, setns,
    setns_pidfd, unshare, unshare_files,
};
use ns_testbed::{Role, USER, forked, role};

/// The namespace of the calling thread.
fn own(kind: Namespace) -> NamespaceFd {
    NamespaceFd::new(File::open(format!("/proc/thread-self/ns/{kind}")).expect("open"))
        .expect("it is a namespace")
}

/// The namespace that the next child of this thread will be in.
fn next(kind: Namespace) -> NamespaceId {
    let pidfd = pidfd_open(std::process::id()).expect("pidfd_open");
    let namespace = match kind {
        Namespace::Pid | Namespace::Time => NamespaceFd::for_children(&pidfd, kind),
        other => NamespaceFd::from_pidfd(&pidfd, other),
    };
    namespace.expect("Linux 6.11").id().expect("id")
}

/// unshare creates a new namespace of each kind.
#[test]
fn unshare_creates_each_kind() {
    ns_testbed::run_as!([Root, User, Nested], {
        for kind in Namespace::ALL {
            let code = forked(|| {
                let before = next(kind);
                unshare(UnshareFlags::NEWUSER | kind.unshare_flag()).expect("unshare");
                i32::from(next(kind) == before)
            });
            assert_eq!(code, 0, "{kind}");
        }
    });
}

/// A bit that is not a flag of the safe call is rejected or dropped.
#[test]
fn unshare_rejects_clone_files() {
    ns_testbed::run_as!([User], {
        let files = UnshareFlags::from_bits_retain(0x400);
        assert_eq!(unshare(files), Err(Errno::INVAL));
        assert_eq!(unshare(NamespaceFlags::from_bits_retain(0x400).into()), Ok(()));
    });
}

/// A descriptor that is closed in the copied table stays open in the other one.
#[test]
fn unshare_files_copies_the_descriptor_table() {
    ns_testbed::run_as!([Root, User], {
        let file = File::open("/dev/null").expect("open");
        let number = file.as_raw_fd();
        std::thread::spawn(move || {
            // SAFETY: this thread only closes one descriptor in its own table.
            unsafe { unshare_files() }.expect("unshare");
            // SAFETY: `file` owns the descriptor in the other table only.
            unsafe { ns_sys::child::close(number) }.expect("close");
            assert!(!std::fs::exists(format!("/proc/thread-self/fd/{number}")).expect("check"));
        })
        .join()
        .expect("join");
        assert!(file.metadata().is_ok());
    });
}

/// After unshare, the pid or time namespace for children differs from the process's own.
#[test]
fn c05_for_children_differs_after_unshare() {
    ns_testbed::run_as!([Root, User], {
        for kind in [Namespace::Pid, Namespace::Time] {
            let code = forked(|| {
                unshare(UnshareFlags::NEWUSER | kind.unshare_flag()).expect("unshare");
                let pidfd = pidfd_open(std::process::id()).expect("pidfd_open");
                let own = NamespaceFd::from_pidfd(&pidfd, kind).expect("own").id();
                let next = NamespaceFd::for_children(&pidfd, kind).expect("for children").id();
                i32::from(own == next)
            });
            assert_eq!(code, 0, "{kind}");
        }
    });
}

/// The owner of a user namespace is the user that created it.
#[test]
fn owner_uid_is_the_creators() {
    ns_testbed::run_as!([Root, User], {
        let uid = rustix::process::geteuid().as_raw();
        let mut child = Command::new("unshare")
            .args(["--user", "cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("spawn unshare");
        child.stdin.as_mut().expect("piped").write_all(b"x").expect("write");
        child.stdout.as_mut().expect("piped").read_exact(&mut [0]).expect("read");
        let pidfd = pidfd_open(child.id()).expect("pidfd_open");
        let user = NamespaceFd::from_pidfd(&pidfd, Namespace::User).expect("its namespace");
        assert_eq!(user.owner_uid(), Ok(uid));
        child.kill().expect("kill");
        child.wait().expect("wait");
    });
}

/// After `unshare(FS)`, a change of the working directory affects the calling thread only.
#[test]
fn b08_unshare_affects_the_calling_thread_only() {
    ns_testbed::run_as!([Root, User], {
        std::thread::spawn(|| {
            unshare(UnshareFlags::FS).expect("unshare FS");
            std::env::set_current_dir("/proc").expect("chdir");
        })
        .join()
        .expect("join");
        assert_ne!(std::env::current_dir().expect("cwd").to_str(), Some("/proc"));
    });
}

/// A process with several threads cannot unshare its user namespace.
#[test]
fn b09_threads_cannot_unshare_user() {
    ns_testbed::run_as!([Root, User], {
        let result = std::thread::spawn(|| unshare(UnshareFlags::NEWUSER)).join().expect("join");
        assert_eq!(result, Err(Errno::INVAL));
    });
}

/// setns joins the namespace of the descriptor, and fails if the kind is wrong.
#[test]
fn setns_joins_and_checks_the_kind() {
    ns_testbed::run_as!([Root, Nested], {
        let code = forked(|| {
            // The caller's own user namespace owns it, so the role may join it.
            unshare(UnshareFlags::NEWUTS).expect("unshare");
            let before = own(Namespace::Uts);
            unshare(UnshareFlags::NEWUTS).expect("unshare again");
            assert_eq!(setns(&before, Some(Namespace::Ipc)), Err(Errno::INVAL));
            assert_ne!(own(Namespace::Uts).id(), before.id());
            setns(&before, Some(Namespace::Uts)).expect("setns");
            i32::from(own(Namespace::Uts).id() != before.id())
        });
        assert_eq!(code, 0);
    });
}

/// setns by pidfd joins all namespaces or none.
#[test]
fn c03_setns_pidfd_is_all_or_nothing() {
    ns_testbed::run_as!([Root, User], {
        let mut target = Command::new("unshare")
            .args(["--user", "--map-root-user", "--uts", "--ipc", "cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("spawn unshare");
        // cat echoes the byte after the namespaces have been created.
        target.stdin.as_mut().expect("piped").write_all(b"x").expect("write");
        target.stdout.as_mut().expect("piped").read_exact(&mut [0]).expect("read");

        let pidfd = pidfd_open(target.id()).expect("pidfd_open");
        let kinds = NamespaceFlags::USER | NamespaceFlags::UTS | NamespaceFlags::IPC;
        let expected = NamespaceFd::from_pidfd(&pidfd, Namespace::Uts).expect("its uts").id();
        let code = forked(|| {
            let before = own(Namespace::Uts).id();
            setns_pidfd(&pidfd, kinds).expect("setns");
            assert_eq!(own(Namespace::Uts).id(), expected);
            assert_ne!(before, expected);
            // The thread cannot join its own user namespace again, so it joins none of them.
            unshare(UnshareFlags::NEWUTS).expect("unshare");
            let unshared = own(Namespace::Uts).id();
            assert_eq!(setns_pidfd(&pidfd, kinds), Err(Errno::INVAL));
            i32::from(own(Namespace::Uts).id() != unshared)
        });
        target.kill().expect("kill");
        target.wait().expect("wait");
        assert_eq!(code, 0);
        assert_eq!(setns_pidfd(&pidfd, kinds), Err(Errno::SRCH));
    });
}

/// The ioctls report kind, owner and parent.
#[test]
fn nsfs_reports_kind_owner_and_parent() {
    ns_testbed::run_as!([Root, User, Nested], {
        for kind in Namespace::ALL {
            assert_eq!(own(kind).kind(), Ok(kind));
        }
        let user = own(Namespace::User);
        assert_eq!(own(Namespace::Uts).owner_uid(), Err(Errno::INVAL));
        assert_eq!(own(Namespace::Uts).parent().err(), Some(Errno::INVAL));
        match role() {
            // The parent is outside the caller's user namespace.
            Role::Nested => {
                assert_eq!(user.owner_uid(), Ok(0), "created by {USER}, which is mapped to 0");
                assert_eq!(user.parent().err(), Some(Errno::PERM));
            }
            Role::Root | Role::User => {
                assert_eq!(user.owner_uid(), Ok(0));
                assert_eq!(own(Namespace::Uts).user_namespace().expect("owner").id(), user.id());
                let outer = user.id();
                let code = forked(|| {
                    unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWUTS).expect("unshare");
                    let inner = own(Namespace::User).id();
                    let owner = own(Namespace::Uts).user_namespace().expect("its owner");
                    i32::from(owner.id() != inner || inner == outer)
                });
                assert_eq!(code, 0);
            }
        }
    });
}

/// A `NamespaceFd` cannot be created from another file.
#[test]
fn namespace_fd_rejects_other_files() {
    ns_testbed::run_as!([User], {
        let result = NamespaceFd::new(File::open("/dev/null").expect("open"));
        assert_eq!(result.err(), Some(Errno::NOTTY));
    });
}
