//! Closures, and programs with hooks, under an init.
#![allow(unsafe_code, reason = "hooks")]

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use crate::common::{Output, assert_unchanged, eventually, in_child, shell, wait_for_line};
use ns_process::{Container, Errno, HookContext, Init, Namespace, Step};
use ns_testbed::Leftovers;

fn under_init(container: &mut Container) -> &mut Container {
    container.namespaces([Namespace::User, Namespace::Pid, Namespace::Mnt]).map_zero().mount_proc();
    container.init(Init::builtin())
}

/// A closure is process 2, its parent is the init, libc has its thread ID, and it inherits no descriptor of the start.
#[test]
fn f08_a_closure_is_not_process_1() {
    ns_testbed::run_as!([Root, User, Nested], {
        in_child(|| {
            let mut closure = Container::from_fn(|| {
                // SAFETY: takes nothing.
                let thread = unsafe { libc::pthread_self() };
                // SAFETY: the current thread exists.
                let thread = unsafe { libc::pthread_kill(thread, 0) };
                let (own, parent) = (std::process::id(), std::os::unix::process::parent_id());
                let name = || fs::read_to_string("/proc/1/comm").expect("process 1");
                eventually("process 1 is the init", || name() == "init\n");
                let files = fs::read_dir("/proc/self/fd").expect("files").flatten();
                let files = files.filter_map(|file| fs::read_link(file.path()).ok());
                let is_of_start = |file: &std::path::PathBuf| {
                    let name = file.display().to_string();
                    name.contains("memfd:init")
                        || name.contains("eventfd")
                        || name.contains("pidfd")
                };
                let left = files.filter(is_of_start).count();
                print!("{own} {parent} {thread} {left}");
            });
            let output = under_init(&mut closure).output().expect("start");
            assert_eq!(String::from_utf8_lossy(&output.stdout), "2 1 0 0");
            assert!(output.status.success());
        });
    });
}

/// The value of a closure is reported, its signal as a signal, and a signal to the init reaches it.
#[test]
fn f14_the_status_of_a_closure_under_an_init() {
    ns_testbed::run_as!([Root, User, Nested], {
        in_child(|| {
            let before = Leftovers::snapshot();
            let status = under_init(&mut Container::from_fn(|| 7)).status().expect("start");
            assert_eq!(status.code(), Some(7));
            let mut panics = Container::from_fn(|| assert_eq!(1, 2, "on purpose"));
            let status =
                under_init(panics.stderr(ns_process::Stdio::null())).status().expect("start");
            assert_eq!(status.code(), Some(101));
            let mut sleeps = Container::from_fn(|| std::thread::sleep(Duration::from_secs(1000)));
            let process = under_init(&mut sleeps).start().expect("start");
            process.terminate().expect("signal");
            assert_eq!(process.join().expect("join").signal(), Some(libc::SIGTERM));
            drop(process);
            assert_unchanged(&before);
        });
    });
}

/// The init reaps orphans while the closure runs.
#[test]
fn f09_orphans_of_a_closure_are_reaped() {
    ns_testbed::run_as!([Root, User, Nested], {
        in_child(|| {
            let mut closure = Container::from_fn(|| {
                let orphan =
                    std::process::Command::new("sh").args(["-c", "sleep 0 & echo $!"]).output();
                let orphan = String::from_utf8(orphan.expect("start").stdout).expect("a number");
                let directory = format!("/proc/{}", orphan.trim());
                eventually("it is reaped", || !fs::exists(&directory).expect("stat"));
            });
            assert!(under_init(&mut closure).status().expect("start").success());
        });
    });
}

/// Sets hooks that append their name and process ID to a file.
fn record_hooks(container: &mut Container, path: &str, is_closure: bool) {
    let record = |name: &'static str| {
        let path = path.to_owned();
        move |context: &HookContext| {
            let mut file = fs::File::options().append(true).create(true).open(&path)?;
            writeln!(file, "{name} {}", context.pid())
        }
    };
    // SAFETY: the caller has one thread.
    unsafe { container.preup(record("preup")) };
    // SAFETY: as above.
    unsafe { container.exceptup(record("exceptup")) };
    // SAFETY: as above.
    unsafe { container.postup(record("postup")) };
    // SAFETY: as above.
    unsafe { container.preexec(record("preexec")) };
    // SAFETY: as above.
    unsafe { container.exceptexec(record("exceptexec")) };
    if is_closure {
        // SAFETY: as above.
        unsafe { container.postexec(record("postexec")) };
    }
}

