//! Three programs that try to leave a root, run as root inside it.
#![allow(unsafe_code, reason = "closing by number")]

use std::fs::{self, File};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::MetadataExt;

use ns_fs::{Descriptors, FdPlan, Root, apply};
use ns_sys::UnshareFlags;
use ns_sys::child::exit_group;
use ns_testbed::forked;
use rustix::process::{chroot, fchdir};

use crate::fixture::{TempDir, borrow, own_namespaces, plan};

type Inode = (u64, u64);

/// The topmost directory above the working directory.
fn top() -> Option<Inode> {
    fs::metadata("../".repeat(30)).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

/// D1: walks up from a working directory left outside.
fn walk_up(_leaked: RawFd) -> Option<Inode> {
    top()
}

/// D2: calls chroot(2) again, with the working directory above the new root.
fn second_chroot(_leaked: RawFd) -> Option<Inode> {
    fs::create_dir_all("/escape").ok()?;
    chroot("/escape").ok()?;
    top()
}

/// D3: enters an outer directory by its descriptor.
fn leaked_descriptor(leaked: RawFd) -> Option<Inode> {
    fchdir(borrow(leaked)).ok()?;
    top()
}

const PROGRAMS: [fn(RawFd) -> Option<Inode>; 3] = [walk_up, second_chroot, leaked_descriptor];

/// Which programs reach the host's root.
fn escapes(change: impl Fn(), close: bool) -> [bool; 3] {
    let host = fs::metadata("/").map(|root| (root.dev(), root.ino())).expect("stat");
    let outer = File::open("/").expect("open");
    // Without close-on-exec, as a caller may leave one open.
    let leaked = rustix::io::dup(&outer).expect("dup");
    let fds = FdPlan::new(&Descriptors::new()).expect("plan");
    PROGRAMS.map(|program| {
        let code = forked(|| {
            own_namespaces(UnshareFlags::empty());
            change();
            if close {
                // SAFETY: this child uses no closed descriptor, and exits without destructors.
                unsafe { apply::close_rest(fds.ranges()) }.expect("close");
            }
            exit_group(i32::from(program(leaked.as_raw_fd()) == Some(host)))
        });
        assert!(code <= 1, "{code}");
        code == 1
    })
}

/// chroot stops only the first program, and pivot also the second. Closing the rest stops the third.
#[test]
fn d01_d02_d03_escape_programs() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("escape", &["escape"]);
        let shown = |what: &str, escaped: [bool; 3]| {
            let role = ns_testbed::role().name();
            let words = escaped.map(|escaped| if escaped { "escapes" } else { "held" });
            println!(
                "shown: {role}: {what}: walk up {}, second chroot {}, leaked descriptor {}",
                words[0], words[1], words[2]
            );
            escaped
        };
        // Incorrect use of chroot(2): shows that the programs work.
        let bare = || chroot(dir.path()).expect("chroot");
        assert_eq!(shown("chroot(2) alone", escapes(bare, false)), [true; 3]);
        let chrooted = plan(Root::chroot(dir.path()));
        let chrooted = || chrooted.apply().expect("apply");
        assert_eq!(shown("chroot by name", escapes(chrooted, false)), [false, true, true]);
        assert_eq!(shown("chroot, rest closed", escapes(chrooted, true)), [false, true, false]);
        let pivoted = plan(Root::pivot(dir.path()));
        let pivoted = || pivoted.apply().expect("apply");
        assert_eq!(shown("pivot alone", escapes(pivoted, false)), [false, false, true]);
        assert_eq!(shown("pivot, rest closed (default)", escapes(pivoted, true)), [false; 3]);
    });
}
