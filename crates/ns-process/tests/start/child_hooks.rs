//! Hooks in the child: their order, their errors and their cost.
#![allow(unsafe_code, reason = "hooks are unsafe to register")]

use std::fs;
use std::io::{self, Write};
use std::sync::OnceLock;

use crate::common::{Output, assert_unchanged, reap_all};
use ns_process::{Container, Errno, HookContext, Namespace, Side, Stdio, Step};
use ns_testbed::{Leftovers, SharedMount, forked};

/// A hook that appends its name to a file, with the failed step if there is one.
fn record(path: &str, name: &'static str) -> impl FnMut(&HookContext) -> io::Result<()> + use<> {
    let path = path.to_owned();
    move |context| {
        let failed = context.failed_step().map_or_else(String::new, |step| format!("({step})"));
        let mut file = fs::OpenOptions::new().append(true).create(true).open(&path)?;
        write!(file, "{name}{failed} ")
    }
}

/// Sets the hook with this name.
fn hook(
    container: &mut Container,
    name: &str,
    hook: impl FnMut(&HookContext) -> io::Result<()> + Send + 'static,
) {
    macro_rules! set {
        ($($setter:ident)+) => {
            match name {
                $(stringify!($setter) => {
                    // SAFETY: the hooks of this file take no lock that another thread may hold.
                    unsafe { container.$setter(hook) }
                })+
                _ => panic!("no such hook"),
            }
        };
    }
    set!(preup exceptup postup preexec exceptexec postexec);
}

fn all_hooks(container: &mut Container, path: &str, is_closure: bool) {
    for name in ["preup", "exceptup", "postup", "preexec", "exceptexec"] {
        hook(container, name, record(path, name));
    }
    if is_closure {
        hook(container, "postexec", record(path, "postexec"));
    }
}

fn mapped(mut container: Container) -> Container {
    container.namespaces([Namespace::User, Namespace::Mnt, Namespace::Pid]).map_zero();
    container
}

/// The hooks that the start of a program calls, and the step that failed.
fn hooks_called_for(program: &str, change: impl FnOnce(&mut Container)) -> (String, Option<Step>) {
    let file = Output::new();
    fs::write(file.path(), "").expect("write");
    let mut container = mapped(Container::new(program));
    all_hooks(&mut container, file.path(), false);
    change(&mut container);
    let failed = container.status().err().map(|error| error.step());
    (file.read().trim().to_owned(), failed)
}

/// Each hook is called once, in the documented order.
#[test]
fn s3_hooks_of_a_program_are_called_in_order() {
    ns_testbed::run_as!([Root, User, Nested], {
        let (calls, failed) = hooks_called_for("true", |_| ());
        assert_eq!((calls.as_str(), failed), ("preup postup preexec", None));
        let (calls, failed) = hooks_called_for("no-such-program", |_| ());
        assert_eq!(calls, "preup postup preexec exceptexec(execve)");
        assert_eq!(failed, Some(Step::Exec));
        let (calls, failed) = hooks_called_for("true", |container| {
            container.workdir("/nowhere");
        });
        assert_eq!(calls, "preup exceptup(workdir) postup(workdir)");
        assert_eq!(failed, Some(Step::Workdir));
    });
}

/// As for a program. A closure has a hook at its end as well.
#[test]
fn s3_hooks_of_a_closure_are_called_in_order() {
    ns_testbed::run_as!([Root, User], {
        for (panics, calls) in [
            (false, "preup postup preexec target postexec"),
            (true, "preup postup preexec target exceptexec postexec"),
        ] {
            let file = Output::new();
            let path = file.path().to_owned();
            let code = forked(|| {
                let own = path.clone();
                let mut container = mapped(Container::from_fn(move || {
                    let mut file = fs::OpenOptions::new().append(true).open(&own).expect("open");
                    write!(file, "target ").expect("write");
                    assert!(!panics, "on purpose");
                }));
                all_hooks(&mut container, &path, true);
                container.stderr(Stdio::null());
                container.status().expect("start").code().expect("code")
            });
            assert_eq!(code, if panics { 101 } else { 0 });
            assert_eq!(file.read().trim(), calls);
        }
    });
}

/// An error or a panic of a hook is the error of the start, and nothing is left behind.
#[test]
fn f12_a_hook_error_is_the_error_of_the_start() {
    ns_testbed::run_as!([Root, User], {
        let fails = |name: &str, panics: bool| {
            let mut container = mapped(Container::new("true"));
            container.stderr(Stdio::null());
            hook(&mut container, name, move |_| {
                assert!(!panics, "on purpose");
                Err(io::Error::from_raw_os_error(13))
            });
            container.start().expect_err("the hook fails")
        };
        let before = Leftovers::snapshot();
        for step in [Step::Preup, Step::Postup, Step::Preexec] {
            let error = fails(step.name(), false);
            assert_eq!((error.step(), error.side()), (step, Side::Child));
            assert_eq!(error.errno(), Some(Errno::ACCESS));
            assert!(error.object().is_some_and(|object| object.contains("Permission denied")));
        }
        let error = fails("preup", true);
        assert_eq!(error.errno(), Some(Errno::CANCELED));
        assert_eq!(error.object(), Some("on purpose"));
        assert_unchanged(&before);
    });
}

