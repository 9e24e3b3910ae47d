//! Targets that lead somewhere else, against the real kernel.

mod common;

use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};

use common::{Folder, in_own_mounts, in_own_pids, mounts_at, names, pivot};
use linux_raw_sys::general::__NR_openat2;
use ns_fs::apply::{self, MountKind};
use ns_fs::{Mount, Step, StepError};
use ns_sys::{Errno, UnshareFlags};
use ns_testbed::{Leftovers, refuse};
use rustix::mount::MountFlags;

/// Links that lead out lead to the new root's own, or are refused where openat2 is missing.
#[test]
fn d13_links_stay_inside() {
    ns_testbed::run_as!([Root, User, Nested], {
        let host = Folder::new("host");
        for old in [false, true] {
            let folder = Folder::with("links", &["inner", "proc"]);
            symlink(host.path(), folder.path().join("absolute")).expect("symlink");
            symlink("../../../../inner", folder.path().join("upward")).expect("symlink");
            for (name, told) in [("absolute", Errno::NOENT), ("absolute/x", Errno::NOENT)] {
                let plan = pivot(&folder, [Mount::tmpfs(name)]);
                in_own_mounts(|| {
                    let errno = if old { Errno::LOOP } else { told };
                    refuse_openat2(old);
                    let error = StepError { step: Step::MountTarget(0), errno };
                    assert_eq!(plan.apply(), Err(error), "{name}");
                    assert_eq!(mounts_below(&host), 0);
                });
            }
            let plan = pivot(&folder, [Mount::proc("proc"), Mount::tmpfs("upward")]);
            in_own_pids(|| {
                refuse_openat2(old);
                let told = plan.apply();
                let error = StepError { step: Step::MountTarget(1), errno: Errno::LOOP };
                assert_eq!(told, if old { Err(error) } else { Ok(()) });
                if !old {
                    assert_eq!(mounts_at("/inner", &Leftovers::mountinfo()).len(), 1);
                }
            });
        }
    });
}

fn refuse_openat2(old: bool) {
    if old {
        refuse(__NR_openat2, Errno::NOSYS);
    }
}

fn mounts_below(folder: &Folder) -> usize {
    // mountinfo writes a space as \040.
    let path = folder.path().to_str().expect("text").replace(' ', "\\040");
    Leftovers::mountinfo()
        .lines()
        .filter(|line| line.contains(&path))
        .filter(|line| line.contains("tmpfs"))
        .count()
}

/// Made directories too, with and without openat2.
#[test]
fn d13_what_is_made_is_made_inside() {
    ns_testbed::run_as!([Root, User, Nested], {
        for old in [false, true] {
            let folder = Folder::with("made", &["proc"]);
            let made = Mount::tmpfs("/a/b/c").create();
            let plan = pivot(&folder, [Mount::proc("/proc"), made]);
            in_own_pids(|| {
                refuse_openat2(old);
                plan.apply().expect("apply");
                assert_eq!(mounts_at("/a/b/c", &Leftovers::mountinfo()).len(), 1);
            });
            assert!(folder.path().join("a/b/c").is_dir());
        }
    });
}

/// A target that is a link to the host at one moment and a directory at the next: inside, or an
/// error, never on the host.
#[test]
fn d13_a_target_swapped_in_a_loop() {
    ns_testbed::run_as!([Root, Nested], {
        let host = Folder::new("host");
        let folder = Folder::with("swapped", &["proc", "directory"]);
        symlink(host.path(), folder.path().join("link")).expect("symlink");
        let [target, directory, link] =
            ["target", "directory", "link"].map(|name| folder.path().join(name));
        let stop = AtomicBool::new(false);
        let turns = if std::env::var_os("NS_PROVE").is_some() { 2_000 } else { 200 };
        let mut inside = 0;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    for other in [&directory, &link] {
                        fs::rename(other, &target).expect("rename");
                        fs::rename(&target, other).expect("rename back");
                    }
                }
            });
            for _ in 0..turns {
                let plan = pivot(&folder, [Mount::tmpfs("/target")]);
                let code = ns_testbed::forked(|| {
                    common::own_namespaces(UnshareFlags::empty());
                    match plan.apply() {
                        Ok(()) => 0,
                        Err(StepError { step: Step::MountTarget(0), .. }) => {
                            1 + i32::from(mounts_below(&host) > 0)
                        }
                        Err(_) => 3,
                    }
                });
                assert!(code <= 1, "{code}");
                inside += 1 - code;
            }
            stop.store(true, Ordering::Relaxed);
        });
        println!(
            "shown: {turns} mounts on a target swapped in a loop: {inside} inside, the others refused, none on the host"
        );
    });
}

/// On the root itself nobody would see a mount; a link that leads there is no way round.
#[test]
fn d13_a_target_that_is_the_root() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::with("itself", &["data"]);
        symlink("/", folder.path().join("link")).expect("symlink");
        symlink("../../data/..", folder.path().join("dots")).expect("symlink");
        for target in ["/link", "/dots"] {
            for mount in [Mount::tmpfs(target), Mount::bind("/proc", target).recursive()] {
                in_own_mounts(|| {
                    let error = pivot(&folder, [mount]).apply().expect_err("the root");
                    assert_eq!(error, StepError { step: Step::MountTarget(0), errno: Errno::BUSY });
                });
            }
        }
    });
}

/// The same directory through another mount is not the root itself.
#[test]
fn d13_the_root_bound_below_itself() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::with("twice", &["again"]);
        let again = Mount::bind(folder.path(), "/again").recursive();
        let plan = pivot(&folder, [again, Mount::tmpfs("/again")]);
        in_own_mounts(|| {
            plan.apply().expect("apply");
            assert_eq!(names("/again"), [""; 0]);
        });
    });
}

/// Without openat2 a name that is none is passed over, and the way up refused.
#[test]
fn d13_names_that_are_none() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::with("names", &["a/b"]);
        in_own_mounts(|| {
            // Of this mount namespace, as mount(2) wants it.
            let root = fs::File::open(folder.path()).expect("open");
            let mount = |target| {
                let (flags, data) = (MountFlags::empty(), None);
                let kind = MountKind::New { fs_type: c"tmpfs", source: c"none", flags, data };
                apply::mount(root.as_fd(), apply::Mount { index: 0, target, create: false, kind })
            };
            refuse(__NR_openat2, Errno::NOSYS);
            let error = StepError { step: Step::MountTarget(0), errno: Errno::XDEV };
            assert_eq!(mount(c"a/../a/b"), Err(error));
            assert_eq!(mount(c"./a//b/."), Ok(()));
            assert_eq!(mounts_below(&folder), 1);
        });
    });
}
