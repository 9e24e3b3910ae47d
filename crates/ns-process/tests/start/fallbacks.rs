//! Kernels and filters without newer system calls: the result is the same, or the error names the call.

#![allow(unsafe_code, reason = "a signal handler and a filter")]

use std::sync::atomic::{AtomicU32, Ordering};

use crate::common::target::{Target, sleep};
use crate::common::users::as_user;
use crate::common::{Directory, assert_unchanged, filter, in_child, shell};
use ns_process::{
    Chroot, Container, Errno, Init, Inject, Memory, Mount, Namespace, Resource, Step,
};
use ns_sys::{Signal, UnshareFlags, pidfd_send_signal, unshare};
use ns_testbed::{Leftovers, forked, refuse};

/// Runs `body` in a child in which the system call `number` fails.
fn without(number: i64, errno: Errno, body: impl FnOnce()) {
    in_child(|| {
        refuse(number, errno);
        body();
    });
}

fn mapped(script: &str) -> Container {
    let mut container = shell(script);
    container.all().map_zero().mount_proc();
    container
}

/// Without close_range(2) the descriptors that proc lists are closed.
#[test]
fn b05_without_close_range() {
    ns_testbed::run_as!([Root, User, Nested], {
        without(libc::SYS_close_range, Errno::NOSYS, || {
            let null = std::fs::File::open("/dev/null").expect("open");
            rustix::io::fcntl_setfd(&null, rustix::io::FdFlags::empty()).expect("inheritable");
            let output = shell("ls /proc/self/fd").output().expect("start");
            assert_eq!(output.stdout, b"0\n1\n2\n3\n");
        });
    });
}

/// Without pidfd_open(2) the child watches the thread of its parent by its `clear_child_tid` word.
#[test]
fn b05_without_pidfd_open() {
    ns_testbed::run_as!([Root, User, Nested], {
        if cfg!(target_env = "musl") {
            ns_testbed::skip!("musl's clear_child_tid word is a lock, which cannot be watched");
        }
        without(libc::SYS_pidfd_open, Errno::NOSYS, || {
            let mut container = mapped("exit 7");
            container.before_go(|_| std::thread::sleep(std::time::Duration::from_millis(250)));
            container.die_with_parent();
            assert_eq!(container.status().expect("start").code(), Some(7));
        });
    });
}

/// Without pidfd_send_signal(2) a failed start is cleaned up, and a handle reports the missing call.
#[test]
fn b05_without_pidfd_send_signal() {
    ns_testbed::run_as!([Root, User, Nested], {
        without(libc::SYS_pidfd_send_signal, Errno::NOSYS, || {
            let before = Leftovers::snapshot();
            let mut container = mapped("exit 7");
            container.before_go(|_| Err::<(), _>("no"));
            assert_eq!(container.start().expect_err("refused").step(), Step::BeforeGo);
            assert_unchanged(&before);
            let process = shell("sleep 0.2").start().expect("start");
            let error = process.kill().expect_err("missing");
            assert_eq!((error.step(), error.errno()), (Step::Signal, Some(Errno::NOSYS)));
            assert!(process.join().expect("join").success());
        });
    });
}

/// Without openat2(2) mount points are opened by component; without mount_setattr(2) mount(2) sets the attributes.
#[test]
fn b05_without_openat2_or_mount_setattr() {
    ns_testbed::run_as!([Root, User, Nested], {
        for number in [libc::SYS_openat2, libc::SYS_mount_setattr] {
            let root = Directory::with("older", &["tmp"]);
            without(number, Errno::NOSYS, || {
                let mut chroot = Chroot::new(&*root, "/nope");
                chroot.map_zero().mount(Mount::tmpfs("/tmp").create()).read_only_root();
                let error = chroot.start().expect_err("nothing is in there");
                assert_eq!((error.step(), error.errno()), (Step::Exec, Some(Errno::NOENT)));
            });
        }
    });
}

