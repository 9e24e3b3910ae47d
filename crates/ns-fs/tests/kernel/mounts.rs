//! Mounts below a new root.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};

use ns_fs::{Mount, MountAttrs, Root, Step, StepError};
use ns_sys::{Errno, UnshareFlags};
use ns_testbed::{Leftovers, forked};
use rustix::mount::{MountFlags, mount};

use crate::fixture::{
    TempDir, become_user, in_a_user_namespace, in_own, in_own_mounts, in_own_pids, mounts_at,
    names, pivot, plan, under,
};

/// `/dev` contains what programs expect, also in a user namespace.
#[test]
fn d11_a_minimal_dev() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("dev", &["proc"]);
        let tmpfs = Mount::tmpfs("/tmp").create();
        let plan = pivot(&dir, [Mount::proc("/proc"), Mount::dev("/dev").create(), tmpfs]);
        in_own_pids(|| {
            plan.apply().expect("apply");
            for (target, flags) in [
                ("/proc", "rw,nosuid,nodev,noexec"),
                ("/dev", "rw,nosuid,noexec"),
                ("/dev/null", "rw,nosuid,noexec"),
                ("/dev/pts", "rw,nosuid,noexec"),
                ("/dev/shm", "rw,nosuid,nodev,noexec"),
                ("/tmp", "rw,nosuid,nodev"),
            ] {
                assert_eq!(flags_at(target), flags, "{target}");
            }
            let expected = "fd full null ptmx pts random shm stderr stdin stdout tty urandom zero";
            assert_eq!(names("/dev").join(" "), expected);
            fs::write("/dev/null", "text").expect("write");
            let mut bytes = [1; 4];
            fs::File::open("/dev/zero").expect("open").read_exact(&mut bytes).expect("read");
            assert_eq!(bytes, [0; 4]);
            let mut full = fs::OpenOptions::new().write(true).open("/dev/full").expect("open");
            assert_eq!(full.write(b"x").expect_err("full").kind(), ErrorKind::StorageFull);
            fs::File::open("/dev/ptmx").expect("open a terminal");
            assert_eq!(names("/dev/pts"), ["ptmx"], "the terminal is closed");
            assert!(fs::metadata("/dev/tty").expect("stat").file_type().is_char_device());
            let shm = fs::metadata("/dev/shm").expect("stat").permissions().mode();
            assert_eq!(shm & 0o7777, 0o1777);
            assert!(names("/dev/fd/.").contains(&"0".to_owned()));
        });
        assert_eq!(names(dir.path().to_str().expect("text")), ["dev", "proc", "tmp"]);
    });
}

/// The flags of the mount at `path`, except `relatime` and similar.
fn flags_at(path: &str) -> String {
    let flags = mounts_at(path, &Leftovers::mountinfo())[0][5].clone();
    flags.split(',').filter(|flag| !flag.contains("time")).collect::<Vec<_>>().join(",")
}

/// sysfs and mqueue, with new network and ipc namespaces.
#[test]
fn d11_kernel_file_systems() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::new("kernel");
        let [sys, mqueue] = [Mount::sysfs("/sys"), Mount::mqueue("/mqueue")].map(Mount::create);
        let mounts = [sys, mqueue, Mount::tmpfs("/tmp").data("mode=700").create()];
        let plan = pivot(&dir, mounts);
        in_own(UnshareFlags::NEWNET | UnshareFlags::NEWIPC, || {
            plan.apply().expect("apply");
            assert!(fs::exists("/sys/class/net/lo").expect("stat"));
            assert_eq!(names("/mqueue"), [""; 0]);
            assert_eq!(fs::metadata("/tmp").expect("stat").permissions().mode() & 0o777, 0o700);
        });
    });
}

/// The error of a mount that is not allowed in a user namespace names the mount and the errno.
#[test]
fn d11_errors_name_the_mount() {
    ns_testbed::run_as!([User, Nested], {
        let dir = TempDir::new("refused");
        let source = Step::MountSource { mount: 1, source: 0 };
        let assert_error = |mount: Mount, step, errno| {
            let first = Mount::tmpfs("/tmp").create();
            let plan = pivot(&dir, [first, mount.create()]);
            in_own_mounts(|| {
                assert_eq!(plan.apply(), Err(StepError { step, errno }));
            });
        };
        assert_error(Mount::sysfs("/sys"), Step::Mount(1), Errno::PERM);
        assert_error(Mount::mqueue("/mqueue"), Step::Mount(1), Errno::PERM);
        assert_error(Mount::devpts("/pts").data("gid=5"), Step::Mount(1), Errno::INVAL);
        assert_error(Mount::bind("/", "/host"), source, Errno::INVAL);
    });
}

