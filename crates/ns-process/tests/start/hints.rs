//! What errors say about their cause and about what to do.
#![allow(unsafe_code, reason = "execvp(3) and Landlock")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use crate::common::cgroup::OwnCgroup;
use crate::common::users::inside;
use crate::common::{Directory, assert_unchanged, filter, in_child};
use ns_process::{Builder, Chroot, Container, Errno, Namespace, Resource, Step};
use ns_testbed::{Leftovers, USER, forked, refuse};

/// The hint of a failed start.
fn hint<Kind>(builder: &Builder<Kind>, step: Step, errno: Errno) -> String {
    let error = builder.start().expect_err("it must fail");
    assert_eq!((error.step(), error.errno()), (step, Some(errno)), "{error}");
    error.hint().unwrap_or_else(|| panic!("{error} has no hint")).to_owned()
}

/// Writes an executable file.
fn write_program(path: &Path, text: &str) {
    fs::write(path, text).expect("write");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("chmod");
}

/// A relative program is looked up in the working directory of the child, and the hint says so.
#[test]
fn f13_the_directory_of_a_relative_program_is_named() {
    ns_testbed::run_as!([Root, User, Nested], {
        let root = Directory::with("relative", &["bin"]);
        write_program(&root.join("prog"), "#!/bin/sh\nexit 3\n");
        std::env::set_current_dir(&*root).expect("chdir");
        let mut container = Container::new("./prog");
        assert_eq!(container.status().expect("start").code(), Some(3));
        container.workdir("/");
        let message = "./prog is looked up in the working directory /";
        assert_eq!(hint(&container, Step::Exec, Errno::NOENT), message);
        assert_eq!(container.workdir(&*root).status().expect("start").code(), Some(3));
        let mut chroot = Chroot::new(".", "./none");
        let message = "./none is looked up in the working directory / under the new root";
        assert_eq!(hint(&chroot, Step::Exec, Errno::NOENT), message);
        let message = "./none is looked up in the working directory /bin under the new root";
        assert_eq!(hint(chroot.workdir("/bin"), Step::Exec, Errno::NOENT), message);
        // The program is there, but its interpreter is not.
        let missing = "./prog is there, but its interpreter /bin/sh is missing";
        assert_eq!(hint(&Chroot::new(".", "./prog"), Step::Exec, Errno::NOENT), missing);
    });
}

/// A file that the kernel cannot execute may be a script for a shell.
#[test]
fn f13_a_script_without_interpreter_gets_advice() {
    ns_testbed::run_as!([Root, User], {
        let directory = Directory::new("script");
        let path = directory.join("tool");
        write_program(&path, "exit 3\n");
        let advice = format!(": if it is a script, run sh {}", path.display());
        let by_path = hint(&Container::new(&path), Step::Exec, Errno::NOEXEC);
        assert!(by_path.ends_with(&advice), "{by_path}");
        let by_name =
            hint(Container::new("tool").env("PATH", &*directory), Step::Exec, Errno::NOEXEC);
        assert!(by_name.starts_with("as ") && by_name.ends_with(&advice), "{by_name}");
    });
}

/// The search in `PATH` ends with the errno of execvp(3), also for directories that may not be searched.
#[test]
fn path_search_has_the_errno_of_execvp() {
    ns_testbed::run_as!([User], {
        let directory = Directory::with("search", &["locked", "file", "good"]);
        write_program(&directory.join("locked/tool"), "#!/bin/sh\nexit 9\n");
        write_program(&directory.join("good/tool"), "#!/bin/sh\nexit 9\n");
        fs::write(directory.join("file/tool"), "").expect("write");
        let locked = directory.join("locked");
        let mode = |bits| fs::set_permissions(&locked, fs::Permissions::from_mode(bits));
        mode(0o600).expect("chmod");
        let paths = |names: &[&str]| {
            let paths: Vec<_> = names.iter().map(|name| directory.join(name)).collect();
            paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(":")
        };
        for names in [
            &["locked", "good"][..],
            &["none", "locked"],
            &["locked", "none"],
            &["none", "none"],
            &["file", "locked", "none", "good"],
            &["file", "none"],
            &["file/tool/x", "none"],
        ] {
            let path = paths(names);
            let expected = forked(|| {
                // SAFETY: this process has one thread.
                unsafe { std::env::set_var("PATH", &path) };
                let argv = [c"tool".as_ptr(), std::ptr::null()];
                // SAFETY: the array ends with a null pointer.
                unsafe { libc::execvp(argv[0], argv.as_ptr()) };
                std::io::Error::last_os_error().raw_os_error().expect("an errno")
            });
            match Container::new("tool").env("PATH", &path).status() {
                Ok(status) => assert_eq!((status.code(), expected), (Some(9), 9), "{path}"),
                Err(error) => {
                    assert_eq!(error.errno().map(Errno::raw_os_error), Some(expected), "{error}");
                    let is_denied = expected == libc::EACCES;
                    let names_it =
                        error.to_string().contains(&format!("{}/tool", locked.display()))
                            || names[0] == "file";
                    assert!(!is_denied || names_it, "{error}");
                }
            }
        }
        mode(0o700).expect("chmod");
    });
}

/// If the new user has too many processes, the hint names the limit, for any program.
#[test]
fn b07_the_limit_on_processes_is_named_at_exec() {
    ns_testbed::run_as!([Root], {
        for program in ["true", "/bin/true"] {
            let mut container = Container::new(program);
            container.uid(USER).gid(USER).rlimit(Resource::Nproc, 0, 0);
            let hint = hint(&container, Step::Exec, Errno::AGAIN);
            assert!(hint.contains("RLIMIT_NPROC") && !hint.contains("bin"), "{hint}");
        }
    });
}

