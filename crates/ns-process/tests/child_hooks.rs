//! Hooks in the child: their order, their errors, and what they cost.
#![allow(unsafe_code, reason = "hooks are unsafe to register")]

mod common;

use std::fs;
use std::io::{self, Write};
use std::sync::OnceLock;

use common::Output;
use ns_process::{Container, Errno, HookContext, Namespace, Side, Stdio, Step};
use ns_testbed::{Leftovers, SharedMount, forked};

/// Adds each call to a file, with what the hook was told.
fn record(path: &str, name: &'static str) -> impl FnMut(&HookContext) -> io::Result<()> + use<> {
    let path = path.to_owned();
    move |context| {
        let failed = context.failed_step().map_or_else(String::new, |step| format!("({step})"));
        let mut file = fs::OpenOptions::new().append(true).create(true).open(&path)?;
        write!(file, "{name}{failed} ")
    }
}

/// The six setters, by their names.
fn hook(
    container: &mut Container,
    name: &str,
    hook: impl FnMut(&HookContext) -> io::Result<()> + Send + 'static,
) {
    macro_rules! set {
        ($($setter:ident)+) => {
            match name {
                $(stringify!($setter) => {
                    // SAFETY: the hooks of this file take no lock of another thread's.
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

/// The calls of a program's start, and whether it failed.
fn of_program(program: &str, change: impl FnOnce(&mut Container)) -> (String, Option<Step>) {
    let file = Output::new();
    fs::write(file.path(), "").expect("write");
    let mut container = mapped(Container::new(program));
    all_hooks(&mut container, file.path(), false);
    change(&mut container);
    let failed = container.status().err().map(|error| error.step());
    (file.read().trim().to_owned(), failed)
}

/// In the order of the documentation, each once.
#[test]
fn s3_hooks_of_a_program() {
    ns_testbed::run_as!([Root, User, Nested], {
        let (calls, failed) = of_program("true", |_| ());
        assert_eq!((calls.as_str(), failed), ("preup postup preexec", None));
        let (calls, failed) = of_program("no-such-program", |_| ());
        assert_eq!(calls, "preup postup preexec exceptexec(execve)");
        assert_eq!(failed, Some(Step::Exec));
        let (calls, failed) = of_program("true", |container| {
            container.workdir("/nowhere");
        });
        assert_eq!(calls, "preup exceptup(workdir) postup(workdir)");
        assert_eq!(failed, Some(Step::Workdir));
    });
}

/// The same of a closure, whose end they see.
#[test]
fn s3_hooks_of_a_closure() {
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

/// What a hook returns or panics with is the start's error, and nothing is left behind.
#[test]
fn f12_a_hook_fails() {
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
            assert!(error.object().is_some_and(|said| said.contains("Permission denied")));
        }
        let error = fails("preup", true);
        assert_eq!(error.errno(), Some(Errno::CANCELED));
        assert_eq!(error.object(), Some("on purpose"));
        common::assert_unchanged(&before);
    });
}

/// A program cannot have a hook after it, and the plan tells what hooks cost.
#[test]
fn s3_what_a_plan_says_of_hooks() {
    ns_testbed::run_as!([User], {
        let mut container = Container::new("true");
        let shared = container.plan().expect("plan").describe().to_string();
        assert!(shared.starts_with("memory: shared; tail: exec\n"), "{shared}");
        container.before_go(|_| ());
        let shared = container.plan().expect("plan").describe().to_string();
        assert!(shared.starts_with("memory: shared; tail: exec\n"), "{shared}");
        // SAFETY: the hook does nothing.
        unsafe { container.preup(|_| ()) };
        let copied = container.plan().expect("plan").describe().to_string();
        assert!(copied.starts_with("memory: copied; tail: exec\n"), "{copied}");
        assert!(copied.contains("child: preup\n"), "{copied}");
        // SAFETY: as above.
        unsafe { container.postexec(|_| ()) };
        let error = container.start().expect_err("refused");
        assert_eq!(error.step(), Step::Check);
        assert!(error.to_string().contains("postexec"), "{error}");
    });
}

/// A hook mounts in the child's namespace, and not in the caller's.
#[test]
fn d06_a_hook_mounts() {
    ns_testbed::run_as!([Root, User, Nested], {
        let shared = rustix::process::geteuid().is_root().then(SharedMount::new);
        let place = shared.as_ref().map_or("/mnt".into(), |shared| shared.path().to_owned());
        let mut container = Container::new("ls");
        container.arg(&place).namespace(Namespace::Mnt);
        if shared.is_none() {
            container.namespace(Namespace::User).map_zero();
        }
        let inside = place.clone();
        hook(&mut container, "preup", move |context| {
            assert!(context.pid() > 0 && context.errno().is_none());
            let flags = rustix::mount::MountFlags::empty();
            rustix::mount::mount("tmpfs", &inside, "tmpfs", flags, None)?;
            fs::write(inside.join("hooked"), "")
        });
        assert_eq!(container.output().expect("start").stdout, b"hooked\n");
        assert!(!fs::exists(place.join("hooked")).expect("asked"));
    });
}

/// Nothing of a hook's comes back into the caller: not its panic, nor that of what it threw.
#[test]
fn f19_no_hook_unwinds() {
    #[derive(Debug)]
    struct Bomb;
    impl std::fmt::Display for Bomb {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("words");
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
            assert_eq!(std::process::id(), own, "a child came back");
            assert!(matches!(error.step(), Step::Preup | Step::Exec), "{error}");
        }
        common::eventually("what starts gave up is reaped", || ns_process::reap() == 0);
    });
}

/// The object is that of the step that failed, whatever a later hook says.
#[test]
fn f12_a_later_hook_says_nothing() {
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

/// A hook that starts its own builder is told so, and does not wait for itself.
#[test]
fn s3_a_hook_cannot_start_itself() {
    static OWN: OnceLock<Container> = OnceLock::new();
    ns_testbed::run_as!([User], {
        let mut container = Container::new("true");
        hook(&mut container, "preexec", |_| {
            let error = OWN.get().expect("set").start().expect_err("itself");
            assert_eq!(error.step(), Step::Check);
            Err(io::Error::other("told"))
        });
        let error = OWN.get_or_init(|| container).start().expect_err("the hook fails");
        assert_eq!(error.object(), Some("told"), "{error}");
    });
}
