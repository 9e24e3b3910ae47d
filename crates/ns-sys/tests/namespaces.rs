//! unshare, setns and what nsfs tells, in children of the test process.
#![allow(unsafe_code, reason = "unshare_files")]

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::process::{Command, Stdio};

use ns_sys::{
    Errno, Namespace, NamespaceFd, NamespaceFlags, NamespaceId, UnshareFlags, pidfd_open, setns,
    setns_pidfd, unshare, unshare_files,
};
use ns_testbed::{Role, USER, forked, role};

fn own(kind: Namespace) -> NamespaceFd {
    NamespaceFd::new(File::open(format!("/proc/thread-self/ns/{kind}")).expect("open"))
        .expect("nsfs")
}

/// The namespace that the next child of this thread will be in.
fn next(kind: Namespace) -> NamespaceId {
    let pidfd = pidfd_open(std::process::id()).expect("pidfd_open");
    let held = match kind {
        Namespace::Pid | Namespace::Time => NamespaceFd::for_children(&pidfd, kind),
        other => NamespaceFd::from_pidfd(&pidfd, other),
    };
    held.expect("Linux 6.11").id().expect("id")
}

/// Each kind can be left for a new one, and the new one is another.
#[test]
fn unshare_makes_each_kind() {
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

/// What is no flag of the safe call is refused, however it was made.
#[test]
fn unshare_takes_no_files() {
    ns_testbed::run_as!([User], {
        let files = UnshareFlags::from_bits_retain(0x400);
        assert_eq!(unshare(files), Err(Errno::INVAL));
        assert_eq!(unshare(NamespaceFlags::from_bits_retain(0x400).into()), Ok(()));
    });
}

/// After the split a descriptor closed on one side stays open on the other.
#[test]
fn unshare_files_splits_the_table() {
    ns_testbed::run_as!([Root, User], {
        let held = File::open("/dev/null").expect("open");
        let number = held.as_raw_fd();
        std::thread::spawn(move || {
            // SAFETY: this thread closes one number in its own table, and ends.
            unsafe { unshare_files() }.expect("unshare");
            // SAFETY: `held` owns the number in the other table.
            unsafe { ns_sys::child::close(number) }.expect("close");
            assert!(!std::fs::exists(format!("/proc/thread-self/fd/{number}")).expect("look"));
        })
        .join()
        .expect("join");
        assert!(held.metadata().is_ok());
    });
}

/// A namespace for children is another than one's own, once it was unshared.
#[test]
fn c05_for_children_is_the_next_one() {
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

/// The owner of a user namespace is whoever made it.
#[test]
fn the_owner_is_told() {
    ns_testbed::run_as!([Root, User], {
        let uid = rustix::process::geteuid().as_raw();
        let mut maker = Command::new("unshare")
            .args(["--user", "cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("spawn unshare");
        maker.stdin.as_mut().expect("piped").write_all(b"x").expect("write");
        maker.stdout.as_mut().expect("piped").read_exact(&mut [0]).expect("read");
        let pidfd = pidfd_open(maker.id()).expect("pidfd_open");
        let user = NamespaceFd::from_pidfd(&pidfd, Namespace::User).expect("its namespace");
        assert_eq!(user.owner_uid(), Ok(uid));
        maker.kill().expect("kill");
        maker.wait().expect("wait");
    });
}

/// A thread's own root and directory leave the others theirs.
#[test]
fn b08_unshare_is_the_threads_own() {
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

/// A user namespace cannot be made from a program with threads, and the errno says so.
#[test]
fn b09_threads_cannot_unshare_user() {
    ns_testbed::run_as!([Root, User], {
        let refused = std::thread::spawn(|| unshare(UnshareFlags::NEWUSER)).join().expect("join");
        assert_eq!(refused, Err(Errno::INVAL));
    });
}

/// A namespace joined by its descriptor is that one; with a wrong kind it is refused.
#[test]
fn setns_joins_and_checks_the_kind() {
    ns_testbed::run_as!([Root, Nested], {
        let code = forked(|| {
            // Of the caller's own user namespace, which the role may join.
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

/// Joined by pidfd: all of the mask or nothing.
#[test]
fn c03_setns_pidfd_is_all_or_nothing() {
    ns_testbed::run_as!([Root, User], {
        let mut target = Command::new("unshare")
            .args(["--user", "--map-root-user", "--uts", "--ipc", "cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("spawn unshare");
        // cat echoes once the namespaces stand.
        target.stdin.as_mut().expect("piped").write_all(b"x").expect("write");
        target.stdout.as_mut().expect("piped").read_exact(&mut [0]).expect("read");

        let pidfd = pidfd_open(target.id()).expect("pidfd_open");
        let kinds = NamespaceFlags::USER | NamespaceFlags::UTS | NamespaceFlags::IPC;
        let wished = NamespaceFd::from_pidfd(&pidfd, Namespace::Uts).expect("its uts").id();
        let code = forked(|| {
            let before = own(Namespace::Uts).id();
            setns_pidfd(&pidfd, kinds).expect("setns");
            assert_eq!(own(Namespace::Uts).id(), wished);
            assert_ne!(before, wished);
            // Entering its own user namespace again fails, and takes the others with it.
            unshare(UnshareFlags::NEWUTS).expect("unshare");
            let between = own(Namespace::Uts).id();
            assert_eq!(setns_pidfd(&pidfd, kinds), Err(Errno::INVAL));
            i32::from(own(Namespace::Uts).id() != between)
        });
        target.kill().expect("kill");
        target.wait().expect("wait");
        assert_eq!(code, 0);
        assert_eq!(setns_pidfd(&pidfd, kinds), Err(Errno::SRCH));
    });
}

/// Kind, owner and parent are what they are.
#[test]
fn nsfs_tells() {
    ns_testbed::run_as!([Root, User, Nested], {
        for kind in Namespace::ALL {
            assert_eq!(own(kind).kind(), Ok(kind));
        }
        let user = own(Namespace::User);
        assert_eq!(own(Namespace::Uts).owner_uid(), Err(Errno::INVAL));
        assert_eq!(own(Namespace::Uts).parent().err(), Some(Errno::INVAL));
        match role() {
            // The parent lies outside what the caller sees, or there is none.
            Role::Nested => {
                assert_eq!(user.owner_uid(), Ok(0), "made by {USER}, who is 0 in it");
                assert_eq!(user.parent().err(), Some(Errno::PERM));
            }
            Role::Root | Role::User => {
                assert_eq!(user.owner_uid(), Ok(0));
                assert_eq!(own(Namespace::Uts).user_namespace().expect("owner").id(), user.id());
                let outer = user.id();
                let code = forked(|| {
                    unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWUTS).expect("unshare");
                    let made = own(Namespace::User).id();
                    let owner = own(Namespace::Uts).user_namespace().expect("its owner");
                    i32::from(owner.id() != made || made == outer)
                });
                assert_eq!(code, 0);
            }
        }
    });
}

/// What is no namespace is no `NamespaceFd`.
#[test]
fn other_files_are_refused() {
    ns_testbed::run_as!([User], {
        let refused = NamespaceFd::new(File::open("/dev/null").expect("open"));
        assert_eq!(refused.err(), Some(Errno::NOTTY));
    });
}