/// A program cannot have a `postexec` hook, and the plan shows the copied memory that a hook needs.
#[test]
fn s3_a_plan_shows_the_cost_of_hooks() {
    ns_testbed::run_as!([User], {
        let mut container = Container::new("true");
        let shared = container.plan().expect("plan").describe().to_string();
        assert!(shared.starts_with("memory: shared with the caller"), "{shared}");
        container.before_go(|_| ());
        let shared = container.plan().expect("plan").describe().to_string();
        assert!(shared.starts_with("memory: shared with the caller"), "{shared}");
        // SAFETY: the hook does nothing.
        unsafe { container.preup(|_| ()) };
        let copied = container.plan().expect("plan").describe().to_string();
        assert!(copied.starts_with("memory: copied from the caller"), "{copied}");
        assert!(copied.contains("child: preup\n"), "{copied}");
        // SAFETY: as above.
        unsafe { container.postexec(|_| ()) };
        let error = container.start().expect_err("refused");
        assert_eq!(error.step(), Step::Check);
        assert!(error.to_string().contains("postexec"), "{error}");
    });
}

/// A hook can mount in the mount namespace of the child; the mount does not appear in the caller's.
#[test]
fn d06_a_mount_of_a_hook_stays_in_the_child() {
    ns_testbed::run_as!([Root, User, Nested], {
        let shared = rustix::process::geteuid().is_root().then(SharedMount::new);
        let mount_point = shared.as_ref().map_or("/mnt".into(), |shared| shared.path().to_owned());
        let mut container = Container::new("ls");
        container.arg(&mount_point).namespace(Namespace::Mnt);
        if shared.is_none() {
            container.namespace(Namespace::User).map_zero();
        }
        let inside = mount_point.clone();
        hook(&mut container, "preup", move |context| {
            assert!(context.pid() > 0 && context.errno().is_none());
            let flags = rustix::mount::MountFlags::empty();
            rustix::mount::mount("tmpfs", &inside, "tmpfs", flags, None)?;
            fs::write(inside.join("hooked"), "")
        });
        assert_eq!(container.output().expect("start").stdout, b"hooked\n");
        assert!(!fs::exists(mount_point.join("hooked")).expect("stat"));
    });
}

/// No panic in a hook unwinds into the caller, nor a panic while its payload is formatted or dropped.
#[test]
fn f19_no_hook_unwinds_into_the_caller() {
    #[derive(Debug)]
    struct Bomb;
    impl std::fmt::Display for Bomb {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("in Display");
        }
    }
    impl std::error::Error for Bomb {}
    impl Drop for Bomb {
        fn drop(&mut self) {
            assert!(std::thread::panicking(), "dropped");
        }
    }
    ns_testbed::run_as!([User], {
        let own = std::process::id();
        let throws: [fn() -> Result<(), Bomb>; 2] = [|| Err(Bomb), || std::panic::panic_any(Bomb)];
        for throw in throws {
            let mut container = Container::new("true");
            container.stderr(Stdio::null());
            // SAFETY: the hook only panics.
            unsafe { container.preup(move |_| throw()) };
            let error = container.start().expect_err("the hook fails");
            assert_eq!(std::process::id(), own, "the child returned from the hook");
            assert!(matches!(error.step(), Step::Preup | Step::Exec), "{error}");
        }
        reap_all();
    });
}

/// The error has the object of the failed step, whatever later hooks return.
#[test]
fn f12_a_later_hook_does_not_replace_the_error() {
    ns_testbed::run_as!([User], {
        let mut container = Container::new("true");
        container.workdir("/nowhere");
        for name in ["exceptup", "postup"] {
            hook(&mut container, name, |_| Err(io::Error::other("cleaning failed")));
        }
        let error = container.start().expect_err("no such directory");
        assert_eq!((error.step(), error.object()), (Step::Workdir, Some("/nowhere")));
    });
}

/// A hook that starts its own builder gets an error instead of a deadlock.
#[test]
fn s3_a_hook_cannot_start_its_own_builder() {
    static OWN: OnceLock<Container> = OnceLock::new();
    ns_testbed::run_as!([User], {
        let mut container = Container::new("true");
        hook(&mut container, "preexec", |_| {
            let error = OWN.get().expect("set").start().expect_err("its own builder");
            assert_eq!(error.step(), Step::Check);
            Err(io::Error::other("refused"))
        });
        let error = OWN.get_or_init(|| container).start().expect_err("the hook fails");
        assert_eq!(error.object(), Some("refused"), "{error}");
    });
}
