//! Newer system calls that are missing: the same result, or an error that says so.

#![allow(unsafe_code, reason = "a handler")]

mod common;

use std::sync::atomic::{AtomicU32, Ordering};

use common::mapped::as_user;
use common::shell;
use common::target::Target;
use ns_process::{
    Chroot, Container, Errno, Init, Inject, Memory, Mount, Namespace, Resource, Step,
};
use ns_sys::{Signal, UnshareFlags, pidfd_send_signal, unshare};
use ns_testbed::{Leftovers, forked, refuse};

/// What a start does with `number` missing.
fn without(number: i64, errno: Errno, body: impl FnOnce()) {
    let code = forked(|| {
        refuse(number, errno);
        body();
        0
    });
    assert_eq!(code, 0);
}

fn mapped(script: &str) -> Container {
    let mut container = shell(script);
    container.all().map_zero().mount_proc();
    container
}

/// Everything is closed all the same, by what proc lists.
#[test]
fn b05_no_close_range() {
    ns_testbed::run_as!([Root, User, Nested], {
        without(libc::SYS_close_range, Errno::NOSYS, || {
            let null = std::fs::File::open("/dev/null").expect("open");
            rustix::io::fcntl_setfd(&null, rustix::io::FdFlags::empty()).expect("inheritable");
            let output = shell("ls /proc/self/fd").output().expect("start");
            assert_eq!(output.stdout, b"0\n1\n2\n3\n");
        });
    });
}

/// The child watches its parent's thread by the word that the kernel clears.
#[test]
fn b05_no_pidfd_open() {
    ns_testbed::run_as!([Root, User, Nested], {
        if cfg!(target_env = "musl") {
            ns_testbed::skip!(
                "musl gives the kernel another word, so that only the descriptor tells"
            );
        }
        without(libc::SYS_pidfd_open, Errno::NOSYS, || {
            let mut container = mapped("exit 7");
            container.before_go(|_| std::thread::sleep(std::time::Duration::from_millis(250)));
            container.die_with_parent();
            assert_eq!(container.status().expect("start").code(), Some(7));
        });
    });
}

/// A failed start is ended without pidfd_send_signal, and a handle says what is missing.
#[test]
fn b05_no_pidfd_send_signal() {
    ns_testbed::run_as!([Root, User, Nested], {
        without(libc::SYS_pidfd_send_signal, Errno::NOSYS, || {
            let before = Leftovers::snapshot();
            let mut container = mapped("exit 7");
            container.before_go(|_| Err::<(), _>("no"));
            assert_eq!(container.start().expect_err("refused").step(), Step::BeforeGo);
            common::assert_unchanged(&before);
            let process = shell("sleep 0.2").start().expect("start");
            let error = process.kill().expect_err("missing");
            assert_eq!((error.step(), error.errno()), (Step::Signal, Some(Errno::NOSYS)));
            assert!(process.join().expect("join").success());
        });
    });
}

/// Mounts find their places name by name; attributes are set in the older way.
#[test]
fn b05_no_openat2_no_mount_setattr() {
    ns_testbed::run_as!([Root, User, Nested], {
        for number in [libc::SYS_openat2, libc::SYS_mount_setattr] {
            let root =
                std::env::temp_dir().join(format!("ns-process-older-{}", std::process::id()));
            std::fs::create_dir_all(root.join("tmp")).expect("mkdir");
            without(number, Errno::NOSYS, || {
                let mut chroot = Chroot::new(&root, "/nope");
                chroot.map_zero().mount(Mount::tmpfs("/tmp").create()).read_only_root();
                let error = chroot.start().expect_err("nothing is in there");
                assert_eq!((error.step(), error.errno()), (Step::Exec, Some(Errno::NOENT)));
            });
            std::fs::remove_dir_all(&root).expect("remove");
        }
    });
}

/// Without clone3, or with one that does not know all flags, clone(2) makes the same children: a
/// program in its namespaces, one that joins another, a copy of memory, an init beside.
#[test]
fn b04_no_clone3() {
    ns_testbed::run_as!([Root, User, Nested], {
        for errno in [Errno::NOSYS, Errno::INVAL] {
            without(libc::SYS_clone3, errno, || {
                let before = Leftovers::snapshot();
                let kinds = Namespace::ALL.into_iter().filter(|kind| *kind != Namespace::Time);
                let mut container = shell("test $$ = 1 && exit 7");
                container.namespaces(kinds.clone()).map_zero().mount_proc();
                assert_eq!(container.status().expect("start").code(), Some(7));
                let mut target = Container::new("sleep");
                let target = Target::new(target.arg("1000").namespaces(kinds).map_zero());
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
                common::assert_unchanged(&before);
                let beside = container.init(Init::builtin()).status().expect("an init");
                assert_eq!(beside.code(), Some(1), "it is not pid 1");
            });
        }
    });
}

