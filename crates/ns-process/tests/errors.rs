//! What fails says which step, which errno, on what; and leaves nothing behind (the test bed looks).

mod common;

use std::error::Error as _;
use std::ffi::OsStr;
use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;

use common::{Output, shell};
use ns_process::{CloneFlags, Container, Errno, Error, Namespace, Resource, Side, Step};
use ns_testbed::{Leftovers, forked};

fn fails(container: &Container) -> Error {
    let before = Leftovers::snapshot();
    let error = container.start().expect_err("it must fail");
    common::assert_unchanged(&before);
    assert!(!error.to_string().contains('\n'), "{error}");
    error
}

fn expect(container: &Container, step: Step, errno: Option<Errno>, object: &str) -> Error {
    let error = fails(container);
    assert_eq!((error.step(), error.errno()), (step, errno), "{error}");
    assert_eq!(error.object(), Some(object), "{error}");
    error
}

/// An unknown program, by name and by path, in the child of new namespaces too.
#[test]
fn f13_unknown_program() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut container = Container::new("no-such-program");
        container.name("box");
        let error = expect(&container, Step::Exec, Some(Errno::NOENT), "no-such-program");
        assert_eq!(
            error.to_string(),
            "box: execve: no-such-program: ENOENT (no such program in PATH)"
        );
        assert_eq!(error.side(), Side::Child);
        let source = error.source().expect("the errno").to_string();
        assert!(source.contains("No such file") && !error.to_string().contains("No such file"));
        container.all().map_zero();
        expect(&container, Step::Exec, Some(Errno::NOENT), "no-such-program");
        expect(&Container::new("/nope"), Step::Exec, Some(Errno::NOENT), "/nope");
        expect(&Container::new("/etc"), Step::Exec, Some(Errno::ACCESS), "/etc");
        expect(&Container::new("/dev/null/x"), Step::Exec, Some(Errno::NOTDIR), "/dev/null/x");
    });
}

/// A file that may not be executed counts more than folders that do not have it; one that may
/// ends the search.
#[test]
fn path_lookup() {
    ns_testbed::run_as!([Root, User], {
        let folder = Output::new();
        fs::create_dir(folder.path()).expect("mkdir");
        let file = format!("{}/tool", folder.path());
        fs::write(&file, "#!/bin/sh\nexit 5\n").expect("write");
        fs::create_dir_all(format!("{}/later/tool", folder.path())).expect("mkdir");
        let (long, own) = ("x".repeat(300), folder.path());
        let path = format!("/nope:/dev/null/x:/{long}:{own}:{own}/later:/usr/bin");
        let mut container = Container::new("tool");
        container.env("PATH", &path);
        let error = expect(&container, Step::Exec, Some(Errno::ACCESS), "tool");
        assert!(error.hint().is_some_and(|hint| hint.contains(&file)), "{error}");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("chmod");
        assert_eq!(container.start().expect("start").join().expect("join").code(), Some(5));
        container.env_remove("PATH");
        expect(&container, Step::Exec, Some(Errno::NOENT), "tool");
        fs::remove_dir_all(folder.path()).expect("remove");
    });
}

/// A script whose interpreter is missing is told as such.
#[test]
fn f13_missing_interpreter() {
    ns_testbed::run_as!([Root, User], {
        let script = Output::new();
        fs::write(script.path(), "#!/no/such/interpreter\n").expect("write");
        fs::set_permissions(script.path(), fs::Permissions::from_mode(0o755)).expect("chmod");
        let container = Container::new(script.path());
        let error = expect(&container, Step::Exec, Some(Errno::NOENT), script.path());
        assert!(error.hint().is_some_and(|hint| hint.contains("interpreter")), "{error}");
    });
}

/// What comes from outside does not break the line, and what `main` prints is that line.
#[test]
fn one_line_whatever_comes_in() {
    ns_testbed::run_as!([User], {
        let mut container = Container::new("/no\nsuch");
        let error = fails(container.name("a\nb"));
        let line = "a\\nb: execve: /no\\nsuch: ENOENT";
        assert!(error.to_string().starts_with(line), "{error}");
        assert_eq!(format!("{error:?}"), error.to_string());
        for key in ["", "A=B"] {
            let object = format!("env {key:?}: a name is not empty and has no =");
            expect(Container::new("true").env(key, "x"), Step::Check, None, &object);
        }
    });
}

