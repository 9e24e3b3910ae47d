//! Errors name the step, the errno and the object, and a failed start leaves nothing behind.

use std::error::Error as _;
use std::ffi::OsStr;
use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;

use crate::common::users::unshare_user;
use crate::common::{Directory, Output, assert_unchanged, in_child, shell};
use ns_process::{CloneFlags, Container, Errno, Error, Namespace, Resource, Side, Step};
use ns_testbed::{Leftovers, forked};

fn start_error(container: &Container) -> Error {
    let before = Leftovers::snapshot();
    let error = container.start().expect_err("it must fail");
    assert_unchanged(&before);
    assert!(!error.to_string().contains('\n'), "{error}");
    error
}

fn assert_error(container: &Container, step: Step, errno: Option<Errno>, object: &str) -> Error {
    let error = start_error(container);
    assert_eq!((error.step(), error.errno()), (step, errno), "{error}");
    assert_eq!(error.object(), Some(object), "{error}");
    error
}

/// A missing program is an error of the exec step, by name and by path, in new namespaces too.
#[test]
fn f13_missing_program_is_an_exec_error() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut container = Container::new("no-such-program");
        container.name("box");
        let error = assert_error(&container, Step::Exec, Some(Errno::NOENT), "no-such-program");
        assert_eq!(
            error.to_string(),
            "box: execve: no-such-program: ENOENT (no such program in PATH)"
        );
        assert_eq!(error.side(), Side::Child);
        let source = error.source().expect("the errno").to_string();
        assert!(source.contains("No such file") && !error.to_string().contains("No such file"));
        container.all().map_zero();
        assert_error(&container, Step::Exec, Some(Errno::NOENT), "no-such-program");
        assert_error(&Container::new("/nope"), Step::Exec, Some(Errno::NOENT), "/nope");
        assert_error(&Container::new("/etc"), Step::Exec, Some(Errno::ACCESS), "/etc");
        assert_error(
            &Container::new("/dev/null/x"),
            Step::Exec,
            Some(Errno::NOTDIR),
            "/dev/null/x",
        );
    });
}

/// The search in PATH ends at an executable file. If there is none, a file without execute permission decides
/// the error.
#[test]
fn path_search_ends_at_an_executable_file() {
    ns_testbed::run_as!([Root, User], {
        let directory = Directory::with("path", &["later/tool"]);
        let own = directory.to_str().expect("text");
        let file = format!("{own}/tool");
        fs::write(&file, "#!/bin/sh\nexit 5\n").expect("write");
        let long = "x".repeat(300);
        let path = format!("/nope:/dev/null/x:/{long}:{own}:{own}/later:/usr/bin");
        let mut container = Container::new("tool");
        container.env("PATH", &path);
        let error = assert_error(&container, Step::Exec, Some(Errno::ACCESS), "tool");
        assert!(error.hint().is_some_and(|hint| hint.contains(&file)), "{error}");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("chmod");
        assert_eq!(container.start().expect("start").join().expect("join").code(), Some(5));
        container.env_remove("PATH");
        assert_error(&container, Step::Exec, Some(Errno::NOENT), "tool");
    });
}

/// The hint says that the interpreter of a script is missing.
#[test]
fn f13_missing_interpreter_is_named() {
    ns_testbed::run_as!([Root, User], {
        let script = Output::new();
        fs::write(script.path(), "#!/no/such/interpreter\n").expect("write");
        fs::set_permissions(script.path(), fs::Permissions::from_mode(0o755)).expect("chmod");
        let container = Container::new(script.path());
        let error = assert_error(&container, Step::Exec, Some(Errno::NOENT), script.path());
        assert!(error.hint().is_some_and(|hint| hint.contains("interpreter")), "{error}");
    });
}

/// An error message is one line whatever names contain, also as printed from `main`.
#[test]
fn an_error_message_is_one_line() {
    ns_testbed::run_as!([User], {
        let mut container = Container::new("/no\nsuch");
        let error = start_error(container.name("a\nb"));
        let line = "a\\nb: execve: /no\\nsuch: ENOENT";
        assert!(error.to_string().starts_with(line), "{error}");
        assert_eq!(format!("{error:?}"), error.to_string());
        for key in ["", "A=B"] {
            let object = format!("env {key:?}: a name must not be empty or contain =");
            assert_error(Container::new("true").env(key, "x"), Step::Check, None, &object);
        }
    });
}