/// What clone(2) cannot carry is an error that names the call and the filter, and no namespace is lost.
#[test]
fn b04_no_clone3_and_no_other_way() {
    ns_testbed::run_as!([Root, User, Nested], {
        let forbidden = |container: &mut Container, errno| {
            let error = container.name("box").start().expect_err("no clone3");
            assert_eq!((error.step(), error.errno()), (Step::Clone, Some(errno)));
            let text = error.to_string();
            assert!(text.contains("seccomp") && text.contains("clone3"), "{text}");
        };
        without(libc::SYS_clone3, Errno::PERM, || {
            forbidden(&mut Container::new("true"), Errno::PERM);
            forbidden(&mut mapped("true"), Errno::PERM);
        });
        without(libc::SYS_clone3, Errno::NOSYS, || forbidden(&mut mapped("true"), Errno::NOSYS));
    });
}

/// A child of clone(2) has the caller's handlers, and must not run one: not even when the program is to
/// have the signals that the caller ignores.
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
                let error = container.start().expect_err("the signal ends it");
                assert_eq!(error.step(), Step::Exec, "{error}");
                assert_eq!(CALLS.load(Ordering::Relaxed), 0);
            }
        });
    });
}

/// clone(2) would take the flag of a time namespace for a part of the exit signal: without clone3 there
/// is an error, or a program with a clock namespace of its own, and never one with the caller's.
#[test]
fn b02_no_clone3_for_a_time_namespace() {
    ns_testbed::run_as!([Root, User, Nested], {
        without(libc::SYS_clone3, Errno::NOSYS, || {
            let own = std::fs::read_link("/proc/self/ns/time").expect("own");
            let mut container = shell("test $(readlink /proc/self/ns/time) != $0");
            container.arg(own).namespaces([Namespace::User, Namespace::Time]).map_zero();
            match container.status() {
                Ok(status) => assert!(status.success(), "it is in the caller's"),
                Err(error) => assert_eq!(error.step(), Step::Clone, "{error}"),
            }
        });
    });
}

/// A closure that clone(2) made has no handlers of the caller's either.
#[test]
fn b04_no_clone3_for_a_closure() {
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

/// From here on children are born in another pid namespace.
fn unshare_pids() {
    if unshare(UnshareFlags::NEWPID).is_err() {
        unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWPID).expect("unshare");
    }
}

/// What a start of `container` says to a caller that has unshared its pid namespace.
fn unshared(container: &Container) -> Option<Errno> {
    let error = container.start().expect_err("not from here");
    assert_eq!(error.step(), Step::Clone, "{error}");
    let named = error.hint().is_some_and(|hint| hint.contains("unshared its pid namespace"));
    assert!(named, "{error}");
    error.errno()
}

