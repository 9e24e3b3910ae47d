//! No step of the apply half allocates: a global allocator ends the child if one does.
#![allow(unsafe_code, reason = "closing by number")]

mod common;

use common::{Folder, own_namespaces};
use linux_raw_sys::general::{__NR_close_range, __NR_mount_setattr, __NR_open_tree, __NR_openat2};
use ns_fs::{Descriptors, FdPlan, Mount, Root, RootPlan, Stdio, Workdir, apply};
use ns_sys::child::exit_group;
use ns_sys::{Errno, UnshareFlags};
use ns_testbed::{WatchedHeap, forked, refuse};

#[global_allocator]
static HEAP: WatchedHeap = WatchedHeap::new();

/// Runs `steps` watched, in namespaces of its own without the calls in `missing`.
fn watched(missing: &[u32], steps: impl Fn()) -> i32 {
    forked(|| {
        own_namespaces(UnshareFlags::NEWPID);
        forked(|| {
            for number in missing {
                refuse(*number, Errno::NOSYS);
            }
            HEAP.forbid();
            steps();
            exit_group(0)
        })
    })
}

fn fds() -> FdPlan {
    let mut wish = Descriptors::new();
    wish.stdin(Stdio::null()).stdout(Stdio::borrowed(common::borrow(2)));
    wish.stderr(Stdio::borrowed(common::borrow(1))).keep(9);
    FdPlan::new(&wish).expect("plan")
}

fn root(folder: &Folder, mounts: &[Mount]) -> RootPlan {
    let root = mounts.iter().cloned().fold(Root::pivot(folder.path()).read_only(), Root::mount);
    RootPlan::new(root, Workdir::new("/tmp/made").create()).expect("plan")
}

/// Over every step there is, the older ways too.
#[test]
fn no_step_allocates() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::with("heap", &["proc", "tmp"]);
        let bind = Mount::bind("/dev/null", "/null").read_only().create();
        let mounts = [Mount::proc("/proc"), Mount::dev("/dev").create(), bind];
        let root = root(&folder, &[mounts.as_slice(), &[Mount::tmpfs("/tmp")]].concat());
        let fds = fds();
        let older = [__NR_openat2, __NR_open_tree, __NR_mount_setattr, __NR_close_range];
        for missing in [&[][..], &older] {
            let code = watched(missing, || {
                let done = root.apply().is_ok();
                // SAFETY: this child uses no descriptor again.
                let placed = unsafe { apply::place_fds(fds.steps()) };
                // SAFETY: as above.
                let closed = unsafe { apply::close_rest(fds.ranges()) };
                exit_group(i32::from(!done || placed.is_err() || closed.is_err()));
            });
            assert_eq!(code, 0, "without {missing:?}");
        }
    });
}

/// Failures do not allocate either, nor do the steps that stand alone.
#[test]
fn no_failure_allocates() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::new("heap");
        let root = root(&folder, &[Mount::tmpfs("/missing")]);
        let code = watched(&[], || {
            let alone = apply::mount_proc().and_then(|()| apply::enter_new_root(c"/proc"));
            let failed = root.apply().is_err() && apply::workdir(c"/nope", false).is_err();
            let chrooted = apply::chroot_here();
            exit_group(i32::from(alone.is_err() || !failed || chrooted.is_err()));
        });
        assert_eq!(code, 0);
    });
}

/// The allocator bites.
#[test]
fn the_allocator_bites() {
    ns_testbed::run_as!([Root], {
        assert_eq!(watched(&[], || drop(std::hint::black_box(vec![0_u8; 16]))), WatchedHeap::CODE);
    });
}
