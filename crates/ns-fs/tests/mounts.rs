//! Mounts below a new root against the real kernel.

mod common;

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::sync::atomic::{AtomicBool, Ordering};

use common::{
    Folder, in_a_user_namespace, in_own, in_own_mounts, in_own_pids, mounts_at, names, pivot, plan,
    refuse,
};
use linux_raw_sys::general::{__NR_mount_setattr, __NR_open_tree, __NR_openat2};
use ns_fs::{Mount, Root, Step, StepError};
use ns_sys::{Errno, UnshareFlags};
use ns_testbed::Leftovers;
use rustix::mount::{MountFlags, mount};

/// Everything a program expects, in a user namespace too.
#[test]
fn d11_a_minimal_dev() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::with("dev", &["proc"]);
        let plan = pivot(&folder, [Mount::proc("/proc"), Mount::dev("/dev").create()]);
        in_own_pids(|| {
            plan.apply().expect("apply");
            let wished = "fd full null ptmx pts random shm stderr stdin stdout tty urandom zero";
            assert_eq!(names("/dev").join(" "), wished);
            fs::write("/dev/null", "gone").expect("write");
            let mut bytes = [1; 4];
            fs::File::open("/dev/zero").expect("open").read_exact(&mut bytes).expect("read");
            assert_eq!(bytes, [0; 4]);
            let mut full = fs::OpenOptions::new().write(true).open("/dev/full").expect("open");
            assert_eq!(full.write(b"x").expect_err("full").kind(), ErrorKind::StorageFull);
            fs::File::open("/dev/ptmx").expect("a terminal");
            assert_eq!(names("/dev/pts"), ["ptmx"], "and gone again");
            assert!(fs::metadata("/dev/tty").expect("stat").file_type().is_char_device());
            let shm = fs::metadata("/dev/shm").expect("stat").permissions().mode();
            assert_eq!(shm & 0o7777, 0o1777);
            assert!(names("/dev/fd/.").contains(&"0".to_owned()));
        });
        assert_eq!(names(folder.path().to_str().expect("text")), ["dev", "proc"]);
    });
}

/// Each kernel file system where its namespace is the process's own.
#[test]
fn d11_kernel_file_systems() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::new("kernel");
        let [sys, mqueue] = [Mount::sysfs("/sys"), Mount::mqueue("/mqueue")].map(Mount::create);
        let mounts = [sys, mqueue, Mount::tmpfs("/tmp").data("mode=700").create()];
        let plan = pivot(&folder, mounts);
        in_own(UnshareFlags::NEWNET | UnshareFlags::NEWIPC, || {
            plan.apply().expect("apply");
            assert!(fs::exists("/sys/class/net/lo").expect("look"));
            assert_eq!(names("/mqueue"), [""; 0]);
            assert_eq!(fs::metadata("/tmp").expect("stat").permissions().mode() & 0o777, 0o700);
        });
    });
}

/// What a user namespace may not mount says which mount, and what the kernel said.
#[test]
fn d11_refusals_are_named() {
    ns_testbed::run_as!([User, Nested], {
        let folder = Folder::new("refused");
        let assert_told = |mount: Mount, errno| {
            let first = Mount::tmpfs("/tmp").create();
            let plan = pivot(&folder, [first, mount.create()]);
            in_own_mounts(|| {
                let error = StepError { step: Step::Mount(1), errno };
                assert_eq!(plan.apply(), Err(error));
            });
        };
        assert_told(Mount::sysfs("/sys"), Errno::PERM);
        assert_told(Mount::mqueue("/mqueue"), Errno::PERM);
        assert_told(Mount::devpts("/pts").data("gid=5"), Errno::INVAL);
        assert_told(Mount::bind("/", "/host"), Errno::INVAL);
    });
}

/// proc needs a pid namespace of its own, and an outer one of which nothing is masked; it is never
/// bound instead.
#[test]
fn d10_proc_is_proc_or_an_error() {
    ns_testbed::run_as!([User, Nested], {
        let folder = Folder::with("proc", &["proc"]);
        let plan = pivot(&folder, [Mount::proc("/proc")]);
        let refused = StepError { step: Step::Mount(0), errno: Errno::PERM };
        in_own_mounts(|| assert_eq!(plan.apply(), Err(refused), "the pid namespace is outer"));
    });
}

/// Where the outer proc is masked, a new one would show what the mask hides.
#[test]
fn d10_a_masked_proc_stays_masked() {
    ns_testbed::run_as!([Root, Nested], {
        let folder = Folder::with("masked", &["proc"]);
        let plan = pivot(&folder, [Mount::proc("/proc")]);
        in_own_mounts(|| {
            in_a_user_namespace(|| plan.apply().expect("nothing is masked"));
            let flags = MountFlags::empty();
            mount("none", "/proc/sys", "tmpfs", flags, None).expect("mask");
            let refused = StepError { step: Step::Mount(0), errno: Errno::PERM };
            in_a_user_namespace(|| assert_eq!(plan.apply(), Err(refused)));
        });
    });
}