/// Without clone3(2), or with one that does not support all flags, clone(2) makes the same children: a program in
/// new namespaces, an injected program, a closure, a program under an init.
#[test]
fn b04_without_clone3() {
    ns_testbed::run_as!([Root, User, Nested], {
        for errno in [Errno::NOSYS, Errno::INVAL] {
            without(libc::SYS_clone3, errno, || {
                let before = Leftovers::snapshot();
                let kinds = Namespace::ALL.into_iter().filter(|kind| *kind != Namespace::Time);
                let mut container = shell("test $$ = 1 && exit 7");
                container.namespaces(kinds.clone()).map_zero().mount_proc();
                assert_eq!(container.status().expect("start").code(), Some(7));
                let target = Target::new(sleep().namespaces(kinds).map_zero());
                let own = format!("/proc/{}/ns/uts", target.pid());
                let own = std::fs::read_link(own).expect("a link");
                let mut inject = Inject::new(&*target, "sh");
                inject.args(["-c", "test $(readlink /proc/self/ns/uts) = $0 && exit 8"]).arg(own);
                inject.without(Namespace::Pid);
                assert_eq!(inject.status().expect("inject").code(), Some(8));
                drop((inject, target));
                let mut closure = Container::from_fn(|| i32::from(std::process::id() == 1));
                closure.namespaces([Namespace::User, Namespace::Pid]).map_zero();
                assert_eq!(closure.status().expect("closure").code(), Some(1));
                assert_unchanged(&before);
                let under_init = container.init(Init::builtin()).status().expect("an init");
                assert_eq!(under_init.code(), Some(1), "it is not pid 1");
            });
        }
    });
}

/// What clone(2) does not support is an error that names clone3 and seccomp; no namespace is left out.
#[test]
fn b04_without_clone3_or_an_alternative() {
    ns_testbed::run_as!([Root, User, Nested], {
        let assert_forbidden = |container: &mut Container, errno| {
            let error = container.name("box").start().expect_err("no clone3");
            assert_eq!((error.step(), error.errno()), (Step::Clone, Some(errno)));
            let text = error.to_string();
            assert!(text.contains("seccomp") && text.contains("clone3"), "{text}");
        };
        without(libc::SYS_clone3, Errno::PERM, || {
            assert_forbidden(&mut Container::new("true"), Errno::PERM);
            assert_forbidden(&mut mapped("true"), Errno::PERM);
        });
        without(libc::SYS_clone3, Errno::NOSYS, || {
            assert_forbidden(&mut mapped("true"), Errno::NOSYS);
        });
    });
}

/// A child of clone(2) inherits the handlers of the caller and must not run them, also with `inherit_ignored`.
#[test]
fn f02_no_handler_in_a_child_of_clone() {
    ns_testbed::run_as!([Root, User], {
        static CALLS: AtomicU32 = AtomicU32::new(0);
        extern "C" fn count(_: libc::c_int) {
            CALLS.fetch_add(1, Ordering::Relaxed);
        }
        without(libc::SYS_clone3, Errno::NOSYS, || {
            let handler: extern "C" fn(libc::c_int) = count;
            // SAFETY: the handler counts.
            unsafe { libc::signal(libc::SIGUSR1, handler as libc::sighandler_t) };
            for inherits in [false, true] {
                let mut container = Container::new("true");
                container.before_go(|child| pidfd_send_signal(child, Signal::USR1));
                if inherits {
                    container.inherit_ignored();
                }
                let error = container.start().expect_err("the signal kills it");
                assert_eq!(error.step(), Step::Exec, "{error}");
                assert_eq!(CALLS.load(Ordering::Relaxed), 0);
            }
        });
    });
}

/// For clone(2) CLONE_NEWTIME is part of the exit signal: without clone3 the program has a new time namespace,
/// or the start fails.
#[test]
fn b02_without_clone3_in_a_time_namespace() {
    ns_testbed::run_as!([Root, User, Nested], {
        without(libc::SYS_clone3, Errno::NOSYS, || {
            let own = std::fs::read_link("/proc/self/ns/time").expect("own");
            let mut container = shell("test $(readlink /proc/self/ns/time) != $0");
            container.arg(own).namespaces([Namespace::User, Namespace::Time]).map_zero();
            match container.status() {
                Ok(status) => {
                    assert!(status.success(), "in the old time namespace");
                }
                Err(error) => assert_eq!(error.step(), Step::Clone, "{error}"),
            }
        });
    });
}

/// A closure that clone(2) starts has no signal handlers.
#[test]
fn b04_without_clone3_a_closure_has_no_handlers() {
    ns_testbed::run_as!([Root, User, Nested], {
        without(libc::SYS_clone3, Errno::NOSYS, || {
            let mut closure = Container::from_fn(|| {
                let status = std::fs::read_to_string("/proc/self/status").expect("status");
                i32::from(!status.contains("SigCgt:\t0000000000000000"))
            });
            closure.namespaces([Namespace::User, Namespace::Pid]).map_zero();
            assert_eq!(closure.status().expect("start").code(), Some(0));
        });
    });
}

