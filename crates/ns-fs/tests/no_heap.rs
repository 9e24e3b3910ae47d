//! No step of the apply half allocates.
//!
//! This is a separate test binary, because it replaces the global allocator: a child that allocates exits
//! with an error.
#![allow(unsafe_code, reason = "closing by number")]

#[expect(dead_code, reason = "these tests need a part of it")]
#[path = "kernel/fixture.rs"]
mod fixture;

#[path = "no_heap/mounts.rs"]
mod mounts;

use linux_raw_sys::general::{__NR_close_range, __NR_mount_setattr, __NR_open_tree, __NR_openat2};
use ns_fs::{Descriptors, FdPlan, Mount, Root, RootPlan, Stdio, Workdir, apply};
use ns_sys::child::exit_group;
use ns_sys::{Errno, UnshareFlags};
use ns_testbed::{WatchedHeap, forked, refuse};

use fixture::{TempDir, borrow, own_namespaces};

#[global_allocator]
static HEAP: WatchedHeap = WatchedHeap::new();

/// Runs `steps` in new namespaces, without the system calls in `missing`. It exits with
/// [`WatchedHeap::CODE`] if they allocate.
fn watched(missing: &[u32], steps: impl Fn()) -> i32 {
    watched_with(missing, || (), |()| steps())
}

/// As [`watched`]; `make` runs there before, and may allocate.
fn watched_with<T>(missing: &[u32], make: impl Fn() -> T, steps: impl Fn(T)) -> i32 {
    forked(|| {
        own_namespaces(UnshareFlags::NEWPID);
        forked(|| {
            for number in missing {
                refuse(*number, Errno::NOSYS);
            }
            let made = make();
            HEAP.forbid();
            steps(made);
            exit_group(0)
        })
    })
}

fn fds() -> FdPlan {
    let mut descriptors = Descriptors::new();
    descriptors.stdin(Stdio::null()).stdout(Stdio::borrowed(borrow(2)));
    descriptors.stderr(Stdio::borrowed(borrow(1))).keep(9);
    FdPlan::new(&descriptors).expect("plan")
}

fn root(dir: &TempDir, mounts: &[Mount]) -> RootPlan {
    let root = mounts.iter().cloned().fold(Root::pivot(dir.path()).read_only(), Root::mount);
    RootPlan::new(root, Workdir::new("/tmp/made").create()).expect("plan")
}

/// Covers every step, and every fallback.
#[test]
fn no_step_allocates() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("heap", &["proc", "tmp"]);
        let bind = Mount::bind("/dev/null", "/null").read_only().create();
        let mounts = [Mount::proc("/proc"), Mount::dev("/dev").create(), bind];
        let root = root(&dir, &[mounts.as_slice(), &[Mount::tmpfs("/tmp")]].concat());
        let fds = fds();
        let newer = [__NR_openat2, __NR_open_tree, __NR_mount_setattr, __NR_close_range];
        for missing in [&[][..], &newer] {
            let code = watched(missing, || {
                let done = root.apply().is_ok();
                // SAFETY: this child uses no descriptor afterwards.
                let placed = unsafe { apply::place_fds(fds.steps()) };
                let flagged = apply::close_rest_on_exec(fds.ranges());
                // SAFETY: as above.
                let closed = unsafe { apply::close_rest(fds.ranges()) };
                let results = [placed, flagged, closed];
                exit_group(i32::from(!done || results.iter().any(Result::is_err)));
            });
            assert_eq!(code, 0, "without {missing:?}");
        }
    });
}

/// Failures do not allocate, nor do the steps outside a plan.
#[test]
fn no_failure_allocates() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::new("heap");
        let root = root(&dir, &[Mount::tmpfs("/missing")]);
        let code = watched(&[], || {
            let alone = apply::mount_proc().and_then(|()| apply::enter_new_root(c"/proc"));
            let failed = root.apply().is_err() && apply::workdir(c"/nope", false).is_err();
            let chrooted = apply::chroot_here();
            // As a closure of std's `pre_exec` returns it.
            let error = apply::workdir(c"/nope", false).map_err(std::io::Error::from);
            let failed = failed && error.is_err_and(|error| error.raw_os_error() == Some(2));
            exit_group(i32::from(alone.is_err() || !failed || chrooted.is_err()));
        });
        assert_eq!(code, 0);
    });
}

/// A terminal and its mount on the console do not allocate, nor do their failures.
#[test]
fn no_console_allocates() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("heap", &["dev", "tmp"]);
        let root = root(&dir, &[Mount::dev("/dev"), Mount::tmpfs("/tmp")]);
        let code = watched(&[], || {
            let applied = root.apply().is_ok();
            let console = apply::open_console().expect("a terminal");
            let mounted = apply::mount_console(borrow(console.terminal)).is_ok();
            let elsewhere = apply::enter_new_root(c"/tmp").and_then(|()| apply::chroot_here());
            let failed = elsewhere.is_ok() && apply::open_console().is_err();
            let failed = failed && apply::mount_console(borrow(console.terminal)).is_err();
            exit_group(i32::from(!applied || !mounted || !failed));
        });
        assert_eq!(code, 0);
    });
}

/// A copy of the target does not allocate, nor does one that fails.
#[test]
fn no_copy_allocates() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("heap", &["data/a/b", "tmp"]);
        std::fs::write(dir.path().join("data/a/file"), "text").expect("write");
        std::os::unix::fs::symlink("a", dir.path().join("data/link")).expect("symlink");
        let copy = || Mount::tmpfs("/data").copy_up().read_only();
        let copied = root(&dir, &[Mount::tmpfs("/tmp"), copy()]);
        let too_large = root(&dir, &[Mount::tmpfs("/tmp"), copy().data("nr_inodes=3")]);
        for missing in [&[][..], &[__NR_openat2, __NR_mount_setattr]] {
            let code = watched(missing, || exit_group(i32::from(copied.apply().is_err())));
            assert_eq!(code, 0, "without {missing:?}");
            let code = watched(missing, || exit_group(i32::from(too_large.apply().is_ok())));
            assert_eq!(code, 0, "without {missing:?}");
        }
    });
}

/// The allocator detects an allocation.
#[test]
fn the_allocator_detects_an_allocation() {
    ns_testbed::run_as!([Root], {
        assert_eq!(watched(&[], || drop(std::hint::black_box(vec![0_u8; 16]))), WatchedHeap::CODE);
    });
}
