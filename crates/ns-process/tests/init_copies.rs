//! A closure, or a program with hooks, beside an init.
#![allow(unsafe_code, reason = "hooks")]

mod common;

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use common::{Output, alone, eventually, shell};
use ns_process::{Container, Errno, HookContext, Init, Namespace, Step};
use ns_testbed::Leftovers;

fn beside(container: &mut Container) -> &mut Container {
    container.namespaces([Namespace::User, Namespace::Pid, Namespace::Mnt]).map_zero().mount_proc();
    container.init(Init::builtin())
}

/// It is an ordinary process whose parent is the init, libc knows its numbers, and it has nothing of the start's.
#[test]
fn f08_a_closure_is_not_pid_1() {
    ns_testbed::run_as!([Root, User, Nested], {
        alone(|| {
            let mut closure = Container::from_fn(|| {
                // SAFETY: asks for a number.
                let thread = unsafe { libc::pthread_self() };
                // SAFETY: this thread lives.
                let thread = unsafe { libc::pthread_kill(thread, 0) };
                let (own, parent) = (std::process::id(), std::os::unix::process::parent_id());
                let name = || fs::read_to_string("/proc/1/comm").expect("pid 1");
                eventually("pid 1 is the init", || name() == "init\n");
                let files = fs::read_dir("/proc/self/fd").expect("files").flatten();
                let files = files.filter_map(|file| fs::read_link(file.path()).ok());
                let is_left = |file: &std::path::PathBuf| {
                    let name = file.display().to_string();
                    name.contains("memfd:init")
                        || name.contains("eventfd")
                        || name.contains("pidfd")
                };
                let left = files.filter(is_left).count();
                print!("{own} {parent} {thread} {left}");
            });
            let output = beside(&mut closure).output().expect("start");
            assert_eq!(String::from_utf8_lossy(&output.stdout), "2 1 0 0");
            assert!(output.status.success());
        });
    });
}

/// Its value is told, its signal is told as one, and a signal for the init reaches it.
#[test]
fn f14_a_closure_beside_an_init() {
    ns_testbed::run_as!([Root, User, Nested], {
        alone(|| {
            let before = Leftovers::snapshot();
            let status = beside(&mut Container::from_fn(|| 7)).status().expect("start");
            assert_eq!(status.code(), Some(7));
            let mut panics = Container::from_fn(|| assert_eq!(1, 2, "on purpose"));
            let status = beside(panics.stderr(ns_process::Stdio::null())).status().expect("start");
            assert_eq!(status.code(), Some(101));
            let mut sleeps = Container::from_fn(|| std::thread::sleep(Duration::from_secs(1000)));
            let process = beside(&mut sleeps).start().expect("start");
            process.terminate().expect("signal");
            assert_eq!(process.join().expect("join").signal(), Some(libc::SIGTERM));
            drop(process);
            common::assert_unchanged(&before);
        });
    });
}

/// With the closure all ends that is left in the namespace, and what loses its parent is reaped.
#[test]
fn f09_zombies_beside_a_closure() {
    ns_testbed::run_as!([Root, User, Nested], {
        alone(|| {
            let mut closure = Container::from_fn(|| {
                let orphan =
                    std::process::Command::new("sh").args(["-c", "sleep 0 & echo $!"]).output();
                let orphan = String::from_utf8(orphan.expect("start").stdout).expect("a number");
                let folder = format!("/proc/{}", orphan.trim());
                eventually("it is reaped", || !fs::exists(&folder).expect("asked"));
            });
            assert!(beside(&mut closure).status().expect("start").success());
        });
    });
}

/// Notes where and when each hook runs.
fn note_all(container: &mut Container, path: &str, is_closure: bool) {
    let noted = |name: &'static str| {
        let path = path.to_owned();
        move |context: &HookContext| {
            let mut file = fs::File::options().append(true).create(true).open(&path)?;
            writeln!(file, "{name} {}", context.pid())
        }
    };
    // SAFETY: the caller has one thread; so of the others.
    unsafe { container.preup(noted("preup")) };
    // SAFETY: as above.
    unsafe { container.exceptup(noted("exceptup")) };
    // SAFETY: as above.
    unsafe { container.postup(noted("postup")) };
    // SAFETY: as above.
    unsafe { container.preexec(noted("preexec")) };
    // SAFETY: as above.
    unsafe { container.exceptexec(noted("exceptexec")) };
    if is_closure {
        // SAFETY: as above.
        unsafe { container.postexec(noted("postexec")) };
    }
}

