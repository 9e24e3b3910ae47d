//! Daemons that are closures, have hooks in the child, or join the namespaces of another process.
#![allow(unsafe_code, reason = "hooks, and signals")]

use std::fmt::Display;
use std::fs;
use std::io;
use std::time::Duration;

use crate::common::target::Target;
use crate::common::{Output, assert_unchanged, eventually, in_child, shell, wait_for_line};
use ns_process::{Builder, Container, Errno, Inject, Namespace, Process, Signal, Step};
use ns_sys::pidfd_send_signal;
use ns_testbed::{LONG, Leftovers};
use rustix::process::{Pid, WaitOptions, kill_process, set_child_subreaper, wait, waitpid};

/// Runs `body` in a forked child that is the parent of orphaned descendants.
fn in_subreaper(body: impl FnOnce()) {
    in_child(|| {
        set_child_subreaper(Pid::from_raw(1)).expect("subreaper");
        body();
    });
}

fn kill_and_reap(process: &Process) {
    process.kill().expect("kill");
    eventually("it has exited", || !process.is_alive().expect("is_alive"));
    while wait(WaitOptions::NOHANG).is_ok_and(|ended| ended.is_some()) {}
}

/// A closure that writes the state of its process to a file, and sleeps.
fn report(path: String) -> impl FnMut() + Send + 'static {
    move || {
        let stdio = [0, 1, 2].map(|number| fs::read_link(format!("/proc/self/fd/{number}")));
        let is_null = stdio
            .iter()
            .all(|link| link.as_ref().is_ok_and(|path| path.as_os_str() == "/dev/null"));
        let mask = rustix::process::umask(rustix::fs::Mode::empty()).bits();
        let own = rustix::process::getpid().as_raw_pid();
        let leads = session_of("self") == Some(own.to_string());
        let links = links().join(" ");
        fs::write(&path, format!("{is_null} {mask} {leads} {links} {own}\n")).expect("write");
        std::thread::sleep(Duration::from_secs(1000));
    }
}

fn links() -> Vec<String> {
    let link = |kind: &str| fs::read_link(format!("/proc/self/ns/{kind}")).expect("a link");
    ["user", "pid", "net", "uts"].map(|kind| link(kind).display().to_string()).to_vec()
}

/// A field of `/proc/PID/stat`, numbered as in proc_pid_stat(5).
fn field(pid: impl Display, number: usize) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(") ").next()?.split(' ').nth(number - 3).map(str::to_owned)
}

fn parent_of(pid: u32) -> String {
    field(pid, 4).expect("a running process")
}

/// 0 if the session leader is outside the pid namespace, which rustix's getsid cannot return.
fn session_of(pid: impl Display) -> Option<String> {
    field(pid, 6)
}

/// The report, once it is written.
fn reported(output: &Output) -> String {
    wait_for_line(output.path());
    output.read()
}

/// A closure as a daemon is no child of the caller and runs in a session that it does not lead.
#[test]
fn s1_daemonize_a_closure() {
    ns_testbed::run_as!([Root, User, Nested], {
        in_subreaper(|| {
            let own = std::process::id();
            let output = Output::new();
            let mut daemon = Container::from_fn(report(output.path().to_owned()));
            let process = daemon.daemonize().start().expect("start");
            let links = links().join(" ");
            assert_eq!(reported(&output), format!("true 0 false {links} {}\n", process.pid()));
            assert_eq!(parent_of(process.pid()), own.to_string(), "the parent is the subreaper");
            assert_ne!(session_of(process.pid()), session_of(own));
            assert_eq!(process.join_timeout(Duration::from_millis(20)).expect("join"), None);
            kill_and_reap(&process);
            let output = Output::new();
            let mut daemon = Container::from_fn(report(output.path().to_owned()));
            daemon
                .namespaces([Namespace::User, Namespace::Pid, Namespace::Time])
                .map_zero()
                .daemonize();
            let process = daemon.start().expect("start");
            assert!(reported(&output).ends_with(" 1\n"), "{}", output.read());
            std::thread::sleep(Duration::from_millis(200));
            assert!(process.is_alive().expect("is_alive"), "process 1 keeps running");
            kill_and_reap(&process);
        });
    });
}

/// With `daemonize_as_child` the closure is a child of the caller, and its value is reported.
#[test]
fn s1_daemonize_a_closure_as_child() {
    ns_testbed::run_as!([Root, User, Nested], {
        in_subreaper(|| {
            let own = std::process::id();
            let output = Output::new();
            let mut daemon = Container::from_fn(report(output.path().to_owned()));
            let process = daemon.daemonize_as_child().start().expect("start");
            let links = links().join(" ");
            assert_eq!(reported(&output), format!("true 0 false {links} {}\n", process.pid()));
            assert_eq!(parent_of(process.pid()), own.to_string());
            assert_ne!(session_of(process.pid()), session_of(own));
            process.kill().expect("kill");
            assert_eq!(exit_code(&process), -9);
            let mut value = Container::from_fn(|| 7);
            let process = value.daemonize_as_child().start().expect("start");
            assert_eq!(exit_code(&process), 7);
        });
    });
}