/// Each hook runs once, in the init or in the child.
#[test]
fn s3_hooks_under_an_init_run_once() {
    ns_testbed::run_as!([Root, User, Nested], {
        in_child(|| {
            let recorded = |mut container: Container, is_closure: bool| {
                let output = Output::new();
                record_hooks(under_init(&mut container), output.path(), is_closure);
                let started = container.status();
                (output.read().replace('\n', ", "), started)
            };
            let (text, status) = recorded(shell("exit 7"), false);
            assert_eq!(text, "preup 1, postup 2, preexec 2, ");
            assert_eq!(status.expect("start").code(), Some(7));
            let (text, status) = recorded(Container::from_fn(|| 7), true);
            assert_eq!(text, "preup 1, postup 2, preexec 2, postexec 2, ");
            assert_eq!(status.expect("start").code(), Some(7));
            let (text, status) = recorded(Container::from_fn(|| Err::<(), _>("no")), true);
            assert_eq!(text, "preup 1, postup 2, preexec 2, exceptexec 2, postexec 2, ");
            assert_eq!(status.expect("start").code(), Some(1));
            let (text, status) = recorded(Container::new("/no/such"), false);
            assert_eq!(text, "preup 1, postup 2, preexec 2, exceptexec 2, ");
            assert_eq!(status.expect_err("no such file").errno(), Some(Errno::NOENT));
            let mut nowhere = shell("exit 7");
            nowhere.workdir("/no/such");
            let (text, status) = recorded(nowhere, false);
            assert_eq!(text, "preup 1, exceptup 1, postup 1, ");
            assert_eq!(status.expect_err("no such file").step(), Step::Workdir);
        });
    });
}

/// Each failure is reported, and nothing is left.
#[test]
fn f20_a_closure_that_fails_under_an_init_leaves_nothing() {
    ns_testbed::run_as!([Root, User, Nested], {
        in_child(|| {
            let before = Leftovers::snapshot();
            for late in [false, true] {
                let mut hooked = Container::from_fn(|| ());
                let fails = |_: &HookContext| Err::<(), _>(std::io::Error::other("not today"));
                if late {
                    // SAFETY: the caller has one thread.
                    unsafe { hooked.preexec(fails) };
                } else {
                    // SAFETY: as above.
                    unsafe { hooked.preup(fails) };
                }
                let error = under_init(&mut hooked).start().expect_err("the hook fails");
                let step = if late { Step::Preexec } else { Step::Preup };
                assert_eq!((error.step(), error.object()), (step, Some("not today")));
            }
            let mut exits = Container::from_fn(|| ());
            let exit = |_: &HookContext| -> Result<(), Errno> {
                // SAFETY: exits before the closure begins.
                unsafe { libc::_exit(3) }
            };
            // SAFETY: the caller has one thread.
            unsafe { exits.preexec(exit) };
            let error = under_init(&mut exits).start().expect_err("it has exited");
            assert_eq!((error.step(), error.errno()), (Step::Exec, None), "{error}");
            assert_unchanged(&before);
        });
    });
}

/// A closure as a daemon keeps running under its init.
#[test]
fn f10_a_daemon_closure_under_an_init_keeps_running() {
    ns_testbed::run_as!([Root, User, Nested], {
        in_child(|| {
            let output = Output::new();
            let path = output.path().to_owned();
            let mut daemon = Container::from_fn(move || {
                fs::write(&path, format!("{}\n", std::process::id())).expect("write");
                std::thread::sleep(Duration::from_secs(1000));
            });
            let process = under_init(&mut daemon).daemonize().start().expect("start");
            wait_for_line(output.path());
            assert_eq!(output.read(), "2\n");
            assert!(process.is_alive().expect("is_alive"));
            process.kill().expect("kill");
            eventually("it has exited", || !process.is_alive().expect("is_alive"));
        });
    });
}

/// The plan shows which hooks and calls the init and the child make.
#[test]
fn s3_a_plan_shows_the_hooks_of_init_and_child() {
    ns_testbed::run_as!([User], {
        let mut closure = Container::from_fn(|| ());
        // SAFETY: never started.
        unsafe { closure.preup(|_| ()) };
        // SAFETY: as above.
        unsafe { closure.preexec(|_| ()) };
        let text = under_init(&mut closure).plan().expect("plan").describe().to_string();
        let position =
            |line: &str| text.find(line).unwrap_or_else(|| panic!("{line:?} in\n{text}"));
        let order =
            ["init: preup", "init: clone3(", "init: execveat(", "child: preexec", "child: closure"];
        assert!(order.map(position).is_sorted(), "{text}");
        let clone = text.lines().find(|line| line.starts_with("init: clone3(")).expect("a line");
        assert!(!clone.contains("CLONE_VM"), "{clone}");
    });
}

/// If memfds may not be executed, both inits work: the built-in one, and one that is given by its path.
#[test]
fn f08_without_executable_memfds_an_init_works() {
    ns_testbed::run_as!([Root], {
        let output = Output::new();
        fs::write(output.path(), Init::executable()).expect("write");
        fs::set_permissions(output.path(), fs::Permissions::from_mode(0o755)).expect("chmod");
        let path = output.path().to_owned();
        // Each pid namespace has this sysctl.
        let mut closure = Container::from_fn(move || {
            fs::write("/proc/sys/vm/memfd_noexec", "2").expect("Linux 6.3");
            let mut container = shell("exit 7");
            assert_eq!(under_init(&mut container).status().expect("start").code(), Some(7));
            assert_eq!(container.init(Init::path(&path)).status().expect("start").code(), Some(7));
        });
        in_child(|| {
            let output = closure.namespace(Namespace::Pid).output().expect("start");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        });
    });
}