/// In a user namespace proc needs a new pid namespace; without one it is an error, and not a bind.
#[test]
fn d10_proc_is_never_bound_instead() {
    ns_testbed::run_as!([User, Nested], {
        let dir = TempDir::with("proc", &["proc"]);
        let plan = pivot(&dir, [Mount::proc("/proc")]);
        let refused = StepError { step: Step::Mount(0), errno: Errno::PERM };
        in_own_mounts(|| assert_eq!(plan.apply(), Err(refused), "no new pid namespace"));
    });
}

/// A new proc is refused where the outer one is masked, because it would show what the mask hides.
#[test]
fn d10_a_masked_proc_stays_masked() {
    ns_testbed::run_as!([Root, Nested], {
        let dir = TempDir::with("masked", &["proc"]);
        let plan = pivot(&dir, [Mount::proc("/proc")]);
        in_own_mounts(|| {
            in_a_user_namespace(|| plan.apply().expect("nothing is masked"));
            let flags = MountFlags::empty();
            mount("none", "/proc/sys", "tmpfs", flags, None).expect("mask");
            let refused = StepError { step: Step::Mount(0), errno: Errno::PERM };
            in_a_user_namespace(|| assert_eq!(plan.apply(), Err(refused)));
        });
    });
}

/// A mount can hide a directory that the caller may not search; a target inside it is an error.
#[test]
fn d11_hiding_a_directory_without_search_permission() {
    ns_testbed::run_as!([Root], {
        let dir = TempDir::with("hidden", &["closed/inner"]);
        let closed = dir.path().join("closed");
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o0)).expect("chmod");
        let with = |target| plan(Root::current().mount(Mount::tmpfs(target)));
        let (hidden, inner) = (with(closed.clone()), with(closed.join("inner")));
        let code = forked(|| {
            become_user();
            let error = StepError { step: Step::MountTarget(0), errno: Errno::ACCESS };
            assert_eq!(inner.apply(), Err(error));
            hidden.apply().expect("apply");
            assert_eq!(names(closed.to_str().expect("text")), [""; 0]);
            0
        });
        assert_eq!(code, 0);
    });
}

/// sysfs and mqueue of one namespace can be mounted only once at a target.
#[test]
fn d11_the_same_file_system_twice() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("twice", &["sys", "mqueue"]);
        for mount in [Mount::sysfs("/sys"), Mount::mqueue("/mqueue")] {
            let plan = pivot(&dir, [mount.clone(), mount]);
            in_own(UnshareFlags::NEWNET | UnshareFlags::NEWIPC, || {
                let error = StepError { step: Step::Mount(1), errno: Errno::BUSY };
                assert_eq!(plan.apply(), Err(error));
            });
        }
    });
}

/// A read-only `/dev` is complete, and nothing can be added.
#[test]
fn d11_a_read_only_dev() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("dev", &["proc"]);
        let plan = pivot(&dir, [Mount::proc("/proc"), Mount::dev("/dev").read_only().create()]);
        in_own_pids(|| {
            plan.apply().expect("apply");
            assert_eq!(names("/dev").len(), 13, "{:?}", names("/dev"));
            fs::write("/dev/null", "text").expect("write");
            fs::write("/dev/shm/file", "text").expect("shm is another mount");
            let error = fs::write("/dev/file", "no").expect_err("read-only");
            assert_eq!(error.kind(), ErrorKind::ReadOnlyFilesystem);
        });
        let cleared = Mount::dev("/dev").read_only().clear(MountAttrs::RDONLY);
        let plan = pivot(&dir, [Mount::proc("/proc"), cleared]);
        in_own_pids(|| {
            plan.apply().expect("apply");
            fs::write("/dev/file", "").expect("the last change applies");
        });
    });
}

/// A user without search permission on the working directory, as after `sudo -u` from `/root`, can
/// mount; the working directory does not change.
#[test]
fn d11_working_directory_without_search_permission() {
    ns_testbed::run_as!([Root], {
        let dir = TempDir::new("closed");
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).expect("chmod");
        std::env::set_current_dir(dir.path()).expect("chdir");
        let plan = plan(Root::current().mount(Mount::tmpfs("/tmp")));
        let code = forked(|| {
            become_user();
            fs::metadata(".").expect_err("no search permission");
            plan.apply().expect("apply");
            assert_eq!(names("/tmp"), [""; 0]);
            assert_eq!(std::env::current_dir().expect("getcwd"), dir.path());
            0
        });
        assert_eq!(code, 0);
    });
}

/// The working directory does not change, for each kind of mount.
#[test]
fn a_mount_keeps_the_working_directory() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("stays", &["start", "new", "bound"]);
        let mounts = [Mount::tmpfs("/new"), Mount::bind(dir.path(), "/bound").recursive()];
        let mounts = mounts.map(|mount| under(&dir, mount));
        let plan = plan(mounts.into_iter().fold(Root::current(), Root::mount));
        let start = dir.path().join("start");
        in_own_mounts(|| {
            std::env::set_current_dir(&start).expect("chdir");
            plan.apply().expect("apply");
            assert_eq!(std::env::current_dir().expect("getcwd"), start);
        });
    });
}