/// Makes a new pid namespace for the future children of this process.
fn unshare_pid_namespace() {
    if unshare(UnshareFlags::NEWPID).is_err() {
        unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWPID).expect("unshare");
    }
}

/// The errno of a start by a caller that has unshared its pid namespace.
fn errno_if_unshared(container: &Container) -> Option<Errno> {
    let error = container.start().expect_err("refused");
    assert_eq!(error.step(), Step::Clone, "{error}");
    let named = error.hint().is_some_and(|hint| hint.contains("unshared its pid namespace"));
    assert!(named, "{error}");
    error.errno()
}

/// If the caller has unshared its pid namespace, the error says so. Starts that remain possible succeed, and no
/// process ID of the new pid namespace is taken for one of the caller's.
#[test]
fn b08_a_caller_that_unshared_its_pid_namespace() {
    ns_testbed::run_as!([Root, User, Nested], {
        in_child(|| {
            unshare_pid_namespace();
            assert_eq!(
                errno_if_unshared(Container::new("true").namespace(Namespace::Pid)),
                Some(Errno::INVAL)
            );
            let first = shell("exit $$").status().expect("start");
            assert_eq!(first.code(), Some(1), "it is process 1");
            assert_eq!(errno_if_unshared(&Container::new("true")), Some(Errno::NOMEM));
        });
        let with_intermediate: [fn() -> Container; 3] = [
            || {
                let mut daemon = Container::new("true");
                daemon.daemonize();
                daemon
            },
            || {
                let mut closure = Container::from_fn(|| ());
                closure.namespace(Namespace::Pid);
                closure
            },
            || {
                let mut copied = Container::new("true");
                copied.memory(Memory::Copied).namespace(Namespace::Pid);
                copied
            },
        ];
        for made in with_intermediate {
            in_child(|| {
                unshare_pid_namespace();
                let before = Leftovers::snapshot();
                assert_eq!(errno_if_unshared(&made()), Some(Errno::INVAL));
                assert_unchanged(&before);
            });
        }
        let code = forked(|| {
            unshare_pid_namespace();
            let closure = Container::from_fn(|| i32::try_from(std::process::id()).unwrap_or(0));
            closure.status().expect("start").code().expect("a code")
        });
        assert_eq!(code, 1);
    });
}

/// A chrooted caller may not make a user namespace, and the error gives the reason.
#[test]
fn b10_a_chrooted_caller_gets_the_reason() {
    ns_testbed::run_as!([Root], {
        let root = std::env::temp_dir().join(format!("ns-process-chroot-{}", std::process::id()));
        std::fs::create_dir_all(root.join("proc")).expect("mkdir");
        rustix::mount::mount_bind("/proc", root.join("proc")).expect("bind");
        let code = forked(|| {
            rustix::process::chroot(&root).expect("chroot");
            rustix::process::chdir("/").expect("chdir");
            let mut container = Container::new("/nope");
            let error = container.namespace(Namespace::User).start().expect_err("chrooted");
            assert_eq!((error.step(), error.errno()), (Step::Clone, Some(Errno::PERM)));
            assert!(error.to_string().contains("chrooted"), "{error}");
            0
        });
        rustix::mount::unmount(root.join("proc"), rustix::mount::UnmountFlags::empty())
            .expect("unmount");
        std::fs::remove_dir_all(&root).expect("remove");
        assert_eq!(code, 0);
    });
}