/// A caller that has spoilt its own pid namespace is told so; what can be started is started, and never is the
/// number of a process there taken for another's.
#[test]
fn b08_a_caller_that_has_unshared() {
    ns_testbed::run_as!([Root, User, Nested], {
        let code = forked(|| {
            unshare_pids();
            assert_eq!(
                unshared(Container::new("true").namespace(Namespace::Pid)),
                Some(Errno::INVAL)
            );
            let first = shell("exit $$").status().expect("start");
            assert_eq!(first.code(), Some(1), "it is the first process there");
            assert_eq!(unshared(&Container::new("true")), Some(Errno::NOMEM));
            0
        });
        assert_eq!(code, 0);
        let by_others: [fn() -> Container; 3] = [
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
        for made in by_others {
            let code = forked(|| {
                unshare_pids();
                let before = Leftovers::snapshot();
                assert_eq!(unshared(&made()), Some(Errno::INVAL));
                common::assert_unchanged(&before);
                0
            });
            assert_eq!(code, 0);
        }
        let code = forked(|| {
            unshare_pids();
            let closure = Container::from_fn(|| i32::try_from(std::process::id()).unwrap_or(0));
            closure.status().expect("start").code().expect("a code")
        });
        assert_eq!(code, 1);
    });
}

/// A caller that is chrooted may make no user namespace, and the error says that.
#[test]
fn b10_chrooted() {
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

/// Where AppArmor takes the capabilities that a user namespace gives, the switch is named: in a step of
/// the child's, and in a map of the caller's.
#[test]
fn b14_the_switch_of_apparmor() {
    ns_testbed::run_as!([Root], {
        // The switch as Ubuntu has it; the denials have causes of their own.
        let file = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns";
        let none = rustix::mount::MountFlags::empty();
        rustix::mount::mount("none", "/proc/sys/kernel", "tmpfs", none, None).expect("tmpfs");
        let told = |container: &Container, step| {
            let error = container.start().expect_err("denied");
            assert_eq!((error.step(), error.errno()), (step, Some(Errno::PERM)), "{error}");
            error.to_string().contains("apparmor_restrict_unprivileged_userns to 0")
        };
        for (switch, named) in [("0", false), ("1", true)] {
            std::fs::write(file, switch).expect("write");
            as_user(|| {
                let mut container = mapped("true");
                container.without(Namespace::Net).mount(Mount::sysfs("/sys"));
                assert_eq!(told(&container, Step::Mount), named, "{switch}");
                refuse(libc::SYS_write, Errno::PERM);
                assert_eq!(told(&mapped("true"), Step::UidMap), named, "{switch}");
            });
        }
        let none = rustix::mount::UnmountFlags::empty();
        rustix::mount::unmount("/proc/sys/kernel", none).expect("unmount");
    });
}

/// The limit of processes is named with its value.
#[test]
fn b07_no_more_processes() {
    ns_testbed::run_as!([User], {
        let code = forked(|| {
            ns_sys::child::prlimit(Resource::Nproc as u32, 1, 1).expect("prlimit");
            let before = Leftovers::snapshot();
            let error = Container::new("true").start().expect_err("one too many");
            common::assert_unchanged(&before);
            assert_eq!((error.step(), error.errno()), (Step::Clone, Some(Errno::AGAIN)));
            assert!(error.to_string().contains("RLIMIT_NPROC, which is 1"), "{error}");
            0
        });
        assert_eq!(code, 0);
    });
}

/// A program whose loader is missing in its new root is told by the loader's path.
#[test]
fn f13_the_missing_loader_is_named() {
    ns_testbed::run_as!([Root, User, Nested], {
        let root = std::env::temp_dir().join(format!("ns-process-loader-{}", std::process::id()));
        std::fs::create_dir_all(root.join("bin")).expect("mkdir");
        std::fs::copy("/bin/true", root.join("bin/true")).expect("copy");
        std::fs::write(root.join("bin/script"), "#! /usr/bin/nonesuch -x\n").expect("write");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(root.join("bin/script"), mode).expect("chmod");
        let hint = |program: &str| {
            let error = Chroot::new(&root, program).start().expect_err("no loader");
            assert_eq!((error.step(), error.errno()), (Step::Exec, Some(Errno::NOENT)));
            error.hint().expect("a hint").to_owned()
        };
        for program in ["/bin/true", "true"] {
            let told = hint(program);
            assert!(told.contains("/bin/true is there, but its interpreter /lib"), "{told}");
        }
        let told = hint("/bin/script");
        let words = "/bin/script is there, but its interpreter /usr/bin/nonesuch is missing";
        assert_eq!(told, words);
        assert!(hint("/bin/none").starts_with("no such file"));
        std::fs::remove_dir_all(&root).expect("remove");
    });
}

/// As qemu-user does: no clone3, and clone(2) with no flag that fork(2) does not have. Copied memory works
/// without namespaces; what cannot be had names the emulator.
#[test]
fn b17_only_fork() {
    ns_testbed::run_as!([Root, User], {
        let code = forked(|| {
            refuse(libc::SYS_clone3, Errno::NOSYS);
            let instruction = |code, jt, jf, k| ns_sys::child::BpfInstruction { code, jt, jf, k };
            let number = u32::try_from(libc::SYS_clone).expect("small");
            // `CSIGNAL`, `CLONE_CHILD_SETTID` and `CLONE_CHILD_CLEARTID` are what fork(3) gives.
            let forks = 0x0120_00ff;
            let filter = [
                instruction(0x20, 0, 0, 0),
                instruction(0x15, 0, 4, number),
                instruction(0x20, 0, 0, 16),
                instruction(0x54, 0, 0, !forks),
                instruction(0x15, 1, 0, 0),
                instruction(0x06, 0, 0, 0x0005_0000 | Errno::INVAL.raw_os_error().unsigned_abs()),
                instruction(0x06, 0, 0, 0x7fff_0000),
            ];
            // SAFETY: it only makes one call fail.
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
            0
        });
        assert_eq!(code, 0);
    });
}