/// Without descriptors the limit is named, and those that were had are given back.
#[test]
fn f20_no_descriptors() {
    ns_testbed::run_as!([Root, User], {
        let mut container = Container::new("true");
        container.namespace(Namespace::User).map_zero();
        let free = fs::File::open("/dev/null").expect("open").as_raw_fd();
        let free = u64::from(free.unsigned_abs());
        for more in 0..3 {
            ns_sys::child::prlimit(Resource::Nofile as u32, free + more, 4096).expect("prlimit");
            let error = container.start().expect_err("it must fail");
            assert_eq!(error.errno(), Some(Errno::MFILE), "{more}: {error}");
        }
        ns_sys::child::prlimit(Resource::Nofile as u32, 256, 4096).expect("prlimit");
        assert!(container.start().expect("start").join().expect("join").success());
    });
}

/// A program that exits 127 was found.
#[test]
fn f13_exit_127_is_no_error() {
    ns_testbed::run_as!([User], {
        assert_eq!(
            shell("exit 127").start().expect("start").join().expect("join").code(),
            Some(127)
        );
    });
}

/// A NUL is refused before any system call, and the message says where.
#[test]
fn nul_in_a_string() {
    ns_testbed::run_as!([User], {
        let nul = |text: &'static [u8]| OsStr::from_bytes(text);
        let check = |container: &Container, object| {
            expect(container, Step::Check, None, object);
        };
        check(Container::new("true").arg("a").arg(nul(b"b\0c")), "arg 2: NUL at byte 1");
        check(&Container::new(nul(b"\0")), "program: NUL at byte 0");
        check(Container::new("true").env("KEY", nul(b"va\0lue")), "env KEY: NUL at byte 6");
        check(&Container::new(""), "program: is empty");
    });
}

/// Flags that break a rule of clone, or that a start cannot keep.
#[test]
fn b01_impossible_flags() {
    ns_testbed::run_as!([Root, User], {
        let mut container = Container::new("true");
        container.flags(CloneFlags::FS).namespace(Namespace::User);
        expect(&container, Step::Check, None, "flags: CLONE_NEWUSER excludes CLONE_FS");
        for (flag, reason) in [
            (CloneFlags::DETACHED, "flags: clone3 refuses CLONE_DETACHED"),
            (
                CloneFlags::SIGHAND,
                "flags: CLONE_SIGHAND: the program begins with dispositions of its own",
            ),
            (
                CloneFlags::SYSVSEM | CloneFlags::NEWIPC,
                "flags: CLONE_NEWIPC excludes CLONE_SYSVSEM",
            ),
            (CloneFlags::PIDFD, "flags: CLONE_PIDFD: the handle has one"),
            (CloneFlags::SETTLS, "flags: CLONE_SETTLS: it needs a pointer: use ns-sys"),
            (CloneFlags::from_bits_retain(1), "flags: clone3 has no flag 0x1"),
        ] {
            expect(Container::new("true").flags(flag), Step::Check, None, reason);
        }
    });
}

/// What needs a namespace says which.
#[test]
fn missing_namespaces() {
    ns_testbed::run_as!([Root, User], {
        let mut container = Container::new("true");
        expect(container.map_zero(), Step::Check, None, "map_zero: needs a new user namespace");
        let mut container = Container::new("true");
        container.mount_proc().namespace(Namespace::Pid);
        let said = "mount_proc: needs a new mnt namespace too";
        expect(&container, Step::Check, None, said);
        container.without(Namespace::Pid);
        expect(&container, Step::Check, None, "mount_proc: needs new pid and mnt namespaces");
        container.namespace(Namespace::Mnt);
        let said = "mount_proc: needs a new pid namespace too";
        expect(&container, Step::Check, None, said);
    });
}

/// Without privilege and without a user namespace.
#[test]
fn b10_no_privilege() {
    ns_testbed::run_as!([User], {
        let mut container = Container::new("true");
        container.namespace(Namespace::Uts).namespace(Namespace::Net);
        let error = expect(&container, Step::Clone, Some(Errno::PERM), "net,uts");
        assert_eq!(error.hint(), Some("needs CAP_SYS_ADMIN, or a user namespace"));
    });
}