/// If AppArmor restricts user namespaces, the error names its switch: for a step of the child, and for a map.
#[test]
fn b14_the_apparmor_switch_is_named() {
    ns_testbed::run_as!([Root], {
        // A file as on Ubuntu. The calls are denied for other reasons.
        let file = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns";
        let none = rustix::mount::MountFlags::empty();
        rustix::mount::mount("none", "/proc/sys/kernel", "tmpfs", none, None).expect("tmpfs");
        let names_switch = |container: &Container, step| {
            let error = container.start().expect_err("denied");
            assert_eq!((error.step(), error.errno()), (step, Some(Errno::PERM)), "{error}");
            error.to_string().contains("apparmor_restrict_unprivileged_userns to 0")
        };
        for (switch, named) in [("0", false), ("1", true)] {
            std::fs::write(file, switch).expect("write");
            as_user(|| {
                let mut container = mapped("true");
                container.without(Namespace::Net).mount(Mount::sysfs("/sys"));
                assert_eq!(names_switch(&container, Step::Mount), named, "{switch}");
                refuse(libc::SYS_write, Errno::PERM);
                assert_eq!(names_switch(&mapped("true"), Step::UidMap), named, "{switch}");
            });
        }
        let none = rustix::mount::UnmountFlags::empty();
        rustix::mount::unmount("/proc/sys/kernel", none).expect("unmount");
    });
}

/// The limit of processes is named, with its value.
#[test]
fn b07_the_limit_of_processes_is_named() {
    ns_testbed::run_as!([User], {
        in_child(|| {
            ns_sys::child::prlimit(Resource::Nproc as u32, 1, 1).expect("prlimit");
            let before = Leftovers::snapshot();
            let error = Container::new("true").start().expect_err("the limit");
            assert_unchanged(&before);
            assert_eq!((error.step(), error.errno()), (Step::Clone, Some(Errno::AGAIN)));
            assert!(error.to_string().contains("RLIMIT_NPROC, which is 1"), "{error}");
        });
    });
}

/// If the loader of a program is missing in the new root, the hint names its path.
#[test]
fn f13_the_missing_loader_is_named() {
    ns_testbed::run_as!([Root, User, Nested], {
        let root = Directory::with("loader", &["bin"]);
        std::fs::copy("/bin/true", root.join("bin/true")).expect("copy");
        std::fs::write(root.join("bin/script"), "#! /usr/bin/nonesuch -x\n").expect("write");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(root.join("bin/script"), mode).expect("chmod");
        let hint = |program: &str| {
            let error = Chroot::new(&*root, program).start().expect_err("no loader");
            assert_eq!((error.step(), error.errno()), (Step::Exec, Some(Errno::NOENT)));
            error.hint().expect("a hint").to_owned()
        };
        for program in ["/bin/true", "true"] {
            let hint = hint(program);
            assert!(hint.contains("/bin/true is there, but its interpreter /lib"), "{hint}");
        }
        let missing = "/bin/script is there, but its interpreter /usr/bin/nonesuch is missing";
        assert_eq!(hint("/bin/script"), missing);
        assert!(hint("/bin/none").starts_with("no such file"));
    });
}

/// An emulator such as qemu-user has no clone3, and a clone(2) that supports the flags of fork(2) only. Copied
/// memory works without namespaces; other errors mention the emulator.
#[test]
fn b17_with_fork_only() {
    ns_testbed::run_as!([Root, User], {
        in_child(|| {
            refuse(libc::SYS_clone3, Errno::NOSYS);
            // `CSIGNAL`, `CLONE_CHILD_SETTID` and `CLONE_CHILD_CLEARTID`: the flags of fork(3).
            let fork_flags = 0x0120_00ff;
            let filter = [
                filter::load(0),
                filter::jump_if_equal(filter::number(libc::SYS_clone), 0, 4),
                // The low half of the first argument.
                filter::load(16),
                filter::and(!fork_flags),
                filter::jump_if_equal(0, 1, 0),
                filter::action(filter::fail(Errno::INVAL)),
                filter::action(libc::SECCOMP_RET_ALLOW),
            ];
            // SAFETY: the filter makes one call fail.
            unsafe { ns_sys::child::seccomp_set_filter(0, &filter) }.expect("seccomp");
            let mut copied = shell("exit 7");
            assert_eq!(copied.memory(Memory::Copied).status().expect("start").code(), Some(7));
            let error = Container::new("/nope").memory(Memory::Copied).start().expect_err("none");
            assert_eq!((error.step(), error.errno()), (Step::Exec, Some(Errno::NOENT)), "{error}");
            for namespaces in [&[][..], &[Namespace::User]] {
                let mut shared = Container::new("true");
                let error = shared.namespaces(namespaces.iter().copied()).start();
                let error = error.expect_err("no shared memory");
                assert_eq!((error.step(), error.errno()), (Step::Clone, Some(Errno::INVAL)));
                assert!(error.to_string().contains("emulator"), "{error}");
            }
        });
    });
}
