//! Mounts below a new root against the real kernel.

mod common;

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};

use common::{
    Folder, in_a_user_namespace, in_own, in_own_mounts, in_own_pids, mounts_at, names, pivot, plan,
    under,
};
use ns_fs::{Mount, Root, Step, StepError};
use ns_sys::{Errno, UnshareFlags};
use ns_testbed::Leftovers;
use rustix::mount::{MountFlags, mount};

/// Everything a program expects, in a user namespace too.
#[test]
fn d11_a_minimal_dev() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::with("dev", &["proc"]);
        let tmpfs = Mount::tmpfs("/tmp").create();
        let plan = pivot(&folder, [Mount::proc("/proc"), Mount::dev("/dev").create(), tmpfs]);
        in_own_pids(|| {
            plan.apply().expect("apply");
            for (place, flags) in [
                ("/proc", "rw,nosuid,nodev,noexec"),
                ("/dev", "rw,nosuid,noexec"),
                ("/dev/null", "rw,nosuid,noexec"),
                ("/dev/pts", "rw,nosuid,noexec"),
                ("/dev/shm", "rw,nosuid,nodev,noexec"),
                ("/tmp", "rw,nosuid,nodev"),
            ] {
                assert_eq!(flags_at(place), flags, "{place}");
            }
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
        assert_eq!(names(folder.path().to_str().expect("text")), ["dev", "proc", "tmp"]);
    });
}

/// The flags of the mount at `path`, without those about times.
fn flags_at(path: &str) -> String {
    let told = mounts_at(path, &Leftovers::mountinfo())[0][5].clone();
    told.split(',').filter(|flag| !flag.contains("time")).collect::<Vec<_>>().join(",")
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

/// What the caller may not search can be hidden all the same; what lies in there is out of reach, by name.
#[test]
fn d11_hiding_what_may_not_be_searched() {
    ns_testbed::run_as!([Root], {
        let folder = Folder::with("hidden", &["closed/inner"]);
        let closed = folder.path().join("closed");
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o0)).expect("chmod");
        let with = |target| plan(Root::current().mount(Mount::tmpfs(target)));
        let (hidden, inner) = (with(closed.clone()), with(closed.join("inner")));
        let code = ns_testbed::forked(|| {
            common::become_user();
            let error = StepError { step: Step::MountTarget(0), errno: Errno::ACCESS };
            assert_eq!(inner.apply(), Err(error));
            hidden.apply().expect("apply");
            assert_eq!(names(closed.to_str().expect("text")), [""; 0]);
            0
        });
        assert_eq!(code, 0);
    });
}

/// sysfs and mqueue are one file system a namespace, which lies once in a place.
#[test]
fn d11_the_same_file_system_twice() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::with("twice", &["sys", "mqueue"]);
        for mount in [Mount::sysfs("/sys"), Mount::mqueue("/mqueue")] {
            let plan = pivot(&folder, [mount.clone(), mount]);
            in_own(UnshareFlags::NEWNET | UnshareFlags::NEWIPC, || {
                let error = StepError { step: Step::Mount(1), errno: Errno::BUSY };
                assert_eq!(plan.apply(), Err(error));
            });
        }
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