/// Each hook runs once, in one of the two processes.
#[test]
fn s3_hooks_beside_an_init() {
    ns_testbed::run_as!([Root, User, Nested], {
        alone(|| {
            let noted = |mut container: Container, is_closure: bool| {
                let output = Output::new();
                note_all(beside(&mut container), output.path(), is_closure);
                let started = container.status();
                (output.read().replace('\n', ", "), started)
            };
            let (text, status) = noted(shell("exit 7"), false);
            assert_eq!(text, "preup 1, postup 2, preexec 2, ");
            assert_eq!(status.expect("start").code(), Some(7));
            let (text, status) = noted(Container::from_fn(|| 7), true);
            assert_eq!(text, "preup 1, postup 2, preexec 2, postexec 2, ");
            assert_eq!(status.expect("start").code(), Some(7));
            let (text, status) = noted(Container::from_fn(|| Err::<(), _>("no")), true);
            assert_eq!(text, "preup 1, postup 2, preexec 2, exceptexec 2, postexec 2, ");
            assert_eq!(status.expect("start").code(), Some(1));
            let (text, status) = noted(Container::new("/no/such"), false);
            assert_eq!(text, "preup 1, postup 2, preexec 2, exceptexec 2, ");
            assert_eq!(status.expect_err("unknown").errno(), Some(Errno::NOENT));
            let mut nowhere = shell("exit 7");
            nowhere.workdir("/no/such");
            let (text, status) = noted(nowhere, false);
            assert_eq!(text, "preup 1, exceptup 1, postup 1, ");
            assert_eq!(status.expect_err("unknown").step(), Step::Workdir);
        });
    });
}

/// What fails is told in its words, and nothing is left.
#[test]
fn f20_copies_beside_an_init_that_fail() {
    ns_testbed::run_as!([Root, User, Nested], {
        alone(|| {
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
                let error = beside(&mut hooked).start().expect_err("the hook fails");
                let step = if late { Step::Preexec } else { Step::Preup };
                assert_eq!((error.step(), error.object()), (step, Some("not today")));
            }
            let mut dies = Container::from_fn(|| ());
            let die = |_: &HookContext| -> Result<(), Errno> {
                // SAFETY: ends the process before its closure.
                unsafe { libc::_exit(3) }
            };
            // SAFETY: the caller has one thread.
            unsafe { dies.preexec(die) };
            let error = beside(&mut dies).start().expect_err("it is dead");
            assert_eq!((error.step(), error.errno()), (Step::Exec, None), "{error}");
            common::assert_unchanged(&before);
        });
    });
}

/// As a daemon it lives on, and is not the caller's.
#[test]
fn f10_a_daemon_beside_an_init() {
    ns_testbed::run_as!([Root, User, Nested], {
        alone(|| {
            let output = Output::new();
            let path = output.path().to_owned();
            let mut daemon = Container::from_fn(move || {
                fs::write(&path, format!("{}\n", std::process::id())).expect("write");
                std::thread::sleep(Duration::from_secs(1000));
            });
            let process = beside(&mut daemon).daemonize().start().expect("start");
            eventually("it has told", || {
                fs::read_to_string(output.path()).is_ok_and(|text| text == "2\n")
            });
            assert!(process.is_alive().expect("ask"));
            process.kill().expect("kill");
            eventually("it is dead", || !process.is_alive().expect("ask"));
        });
    });
}

/// The plan tells which of both does what.
#[test]
fn s3_what_a_plan_says_of_both() {
    ns_testbed::run_as!([User], {
        let mut closure = Container::from_fn(|| ());
        // SAFETY: never started.
        unsafe { closure.preup(|_| ()) };
        // SAFETY: as above.
        unsafe { closure.preexec(|_| ()) };
        let text = beside(&mut closure).plan().expect("plan").describe().to_string();
        let place = |line: &str| text.find(line).unwrap_or_else(|| panic!("{line:?} in\n{text}"));
        let order =
            ["init: preup", "init: clone3(", "init: execveat(", "child: preexec", "child: closure"];
        assert!(order.map(place).is_sorted(), "{text}");
        let clone = text.lines().find(|line| line.starts_with("init: clone3(")).expect("a line");
        assert!(!clone.contains("CLONE_VM"), "{clone}");
    });
}

/// Where no file in memory may be executed the error names the switch, and an init in a file goes on.
#[test]
fn f08_where_no_memfd_executes() {
    ns_testbed::run_as!([Root], {
        let output = Output::new();
        fs::write(output.path(), Init::executable()).expect("write");
        fs::set_permissions(output.path(), fs::Permissions::from_mode(0o755)).expect("chmod");
        let path = output.path().to_owned();
        // The switch is the pid namespace's.
        let mut forbidden = Container::from_fn(move || {
            fs::write("/proc/sys/vm/memfd_noexec", "2").expect("Linux 6.3");
            let mut container = shell("exit 7");
            let error = beside(&mut container).start().expect_err("forbidden");
            assert_eq!((error.step(), error.errno()), (Step::Prepare, Some(Errno::ACCESS)));
            let hint = "vm.memfd_noexec is 2: give an init by Init::path";
            assert_eq!(error.hint(), Some(hint));
            assert_eq!(container.init(Init::path(&path)).status().expect("start").code(), Some(7));
        });
        alone(|| {
            let output = forbidden.namespace(Namespace::Pid).output().expect("start");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        });
    });
}
