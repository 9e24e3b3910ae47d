//! The host's mounts are the same before and after, whatever fails in between.

mod common;

use std::fs;
use std::time::Duration;

use common::{Folder, own_namespaces, pivot};
use linux_raw_sys::general::{
    __NR_chdir, __NR_fchdir, __NR_getcwd, __NR_mkdirat, __NR_mount, __NR_mount_setattr,
    __NR_move_mount, __NR_open_tree, __NR_openat2, __NR_pivot_root, __NR_symlinkat, __NR_umount2,
};
use ns_fs::{Mount, Root, RootPlan, Workdir};
use ns_sys::{Errno, UnshareFlags};
use ns_testbed::{Leftovers, SharedMount, forked, refuse};

/// Every call that the apply half makes, by its name.
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

/// A plan that makes all of them, below a shared mount.
fn everything(shared: &SharedMount) -> RootPlan {
    let root = shared.path().join("root");
    fs::create_dir_all(&root).expect("mkdir");
    let bind = Mount::bind("/usr", "/usr").recursive().read_only().create();
    let mounts = [bind, Mount::dev("/dev").create(), Mount::tmpfs("/tmp").create()];
    let root = mounts.into_iter().fold(Root::pivot(root).read_only(), Root::mount);
    RootPlan::new(root, Workdir::new("/tmp/made").create()).expect("plan")
}

/// Success, and a failure at each call: the steps say so, and the host sees nothing.
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

/// A child killed at any moment, as when its parent dies: nothing shows either, and what was mounted
/// on the host stays.
#[test]
fn d07_killed_in_the_middle() {
    ns_testbed::run_as!([Root, Nested], {
        let shared = SharedMount::new();
        let plan = everything(&shared);
        let before = Leftovers::mountinfo();
        let turns = if std::env::var_os("NS_PROVE").is_some() { 300 } else { 30 };
        for turn in 0..turns {
            let code = forked(|| {
                let child = std::process::id();
                std::thread::spawn(move || {
                    std::thread::sleep(Duration::from_micros(turn * 2_000 / turns));
                    let child = rustix::process::Pid::from_raw(child.cast_signed());
                    rustix::process::kill_process(
                        child.expect("a pid"),
                        rustix::process::Signal::KILL,
                    )
                });
                // The thread that mounts has its own copy of the mounts.
                forked(|| {
                    own_namespaces(UnshareFlags::empty());
                    rustix::process::set_parent_process_death_signal(Some(
                        rustix::process::Signal::KILL,
                    ))
                    .expect("prctl");
                    i32::from(plan.apply().is_err())
                });
                // However late the thread comes on a busy machine.
                std::thread::sleep(Duration::from_secs(60));
                0
            });
            assert_eq!(code, 128 + 9, "killed");
            assert_eq!(before, Leftovers::mountinfo());
        }
        // Those whose parent was killed first are reaped by init; the guard waits for nobody.
        println!("shown: mountinfo byte-identical after {turns} parents killed in the middle");
    });
}

/// A pivot on a plain directory that is in use by nobody leaves it as it was.
#[test]
fn d08_the_new_root_is_left_as_it_was() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::with("left", &["proc"]);
        let plan = pivot(&folder, [Mount::tmpfs("/proc"), Mount::tmpfs("/missing")]);
        let code = forked(|| {
            own_namespaces(UnshareFlags::empty());
            i32::from(plan.apply().is_ok())
        });
        assert_eq!(code, 0);
        assert_eq!(fs::read_dir(folder.path()).expect("list").count(), 1);
    });
}