/// A bind with each attribute, by the new calls and by each older way.
#[test]
fn d12_binds_and_their_attributes() {
    ns_testbed::run_as!([Root, User, Nested], {
        for missing in [&[][..], &[__NR_mount_setattr], &[__NR_open_tree, __NR_mount_setattr]] {
            let folder = Folder::with("bind", &["proc", "source/inner"]);
            fs::write(folder.path().join("source/file"), "text").expect("write");
            let source = folder.path().join("source");
            let closed = Mount::bind(&source, "/a/b").create().read_only().nosuid().nodev();
            let file = Mount::bind(source.join("file"), "/c/file").create().read_only();
            let open = Mount::bind(&source, "/open").create();
            let plan = pivot(&folder, [Mount::proc("proc"), closed.noexec(), file, open]);
            in_own_pids(|| {
                for number in missing {
                    refuse(*number, Errno::NOSYS);
                }
                plan.apply().expect("apply");
                let info = Leftovers::mountinfo();
                let options = &mounts_at("/a/b", &info)[0][5];
                assert!(options.starts_with("ro,nosuid,nodev,noexec"), "{options}");
                let error = fs::write("/c/file", "").expect_err("read-only");
                assert_eq!(error.kind(), ErrorKind::ReadOnlyFilesystem);
                assert_eq!(fs::read_to_string("/c/file").expect("read"), "text");
                fs::write("/open/new", "").expect("write");
            });
        }
    });
}

/// A recursive bind is read-only all the way down, or refused.
#[test]
fn d12_recursive_and_read_only() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::with("recursive", &["source/inner", "proc"]);
        let bind = Mount::bind(folder.path().join("source"), "/bound").create();
        let below = Mount::tmpfs("/source/inner");
        let mounts = [Mount::proc("proc"), below, bind.recursive().read_only()];
        for old in [false, true] {
            let mounts = mounts.iter().cloned().map(|mount| under(&folder, mount));
            let plan = plan(mounts.fold(Root::current(), Root::mount));
            in_own_pids(|| {
                if old {
                    refuse(__NR_mount_setattr, Errno::NOSYS);
                    let refused = StepError { step: Step::Mount(2), errno: Errno::NOSYS };
                    assert_eq!(plan.apply(), Err(refused));
                    return;
                }
                plan.apply().expect("apply");
                let file = folder.path().join("bound/inner/file");
                let error = fs::write(file, "").expect_err("read-only below too");
                assert_eq!(error.kind(), ErrorKind::ReadOnlyFilesystem);
            });
        }
    });
}

/// The same mount on the present root, below a folder.
fn under(folder: &Folder, mount: Mount) -> Mount {
    let inside = mount.target().strip_prefix("/").unwrap_or(mount.target()).to_owned();
    mount.with_target(folder.path().join(inside))
}

/// Changes go to the upper directory; names with signs of the options' own.
#[test]
fn overlays() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::with("over,lay:\\", &["a:b", "lower, two", "up:per", "wo,rk"]);
        let at = |name: &str| folder.path().join(name);
        fs::write(at("a:b/one"), "1").expect("write");
        fs::write(at("lower, two/two"), "2").expect("write");
        let lower = ["a:b", "lower, two"].map(at);
        let overlay = Mount::overlay("/o", lower.clone(), at("up:per"), at("wo,rk"));
        let overlay = overlay.data("userxattr").create();
        let plan = pivot(&folder, [overlay, Mount::overlay_read_only("/r", lower).create()]);
        in_own_mounts(|| {
            plan.apply().expect("apply");
            assert_eq!(names("/o"), ["one", "two"]);
            assert_eq!(names("/r"), ["one", "two"]);
            fs::write("/o/three", "3").expect("write");
            fs::write("/r/three", "3").expect_err("read-only");
        });
        assert_eq!(fs::read_to_string(at("up:per/three")).expect("read"), "3");
        // The kernel keeps a folder without permissions there.
        let _ = fs::set_permissions(at("wo,rk/work"), fs::Permissions::from_mode(0o700));
    });
}

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

/// What the caller may not search can be hidden all the same.
#[test]
fn d11_hiding_what_may_not_be_searched() {
    ns_testbed::run_as!([User, Nested], {
        if std::env::set_current_dir("/root").is_ok() {
            ns_testbed::skip!("/root may be searched by everybody here");
        }
        let plan = plan(Root::current().mount(Mount::tmpfs("/root")));
        in_own_mounts(|| {
            plan.apply().expect("apply");
            assert_eq!(names("/root"), [""; 0]);
        });
    });
}