/// If no descriptor is free, the error is EMFILE, and opened descriptors are closed.
#[test]
fn f20_no_free_descriptor_is_emfile() {
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

/// A program that exits with 127 was executed.
#[test]
fn f13_exec_failure_is_not_exit_127() {
    ns_testbed::run_as!([User], {
        assert_eq!(
            shell("exit 127").start().expect("start").join().expect("join").code(),
            Some(127)
        );
    });
}

/// A NUL is refused before any system call, and the message has its position.
#[test]
fn a_nul_in_a_string_is_refused() {
    ns_testbed::run_as!([User], {
        let nul = |text: &'static [u8]| OsStr::from_bytes(text);
        let check = |container: &Container, object| {
            assert_error(container, Step::Check, None, object);
        };
        check(Container::new("true").arg("a").arg(nul(b"b\0c")), "arg 2: NUL at byte 1");
        check(&Container::new(nul(b"\0")), "program: NUL at byte 0");
        check(Container::new("true").env("KEY", nul(b"va\0lue")), "env KEY: NUL at byte 6");
        check(&Container::new(""), "program: is empty");
    });
}

/// Flags that break a rule of clone(2), or that a start does not support, are refused.
#[test]
fn b01_impossible_flags_are_refused() {
    ns_testbed::run_as!([Root, User], {
        let mut container = Container::new("true");
        container.flags(CloneFlags::FS).namespace(Namespace::User);
        assert_error(&container, Step::Check, None, "flags: CLONE_NEWUSER excludes CLONE_FS");
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
            assert_error(Container::new("true").flags(flag), Step::Check, None, reason);
        }
    });
}

/// A setting that needs a namespace names it.
#[test]
fn missing_namespaces_are_named() {
    ns_testbed::run_as!([Root, User], {
        let mut container = Container::new("true");
        assert_error(
            container.map_zero(),
            Step::Check,
            None,
            "map_zero: needs a new user namespace: namespace(Namespace::User)",
        );
        let mut container = Container::new("true");
        container.mount_proc().namespace(Namespace::Pid);
        let message = "mount_proc: needs a new mnt namespace too";
        assert_error(&container, Step::Check, None, message);
        container.without(Namespace::Pid);
        assert_error(&container, Step::Check, None, "mount_proc: needs new pid and mnt namespaces");
        container.namespace(Namespace::Mnt);
        let message = "mount_proc: needs a new pid namespace too";
        assert_error(&container, Step::Check, None, message);
    });
}

/// New namespaces without privilege and without a user namespace are an error with a hint.
#[test]
fn b10_new_namespaces_need_privilege() {
    ns_testbed::run_as!([User], {
        let mut container = Container::new("true");
        container.namespace(Namespace::Uts).namespace(Namespace::Net);
        let error = assert_error(&container, Step::Clone, Some(Errno::PERM), "net,uts");
        assert_eq!(error.hint(), Some("needs CAP_SYS_ADMIN, or a user namespace"));
    });
}

/// The hint names a limit of 0 in an outer user namespace.
#[test]
fn b06_a_limit_of_zero_is_named() {
    ns_testbed::run_as!([Root, User], {
        in_child(|| {
            unshare_user(ns_sys::UnshareFlags::empty());
            fs::write("/proc/sys/user/max_user_namespaces", "0").expect("set the limit");
            let mut container = Container::new("true");
            container.namespace(Namespace::User).map_zero();
            let error = assert_error(&container, Step::Clone, Some(Errno::NOSPC), "user");
            let hint = error.hint().expect("a hint");
            assert!(hint.contains("/proc/sys/user/max_user_namespaces is 0"), "{hint}");
            println!("shown: {error}");
        });
    });
}

/// A failed step of the child is named.
#[test]
fn f12_child_steps_are_named() {
    ns_testbed::run_as!([Root], {
        in_child(|| {
            ns_sys::unshare(ns_sys::UnshareFlags::NEWNS).expect("unshare");
            let none = rustix::mount::MountFlags::empty();
            rustix::mount::mount("none", "/proc", "tmpfs", none, None).expect("hide /proc");
            std::env::set_current_dir("/proc").expect("chdir");
            // After chroot(2) the root is no mount point.
            fs::create_dir("root").expect("mkdir");
            std::os::unix::fs::chroot("root").expect("chroot");
            let mut container = Container::new("/nope");
            container.namespace(Namespace::Mnt);
            let error = container.start().expect_err("propagation");
            assert_eq!((error.step(), error.errno()), (Step::Propagation, Some(Errno::INVAL)));
            assert_eq!(error.object(), Some("/"));
            assert!(error.to_string().contains("not a mount point, as after chroot(2)"), "{error}");
        });
    });
}

/// proc cannot be mounted if the root has no directory for it.
#[test]
fn d10_proc_needs_a_directory() {
    ns_testbed::run_as!([Root], {
        in_child(|| {
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
        });
    });
}

/// If a map cannot be written, the waiting child is killed.
#[test]
fn a15_without_proc_no_map_is_written() {
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
            // `WEXITED | __WALL`: there is no child left.
            let all = rustix::process::WaitIdOptions::from_bits_retain(0x4000_0004);
            let left = rustix::process::waitid(rustix::process::WaitId::All, all);
            i32::from(!matches!(left, Err(Errno::CHILD)))
        });
        assert_eq!(code, 0);
    });
}

/// A hundred failures of two kinds leave no descriptor, child or mount.
#[test]
fn f20_failed_starts_leave_nothing() {
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
        assert_unchanged(&before);
    });
}