/// A limit of 0 in an outer user namespace is named.
#[test]
fn b06_limit_of_zero() {
    ns_testbed::run_as!([Root, User], {
        let code = forked(|| {
            let ids = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
            ns_sys::unshare(ns_sys::UnshareFlags::NEWUSER).expect("unshare");
            fs::write("/proc/self/setgroups", "deny").expect("setgroups");
            fs::write("/proc/self/uid_map", format!("0 {} 1", ids.0)).expect("uid_map");
            fs::write("/proc/self/gid_map", format!("0 {} 1", ids.1)).expect("gid_map");
            fs::write("/proc/sys/user/max_user_namespaces", "0").expect("set the limit");
            let mut container = Container::new("true");
            container.namespace(Namespace::User).map_zero();
            let error = expect(&container, Step::Clone, Some(Errno::NOSPC), "user");
            let hint = error.hint().expect("a hint");
            assert!(hint.contains("/proc/sys/user/max_user_namespaces is 0"), "{hint}");
            println!("shown: {error}");
            0
        });
        assert_eq!(code, 0);
    });
}

/// A step of the child's that fails is told by name: proc cannot be mounted where there is none.
#[test]
fn f12_child_steps_are_named() {
    ns_testbed::run_as!([Root], {
        let code = forked(|| {
            ns_sys::unshare(ns_sys::UnshareFlags::NEWNS).expect("unshare");
            let none = rustix::mount::MountFlags::empty();
            rustix::mount::mount("none", "/proc", "tmpfs", none, None).expect("hide /proc");
            std::env::set_current_dir("/proc").expect("chdir");
            // In a chroot the root is no mount point.
            fs::create_dir("root").expect("mkdir");
            std::os::unix::fs::chroot("root").expect("chroot");
            let mut container = Container::new("/nope");
            container.namespace(Namespace::Mnt);
            let error = container.start().expect_err("propagation");
            assert_eq!((error.step(), error.errno()), (Step::Propagation, Some(Errno::INVAL)));
            assert_eq!(error.object(), Some("/"));
            assert!(error.to_string().contains("no mount point, as after chroot(2)"), "{error}");
            0
        });
        assert_eq!(code, 0);
    });
}

/// proc is refused where the root has no folder for it.
#[test]
fn d10_no_folder_for_proc() {
    ns_testbed::run_as!([Root], {
        let code = forked(|| {
            ns_sys::unshare(ns_sys::UnshareFlags::NEWNS).expect("unshare");
            let none = rustix::mount::MountFlags::empty();
            rustix::mount::mount("none", "/tmp", "tmpfs", none, None).expect("tmpfs");
            std::env::set_current_dir("/tmp").expect("chdir");
            rustix::process::pivot_root(".", ".").expect("pivot_root");
            let mut container = Container::new("/nope");
            container.namespace(Namespace::Mnt).namespace(Namespace::Pid).mount_proc();
            let error = container.start().expect_err("mount_proc");
            assert_eq!((error.step(), error.errno()), (Step::Mount, Some(Errno::NOENT)), "{error}");
            assert_eq!(error.object(), Some("/proc"));
            0
        });
        assert_eq!(code, 0);
    });
}

/// A map that cannot be written ends the waiting child.
#[test]
fn a15_no_proc_to_write_maps_through() {
    ns_testbed::run_as!([Root], {
        let code = forked(|| {
            ns_sys::unshare(ns_sys::UnshareFlags::NEWNS).expect("unshare");
            let none = rustix::mount::MountFlags::empty();
            rustix::mount::mount("none", "/proc", "tmpfs", none, None).expect("hide /proc");
            let mut container = Container::new("true");
            container.namespace(Namespace::User).map_zero();
            let error = container.start().expect_err("uid_map");
            assert_eq!(
                (error.step(), error.errno()),
                (Step::UidMap, Some(Errno::NOENT)),
                "{error}"
            );
            // Nothing is left that could be waited for.
            let all = rustix::process::WaitIdOptions::from_bits_retain(0x4000_0004);
            let left = rustix::process::waitid(rustix::process::WaitId::All, all);
            i32::from(!matches!(left, Err(Errno::CHILD)))
        });
        assert_eq!(code, 0);
    });
}

/// A hundred failures of each kind leave no descriptor, child or mount.
#[test]
fn f20_no_debris() {
    ns_testbed::run_as!([Root, User], {
        let before = Leftovers::snapshot();
        let mut unknown = Container::new("/nope");
        unknown.all().map_zero().mount_proc();
        let mut refused = Container::new("true");
        refused.flags(CloneFlags::DETACHED);
        for container in [&unknown, &refused] {
            for _ in 0..100 {
                container.start().expect_err("it must fail");
            }
        }
        common::assert_unchanged(&before);
    });
}
