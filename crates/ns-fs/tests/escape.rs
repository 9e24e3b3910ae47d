//! The three programs that walk out of a root, run for real by a root inside.
#![allow(unsafe_code, reason = "closing by number")]

mod common;

use std::fs::{self, File};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::MetadataExt;

use common::{Folder, borrow, own_namespaces, plan};
use ns_fs::{Descriptors, FdPlan, Root, apply};
use ns_sys::UnshareFlags;
use ns_sys::child::exit_group;
use ns_testbed::forked;
use rustix::process::{chroot, fchdir};

type Inode = (u64, u64);

/// What lies far above the working directory.
fn top() -> Option<Inode> {
    fs::metadata("../".repeat(30)).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

/// D1: the working directory stayed outside.
fn walk_up(_leaked: RawFd) -> Option<Inode> {
    top()
}

/// D2: a second chroot below, with the working directory left above.
fn second_chroot(_leaked: RawFd) -> Option<Inode> {
    fs::create_dir_all("/escape").ok()?;
    chroot("/escape").ok()?;
    top()
}

/// D3: a descriptor of an outer directory.
fn leaked_descriptor(leaked: RawFd) -> Option<Inode> {
    fchdir(borrow(leaked)).ok()?;
    top()
}

const PROGRAMS: [fn(RawFd) -> Option<Inode>; 3] = [walk_up, second_chroot, leaked_descriptor];

/// Which of the three reach the host's root.
fn escapes(change: impl Fn(), close: bool) -> [bool; 3] {
    let host = fs::metadata("/").map(|root| (root.dev(), root.ino())).expect("stat");
    let outer = File::open("/").expect("open");
    // Inheritable, as from a careless caller.
    let leaked = rustix::io::dup(&outer).expect("dup");
    let fds = FdPlan::new(&Descriptors::new()).expect("plan");
    PROGRAMS.map(|program| {
        let code = forked(|| {
            own_namespaces(UnshareFlags::empty());
            change();
            if close {
                // SAFETY: this child uses no other descriptor, and ends without closing any.
                unsafe { apply::close_rest(fds.ranges()) }.expect("close");
            }
            exit_group(i32::from(program(leaked.as_raw_fd()) == Some(host)))
        });
        assert!(code <= 1, "{code}");
        code == 1
    })
}

/// chroot stops the first program only; pivot alone the second too; with closing, all three.
#[test]
fn d01_d02_d03_escape_programs() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::with("escape", &["escape"]);
        let shown = |what: &str, escaped: [bool; 3]| {
            let role = ns_testbed::role().name();
            let words = escaped.map(|escaped| if escaped { "escapes" } else { "held" });
            println!(
                "shown: {role}: {what}: walk up {}, second chroot {}, leaked descriptor {}",
                words[0], words[1], words[2]
            );
            escaped
        };
        // The bare call, as it should not be made: the test bed is right.
        let bare = || chroot(folder.path()).expect("chroot");
        assert_eq!(shown("chroot(2) alone", escapes(bare, false)), [true; 3]);
        let chrooted = plan(Root::chroot(folder.path()));
        let chrooted = || chrooted.apply().expect("apply");
        assert_eq!(shown("chroot by name", escapes(chrooted, false)), [false, true, true]);
        assert_eq!(shown("chroot, rest closed", escapes(chrooted, true)), [false, true, false]);
        let pivoted = plan(Root::pivot(folder.path()));
        let pivoted = || pivoted.apply().expect("apply");
        assert_eq!(shown("pivot alone", escapes(pivoted, false)), [false, false, true]);
        assert_eq!(shown("pivot, rest closed (default)", escapes(pivoted, true)), [false; 3]);
    });
}