/// If no descriptor is free for a map file, the error names the limit.
#[test]
fn f20_the_limit_on_descriptors_is_named_at_each_step() {
    ns_testbed::run_as!([Root, User], {
        let mut container = inside("true");
        container.map_zero();
        let free = std::os::fd::AsRawFd::as_raw_fd(&fs::File::open("/dev/null").expect("open"));
        let mut steps = Vec::new();
        for limit in u64::from(free.unsigned_abs()).. {
            ns_sys::child::prlimit(Resource::Nofile as u32, limit, 4096).expect("prlimit");
            let Err(error) = container.start().map(|process| process.join()) else { break };
            assert_eq!(error.errno(), Some(Errno::MFILE), "{error}");
            assert!(error.to_string().contains("RLIMIT_NOFILE is reached"), "{error}");
            steps.push(error.step());
        }
        ns_sys::child::prlimit(Resource::Nofile as u32, 256, 4096).expect("prlimit");
        assert!(steps.contains(&Step::UidMap), "{steps:?}");
    });
}

/// The seccomp filter of a container engine forbids namespaces by `EPERM`, and hides clone3(2) or forbids it too.
#[test]
fn b04_the_filter_of_a_container_is_named() {
    ns_testbed::run_as!([Root, User, Nested], {
        for errno in [Errno::NOSYS, Errno::PERM] {
            in_child(|| {
                refuse(libc::SYS_clone3, errno);
                let filter = [
                    filter::load(0),
                    filter::jump_if_equal(filter::number(libc::SYS_clone), 0, 4),
                    // The low half of the first argument.
                    filter::load(16),
                    filter::and(
                        libc::CLONE_NEWUSER.cast_unsigned() | libc::CLONE_NEWUTS.cast_unsigned(),
                    ),
                    filter::jump_if_equal(0, 1, 0),
                    filter::action(filter::fail(Errno::PERM)),
                    filter::action(libc::SECCOMP_RET_ALLOW),
                ];
                // SAFETY: the filter makes one call fail.
                unsafe { ns_sys::child::seccomp_set_filter(0, &filter) }.expect("seccomp");
                let message =
                    "a seccomp filter of the surrounding container forbids new namespaces";
                let mut container = inside("true");
                let hint_of = |container: &Container| hint(container, Step::Clone, Errno::PERM);
                assert!(hint_of(container.map_zero()).starts_with(message));
                let mut uts = Container::new("true");
                let hint = hint_of(uts.namespace(Namespace::Uts));
                if rustix::process::geteuid().is_root() {
                    assert!(hint.starts_with(message), "{hint}");
                } else {
                    assert_eq!(hint, "needs CAP_SYS_ADMIN, or a user namespace");
                }
            });
        }
    });
}

/// Restricts this process by Landlock; `false` if the kernel does not have it.
fn restrict_by_landlock() -> bool {
    /// `LANDLOCK_ACCESS_FS_MAKE_SOCK` of include/uapi/linux/landlock.h.
    const MAKE_SOCK: u64 = 1 << 9;
    let handled = MAKE_SOCK;
    // SAFETY: the kernel reads the word during the call.
    let ruleset =
        unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, &raw const handled, 8, 0) };
    if ruleset < 0 {
        return false;
    }
    rustix::thread::set_no_new_privs(true).expect("no_new_privs");
    // SAFETY: the call takes numbers only.
    assert_eq!(unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset, 0) }, 0);
    true
}

/// Landlock forbids mounts with any capability, and the hint names it.
#[test]
fn landlock_is_named_where_it_forbids_mounts() {
    ns_testbed::run_as!([Root, User, Nested], {
        in_child(|| {
            if !restrict_by_landlock() {
                println!("skipped: no Landlock");
                return;
            }
            let mut container = inside("true");
            assert!(container.map_zero().status().expect("start").success());
            container.namespace(Namespace::Mnt);
            let hint = hint(&container, Step::Propagation, Errno::PERM);
            assert!(hint.contains("Landlock"), "{hint}");
        });
    });
}

/// A start in a frozen cgroup ends at its time limit, and the hint names the cgroup's state.
#[test]
fn f32_a_frozen_cgroup_is_named() {
    ns_testbed::run_as!([Root], {
        let Some(cgroup) = OwnCgroup::new() else {
            ns_testbed::skip!("no cgroup of version 2");
        };
        let freeze = format!("{}/cgroup.freeze", cgroup.0);
        if fs::write(&freeze, "1").is_err() {
            ns_testbed::skip!("this cgroup cannot be frozen");
        }
        let before = Leftovers::snapshot();
        let mut container = Container::new("true");
        container.cgroup(fs::File::open(&cgroup.0).expect("open"));
        container.start_timeout(Duration::from_millis(300));
        let hint = hint(&container, Step::StartTimeout, Errno::TIMEDOUT);
        assert!(hint.starts_with("its cgroup is frozen"), "{hint}");
        drop(container);
        fs::write(&freeze, "0").expect("thaw");
        assert_unchanged(&before);
    });
}

/// The root of a container may have a FIFO or a device at the path of the program: the hint opens neither.
#[test]
fn f13_a_hint_does_not_open_a_fifo_of_the_root() {
    ns_testbed::run_as!([Root, User], {
        let root = Directory::with("fifo", &["bin"]);
        let fifo = root.join("fifo");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &fifo,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RWXU,
            0,
        )
        .expect("mkfifo");
        // Inside the root, the path of the link does not exist.
        std::os::unix::fs::symlink(&fifo, root.join("prog")).expect("symlink");
        let mut chroot = Chroot::new(&*root, "/prog");
        chroot.map_zero();
        let message = "no such file under the new root, or its interpreter is missing";
        assert_eq!(hint(&chroot, Step::Exec, Errno::NOENT), message);
    });
}
