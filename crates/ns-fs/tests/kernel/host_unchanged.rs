//! The host's mounts do not change, whichever step fails.

use std::fs;
use std::time::Duration;

use linux_raw_sys::general::{
    __NR_chdir, __NR_fchdir, __NR_getcwd, __NR_mkdirat, __NR_mount, __NR_mount_setattr,
    __NR_move_mount, __NR_open_tree, __NR_openat2, __NR_pivot_root, __NR_symlinkat, __NR_umount2,
};
use ns_fs::{Mount, Root, RootPlan, Workdir};
use ns_sys::{Errno, UnshareFlags};
use ns_testbed::{Leftovers, SharedMount, forked, refuse};
use rustix::process::{Pid, Signal, kill_process, set_parent_process_death_signal};

use crate::fixture::{TempDir, own_namespaces, pivot};

/// The system calls of the apply half.
const CALLS: [(&str, u32); 12] = [
    ("mount", __NR_mount),
    ("chdir", __NR_chdir),
    ("openat2", __NR_openat2),
    ("mkdirat", __NR_mkdirat),
    ("fchdir", __NR_fchdir),
    ("open_tree", __NR_open_tree),
    ("mount_setattr", __NR_mount_setattr),
    ("move_mount", __NR_move_mount),
    ("symlinkat", __NR_symlinkat),
    ("pivot_root", __NR_pivot_root),
    ("umount2", __NR_umount2),
    ("getcwd", __NR_getcwd),
];

/// A plan that makes all these system calls, below a shared mount.
fn everything(shared: &SharedMount) -> RootPlan {
    let root = shared.path().join("root");
    fs::create_dir_all(&root).expect("mkdir");
    let bind = Mount::bind("/usr", "/usr").recursive().read_only().create();
    let mounts = [bind, Mount::dev("/dev").create(), Mount::tmpfs("/tmp").create()];
    let root = mounts.into_iter().fold(Root::pivot(root).read_only(), Root::mount);
    RootPlan::new(root, Workdir::new("/tmp/made").create()).expect("plan")
}

/// After success, and after a failure of each system call, the host's mountinfo is unchanged.
#[test]
fn d08_failures_leave_no_mount() {
    ns_testbed::run_as!([Root, Nested], {
        let shared = SharedMount::new();
        let plan = everything(&shared);
        let before = Leftovers::mountinfo();
        let apply = |refused: Option<u32>| {
            forked(|| {
                own_namespaces(UnshareFlags::empty());
                if let Some(number) = refused {
                    refuse(number, Errno::IO);
                }
                match plan.apply() {
                    Ok(()) => 0,
                    Err(error) if error.errno == Errno::IO => 1,
                    Err(_) => 2,
                }
            })
        };
        assert_eq!(apply(None), 0);
        assert_eq!(before, Leftovers::mountinfo(), "success");
        for (name, number) in CALLS {
            fs::remove_dir_all(shared.path().join("root")).expect("remove");
            fs::create_dir(shared.path().join("root")).expect("mkdir");
            assert_eq!(apply(Some(number)), 1, "{name}");
            assert_eq!(before, Leftovers::mountinfo(), "{name}");
        }
        println!(
            "shown: mountinfo byte-identical after success and a failure at each of {} calls",
            CALLS.len()
        );
    });
}

/// A child is killed at a random time, by its parent-death signal: the host's mountinfo is unchanged.
#[test]
fn d07_killed_in_the_middle() {
    ns_testbed::run_as!([Root, Nested], {
        let shared = SharedMount::new();
        let plan = everything(&shared);
        let before = Leftovers::mountinfo();
        let turns = if std::env::var_os("NS_STRESS").is_some() { 300 } else { 30 };
        for turn in 0..turns {
            let code = forked(|| {
                let child = std::process::id();
                std::thread::spawn(move || {
                    std::thread::sleep(Duration::from_micros(turn * 2_000 / turns));
                    let child = Pid::from_raw(child.cast_signed());
                    kill_process(child.expect("a process ID"), Signal::KILL)
                });
                // A second process mounts, in its own mount namespace.
                forked(|| {
                    own_namespaces(UnshareFlags::empty());
                    set_parent_process_death_signal(Some(Signal::KILL)).expect("prctl");
                    i32::from(plan.apply().is_err())
                });
                // The thread may be late on a busy machine.
                std::thread::sleep(Duration::from_secs(60));
                0
            });
            assert_eq!(code, 128 + 9, "killed");
            assert_eq!(before, Leftovers::mountinfo());
        }
        // init reaps the children whose parent was killed first.
        println!("shown: mountinfo byte-identical after {turns} parents killed in the middle");
    });
}

/// A failed pivot leaves the directory of the new root unchanged.
#[test]
fn d08_the_new_root_is_unchanged() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("left", &["proc"]);
        let plan = pivot(&dir, [Mount::tmpfs("/proc"), Mount::tmpfs("/missing")]);
        let code = forked(|| {
            own_namespaces(UnshareFlags::empty());
            i32::from(plan.apply().is_ok())
        });
        assert_eq!(code, 0);
        assert_eq!(fs::read_dir(dir.path()).expect("list").count(), 1);
    });
}