/// A read-only `/dev` has everything in it, and takes nothing more.
#[test]
fn d11_a_read_only_dev() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::with("dev", &["proc"]);
        let plan = pivot(&folder, [Mount::proc("/proc"), Mount::dev("/dev").read_only().create()]);
        in_own_pids(|| {
            plan.apply().expect("apply");
            assert_eq!(names("/dev").len(), 13, "{:?}", names("/dev"));
            fs::write("/dev/null", "gone").expect("write");
            fs::write("/dev/shm/file", "kept").expect("shm is another mount");
            let error = fs::write("/dev/file", "no").expect_err("read-only");
            assert_eq!(error.kind(), ErrorKind::ReadOnlyFilesystem);
        });
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

/// A tree that cannot get its attributes, for want of mount_setattr, is not attached without them.
#[test]
fn d12_no_tree_without_its_attributes() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::with("tree", &["target"]);
        let bind = Mount::bind("/proc", "/target").recursive().read_only();
        for calls in [&[__NR_mount_setattr][..], &[__NR_mount_setattr, __NR_open_tree]] {
            let plan = pivot(&folder, [bind.clone()]);
            in_own_mounts(|| {
                for call in calls {
                    refuse(*call, Errno::NOSYS);
                }
                let error = plan.apply().expect_err("no attributes");
                assert_eq!(error, StepError { step: Step::Mount(0), errno: Errno::NOSYS });
                let target = format!("{}/target", folder.path().display()).replace(' ', "\\040");
                assert_eq!(mounts_at(&target, &Leftovers::mountinfo()).len(), 0);
            });
        }
    });
}

/// The older way keeps what it cannot say, and refuses to leave out what it is asked for.
#[test]
fn d12_the_older_way_loses_nothing() {
    ns_testbed::run_as!([Root, Nested], {
        const NOSYMFOLLOW: u64 = 8192;
        let folder = Folder::with("older", &["source", "target"]);
        let source = folder.path().join("source");
        in_own_mounts(|| {
            ns_fs::apply::propagation(ns_fs::Propagation::Private).expect("private");
            let flags = MountFlags::from_bits_retain(256);
            mount("none", &source, "tmpfs", flags, None).expect("tmpfs");
            refuse(__NR_mount_setattr, Errno::NOSYS);
            let bind = |attributes| {
                let source = std::ffi::CString::new(source.to_str().expect("text")).expect("C");
                let kind =
                    ns_fs::apply::MountKind::Bind { source: &source, recursive: false, attributes };
                let target = c"target";
                let wish = ns_fs::apply::Mount { index: 0, target, create: false, kind };
                let root = fs::File::open(folder.path()).expect("open");
                ns_fs::apply::mount(std::os::fd::AsFd::as_fd(&root), wish)
            };
            // MOUNT_ATTR_NOATIME, which a remount says in another way.
            assert_eq!(bind(0x10).expect_err("noatime").errno, Errno::NOSYS);
            bind(1).expect("read-only");
            let mounted = fs::File::open(folder.path().join("target")).expect("open");
            let told = ns_sys::child::fstatfs(std::os::fd::AsFd::as_fd(&mounted)).expect("statfs");
            assert_eq!(told.flags & (NOSYMFOLLOW | 1), NOSYMFOLLOW | 1);
        });
    });
}

/// An ordinary user whom the working directory is closed to, as `sudo -u` from `/root` leaves one, can
/// mount and stays there.
#[test]
fn d11_from_a_closed_directory() {
    ns_testbed::run_as!([Root], {
        let folder = Folder::new("closed");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).expect("chmod");
        std::env::set_current_dir(folder.path()).expect("chdir");
        let plan = plan(Root::current().mount(Mount::tmpfs("/tmp")));
        let code = ns_testbed::forked(|| {
            common::become_user();
            fs::metadata(".").expect_err("it is closed");
            plan.apply().expect("apply");
            assert_eq!(names("/tmp"), [""; 0]);
            assert_eq!(std::env::current_dir().expect("getcwd"), folder.path());
            0
        });
        assert_eq!(code, 0);
    });
}

/// The working directory is where it was after each kind of mount.
#[test]
fn a_mount_leaves_the_working_directory() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::with("stays", &["start", "new", "bound"]);
        let mounts = [Mount::tmpfs("/new"), Mount::bind(folder.path(), "/bound").recursive()];
        let mounts = mounts.map(|mount| under(&folder, mount));
        let plan = plan(mounts.into_iter().fold(Root::current(), Root::mount));
        let start = folder.path().join("start");
        in_own_mounts(|| {
            std::env::set_current_dir(&start).expect("chdir");
            plan.apply().expect("apply");
            assert_eq!(std::env::current_dir().expect("getcwd"), start);
        });
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
