//! Targets with symbolic links.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};

use linux_raw_sys::general::__NR_openat2;
use ns_fs::{Mount, Step, StepError, resolve_in_root};
use ns_sys::{Errno, UnshareFlags};
use ns_testbed::{Leftovers, forked, refuse};

use crate::fixture::{
    TempDir, in_own_mounts, in_own_pids, mounts_at, names, own_namespaces, pivot,
};

/// Symbolic links are resolved inside the new root; without openat2(2) they are errors.
#[test]
fn d13_links_stay_inside() {
    ns_testbed::run_as!([Root, User, Nested], {
        let host = TempDir::new("host");
        for old in [false, true] {
            let dir = TempDir::with("links", &["inner", "proc"]);
            symlink(host.path(), dir.path().join("absolute")).expect("symlink");
            symlink("../../../../inner", dir.path().join("upward")).expect("symlink");
            for (name, errno) in [("absolute", Errno::NOENT), ("absolute/x", Errno::NOENT)] {
                let plan = pivot(&dir, [Mount::tmpfs(name)]);
                in_own_mounts(|| {
                    let errno = if old { Errno::LOOP } else { errno };
                    refuse_openat2(old);
                    let error = StepError { step: Step::MountTarget(0), errno };
                    assert_eq!(plan.apply(), Err(error), "{name}");
                    assert_eq!(mounts_below(&host), 0);
                });
            }
            let plan = pivot(&dir, [Mount::proc("proc"), Mount::tmpfs("upward")]);
            in_own_pids(|| {
                refuse_openat2(old);
                let result = plan.apply();
                let error = StepError { step: Step::MountTarget(1), errno: Errno::LOOP };
                assert_eq!(result, if old { Err(error) } else { Ok(()) });
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

fn mounts_below(dir: &TempDir) -> usize {
    // mountinfo writes a space as \040.
    let path = dir.path().to_str().expect("UTF-8").replace(' ', "\\040");
    Leftovers::mountinfo()
        .lines()
        .filter(|line| line.contains(&path))
        .filter(|line| line.contains("tmpfs"))
        .count()
}

/// Missing targets are created inside the new root, with and without openat2(2).
#[test]
fn d13_targets_are_created_inside() {
    ns_testbed::run_as!([Root, User, Nested], {
        for old in [false, true] {
            let dir = TempDir::with("create", &["proc"]);
            let create = Mount::tmpfs("/a/b/c").create();
            let plan = pivot(&dir, [Mount::proc("/proc"), create]);
            in_own_pids(|| {
                refuse_openat2(old);
                plan.apply().expect("apply");
                assert_eq!(mounts_at("/a/b/c", &Leftovers::mountinfo()).len(), 1);
            });
            assert!(dir.path().join("a/b/c").is_dir());
        }
    });
}

/// Another thread swaps the target between a directory and a link to the host: the mount is inside or an
/// error, never on the host.
#[test]
fn d13_a_target_swapped_in_a_loop() {
    ns_testbed::run_as!([Root, Nested], {
        let host = TempDir::new("host");
        let dir = TempDir::with("swapped", &["proc", "directory"]);
        symlink(host.path(), dir.path().join("link")).expect("symlink");
        let [target, directory, link] =
            ["target", "directory", "link"].map(|name| dir.path().join(name));
        let stop = AtomicBool::new(false);
        let turns = if std::env::var_os("NS_STRESS").is_some() { 2_000 } else { 200 };
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
                let plan = pivot(&dir, [Mount::tmpfs("/target")]);
                let code = forked(|| {
                    own_namespaces(UnshareFlags::empty());
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

/// A target that is the root itself is an error, also through a symbolic link.
#[test]
fn d13_a_target_that_is_the_root() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("itself", &["data"]);
        symlink("/", dir.path().join("link")).expect("symlink");
        symlink("../../data/..", dir.path().join("dots")).expect("symlink");
        for target in ["/link", "/dots"] {
            for mount in [Mount::tmpfs(target), Mount::bind("/proc", target).recursive()] {
                in_own_mounts(|| {
                    let error = pivot(&dir, [mount]).apply().expect_err("the root");
                    assert_eq!(error, StepError { step: Step::MountTarget(0), errno: Errno::BUSY });
                });
            }
        }
    });
}

/// The root's directory seen through another mount is not the root itself.
#[test]
fn d13_the_root_bound_below_itself() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("twice", &["again"]);
        let again = Mount::bind(dir.path(), "/again").recursive();
        let plan = pivot(&dir, [again, Mount::tmpfs("/again")]);
        in_own_mounts(|| {
            plan.apply().expect("apply");
            assert_eq!(names("/again"), [""; 0]);
        });
    });
}

/// Without openat2(2), `.` and empty names are skipped, and `..` is an error.
#[test]
fn d13_dots_and_empty_names() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("names", &["a/b"]);
        let root = fs::File::open(dir.path()).expect("open");
        let code = forked(|| {
            refuse(__NR_openat2, Errno::NOSYS);
            let error = resolve_in_root(&root, "a/../a/b").expect_err("dots");
            assert_eq!(error.raw_os_error(), Some(Errno::XDEV.raw_os_error()));
            resolve_in_root(&root, "./a//b/.").expect("resolve");
            0
        });
        assert_eq!(code, 0);
    });
}

/// The links of proc, which lead to other roots, are refused, with and without openat2(2).
#[test]
fn d13_links_of_proc() {
    ns_testbed::run_as!([Root, User, Nested], {
        let root = fs::File::open("/").expect("open");
        for old in [false, true] {
            let code = forked(|| {
                refuse_openat2(old);
                for path in ["/proc/self/root", "proc/self/cwd/.", "/proc/thread-self/exe"] {
                    let error = resolve_in_root(&root, path).expect_err(path);
                    assert_eq!(error.raw_os_error(), Some(Errno::LOOP.raw_os_error()), "{path}");
                }
                0
            });
            assert_eq!(code, 0);
        }
    });
}