fn exit_code(process: &Process) -> i32 {
    process.join().expect("join");
    process.exit_code().expect("code").expect("it has exited")
}

/// A hook runs in the daemon, and its error is the error of the start.
#[test]
fn s1_daemonize_with_hooks() {
    ns_testbed::run_as!([Root, User, Nested], {
        in_subreaper(|| {
            let output = Output::new();
            let mut daemon = shell("exec sleep 1000");
            let path = output.path().to_owned();
            let hook = move |context: &ns_process::HookContext| {
                let leads = session_of("self") == Some(context.pid().to_string());
                fs::write(&path, format!("{} {leads}\n", context.pid()))
            };
            // SAFETY: the caller has one thread.
            unsafe { daemon.daemonize().preup(hook) };
            let process = daemon.start().expect("start");
            assert_eq!(reported(&output), format!("{} false\n", process.pid()));
            kill_and_reap(&process);
            // SAFETY: as above.
            unsafe { daemon.preexec(|_| Err::<(), _>(io::Error::other("not today"))) };
            let error = daemon.start().expect_err("the hook fails");
            assert_eq!((error.step(), error.object()), (Step::Preexec, Some("not today")));
        });
    });
}

/// Each failure is reported, and nothing is left.
#[test]
fn f20_a_daemon_closure_that_fails_leaves_nothing() {
    ns_testbed::run_as!([Root, User, Nested], {
        in_subreaper(|| {
            let before = Leftovers::snapshot();
            let mut closure = Container::from_fn(|| ());
            let error = closure.daemonize().workdir("/no/such").start().expect_err("no such file");
            assert_eq!((error.step(), error.errno()), (Step::Workdir, Some(Errno::NOENT)));
            let mut unknown = Container::new("no-such-program");
            // SAFETY: the hook does nothing.
            unsafe { unknown.daemonize().preup(|_| ()) };
            let error = unknown.start().expect_err("no such file");
            assert_eq!((error.step(), error.errno()), (Step::Exec, Some(Errno::NOENT)));
            for signal in [Signal::KILL, Signal::STOP] {
                let mut fails = Container::from_fn(|| ());
                fails.namespaces([Namespace::User]).map_zero().daemonize();
                fails.before_go(move |child| pidfd_send_signal(child, signal));
                let (step, limit) = match signal {
                    Signal::KILL => (Step::Exec, LONG),
                    _ => (Step::StartTimeout, Duration::from_millis(300)),
                };
                let error = fails.start_timeout(limit).start().expect_err("the signal");
                assert_eq!(error.step(), step, "{error}");
            }
            // A killed daemon may be an orphan for a moment.
            eventually("no child is left", || wait(WaitOptions::NOHANG).is_err());
            assert_unchanged(&before);
        });
    });
}

/// If SIGCHLD is ignored, the start of a daemon still succeeds.
#[test]
fn f04_a_daemon_closure_starts_if_children_are_not_kept() {
    ns_testbed::run_as!([User], {
        in_subreaper(|| {
            // SAFETY: sets a disposition of this process.
            unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
            for _ in 0..20 {
                let mut closure = Container::from_fn(|| ());
                closure.daemonize().start().expect("start");
            }
        });
    });
}

/// An injected daemon runs in the namespaces of the target, and dropping its handle does not kill it.
#[test]
fn s5_an_injected_daemon_survives_its_handle() {
    fn check<Kind>(daemon: &Builder<Kind>, output: &Output, target: &Target) {
        let process = daemon.start().expect("start");
        let (pid, text) = (process.pid(), reported(output));
        drop(process);
        std::thread::sleep(Duration::from_millis(20));
        let (lives_on, session) = (fs::exists(format!("/proc/{pid}")), session_of(pid));
        // First of all, because an unreaped child would keep the target from terminating.
        let daemon = Pid::from_raw(pid.cast_signed()).expect("a pid");
        kill_process(daemon, rustix::process::Signal::KILL).expect("kill the adopted daemon");
        assert_eq!(
            waitpid(Some(daemon), WaitOptions::empty()).expect("adopted").map(|(pid, _)| pid),
            Some(daemon)
        );
        assert!(lives_on.expect("stat"));
        assert_ne!(session, session_of(std::process::id()));
        for kind in [Namespace::User, Namespace::Pid, Namespace::Net, Namespace::Uts] {
            let link = fs::read_link(target.file(kind)).expect("a link").display().to_string();
            assert!(text.contains(&link), "{kind}: {text}");
        }
    }
    ns_testbed::run_as!([Root, User, Nested], {
        in_subreaper(|| {
            let target = Target::in_all();
            let output = Output::new();
            let links =
                "readlink /proc/self/ns/user /proc/self/ns/pid /proc/self/ns/net /proc/self/ns/uts";
            let script = format!("echo $({links}) > {}; exec sleep 1000", output.path());
            let mut program = Inject::new(&*target, "sh");
            program.args(["-c", &script]).daemonize();
            check(&program, &output, &target);
            let output = Output::new();
            let mut closure = Inject::from_fn(&*target, report(output.path().to_owned()));
            check(closure.daemonize(), &output, &target);
        });
    });
}
