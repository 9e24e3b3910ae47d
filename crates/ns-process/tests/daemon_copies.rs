//! Daemons that are closures, or have hooks in the child, or live in the namespaces of another process.
#![allow(unsafe_code, reason = "hooks, and signals")]

mod common;

use std::fmt::Display;
use std::fs;
use std::io;
use std::time::Duration;

use common::target::Target;
use common::{Output, eventually, shell};
use ns_process::{Builder, Container, Errno, Inject, Namespace, Process, Signal, Step};
use ns_sys::pidfd_send_signal;
use ns_testbed::{LONG, Leftovers};
use rustix::process::{Pid, WaitOptions, kill_process, set_child_subreaper, wait, waitpid};

/// As of `common`; orphans are its children.
fn alone(body: impl FnOnce()) {
    common::alone(|| {
        set_child_subreaper(Pid::from_raw(1)).expect("subreaper");
        body();
    });
}

fn end(process: &Process) {
    process.kill().expect("kill");
    eventually("it is dead", || !process.is_alive().expect("ask"));
    while wait(WaitOptions::NOHANG).is_ok_and(|ended| ended.is_some()) {}
}

/// Writes what a daemon is, and sleeps.
fn tell(path: String) -> impl FnMut() + Send + 'static {
    move || {
        let stdio = [0, 1, 2].map(|number| fs::read_link(format!("/proc/self/fd/{number}")));
        let is_null = stdio
            .iter()
            .all(|link| link.as_ref().is_ok_and(|path| path.as_os_str() == "/dev/null"));
        let mask = rustix::process::umask(rustix::fs::Mode::empty()).bits();
        let own = rustix::process::getpid().as_raw_pid();
        let leads = session_of("self") == Some(own.to_string());
        fs::write(&path, format!("{is_null} {mask} {leads} {} {}\n", links().join(" "), own))
            .expect("write");
        std::thread::sleep(Duration::from_secs(1000));
    }
}

fn links() -> Vec<String> {
    let link = |kind: &str| fs::read_link(format!("/proc/self/ns/{kind}")).expect("a link");
    ["user", "pid", "net", "uts"].map(|kind| link(kind).display().to_string()).to_vec()
}

/// A field of `/proc/PID/stat`, counted as in proc_pid_stat(5).
fn field(pid: impl Display, number: usize) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(") ").next()?.split(' ').nth(number - 3).map(str::to_owned)
}

fn parent_of(pid: u32) -> String {
    field(pid, 4).expect("it lives")
}

/// 0 where the session lies outside, for which rustix's getsid has no word.
fn session_of(pid: impl Display) -> Option<String> {
    field(pid, 6)
}

/// What it wrote.
fn told(output: &Output) -> String {
    let is_told = || fs::read_to_string(output.path()).is_ok_and(|text| text.ends_with('\n'));
    eventually("it has told", is_told);
    output.read()
}

/// A closure as a daemon is what a program is as one: not the caller's child, in a session that it does not lead.
#[test]
fn s1_daemonize_a_closure() {
    ns_testbed::run_as!([Root, User, Nested], {
        alone(|| {
            let own = std::process::id();
            let output = Output::new();
            let mut daemon = Container::from_fn(tell(output.path().to_owned()));
            let process = daemon.daemonize().start().expect("start");
            let links = links().join(" ");
            assert_eq!(told(&output), format!("true 0 false {links} {}\n", process.pid()));
            assert_eq!(parent_of(process.pid()), own.to_string(), "the subreaper's");
            assert_ne!(session_of(process.pid()), session_of(own));
            assert_eq!(process.join_timeout(Duration::from_millis(20)).expect("join"), None);
            end(&process);
            let output = Output::new();
            let mut daemon = Container::from_fn(tell(output.path().to_owned()));
            daemon
                .namespaces([Namespace::User, Namespace::Pid, Namespace::Time])
                .map_zero()
                .daemonize();
            let process = daemon.start().expect("start");
            assert!(told(&output).ends_with(" 1\n"), "{}", output.read());
            std::thread::sleep(Duration::from_millis(200));
            assert!(process.is_alive().expect("ask"), "it is the first process there, and lives");
            end(&process);
        });
    });
}

/// As the caller's child it is the caller's to reap, and its value is told.
#[test]
fn s1_daemonize_a_closure_as_child() {
    ns_testbed::run_as!([Root, User, Nested], {
        alone(|| {
            let own = std::process::id();
            let output = Output::new();
            let mut daemon = Container::from_fn(tell(output.path().to_owned()));
            let process = daemon.daemonize_as_child().start().expect("start");
            let links = links().join(" ");
            assert_eq!(told(&output), format!("true 0 false {links} {}\n", process.pid()));
            assert_eq!(parent_of(process.pid()), own.to_string());
            assert_ne!(session_of(process.pid()), session_of(own));
            process.kill().expect("kill");
            assert_eq!(process.exit_code_when_joined(), -9);
            let mut value = Container::from_fn(|| 7);
            let process = value.daemonize_as_child().start().expect("start");
            assert_eq!(process.exit_code_when_joined(), 7);
        });
    });
}

/// The handle's own words for it.
trait Joined {
    fn exit_code_when_joined(&self) -> i32;
}

impl Joined for Process {
    fn exit_code_when_joined(&self) -> i32 {
        self.join().expect("join");
        self.exit_code().expect("code").expect("it has ended")
    }
}

/// A hook runs in the daemon, and what it says is what the start says.
#[test]
fn s1_daemonize_with_hooks() {
    ns_testbed::run_as!([Root, User, Nested], {
        alone(|| {
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
            assert_eq!(told(&output), format!("{} false\n", process.pid()));
            end(&process);
            // SAFETY: as above.
            unsafe { daemon.preexec(|_| Err::<(), _>(io::Error::other("not today"))) };
            let error = daemon.start().expect_err("the hook fails");
            assert_eq!((error.step(), error.object()), (Step::Preexec, Some("not today")));
        });
    });
}

/// Whatever fails is told, and nothing is left.
#[test]
fn f20_daemon_copies_that_fail() {
    ns_testbed::run_as!([Root, User, Nested], {
        alone(|| {
            let before = Leftovers::snapshot();
            let mut closure = Container::from_fn(|| ());
            let error = closure.daemonize().workdir("/no/such").start().expect_err("unknown");
            assert_eq!((error.step(), error.errno()), (Step::Workdir, Some(Errno::NOENT)));
            let mut unknown = Container::new("no-such-program");
            // SAFETY: the hook does nothing.
            unsafe { unknown.daemonize().preup(|_| ()) };
            let error = unknown.start().expect_err("unknown");
            assert_eq!((error.step(), error.errno()), (Step::Exec, Some(Errno::NOENT)));
            for signal in [Signal::KILL, Signal::STOP] {
                let mut dies = Container::from_fn(|| ());
                dies.namespaces([Namespace::User]).map_zero().daemonize();
                dies.before_go(move |child| pidfd_send_signal(child, signal));
                let (step, limit) = match signal {
                    Signal::KILL => (Step::Exec, LONG),
                    _ => (Step::StartTimeout, Duration::from_millis(300)),
                };
                let error = dies.start_timeout(limit).start().expect_err("dies");
                assert_eq!(error.step(), step, "{error}");
            }
            // A daemon that was given up may be an orphan for a moment.
            eventually("nobody is left", || wait(WaitOptions::NOHANG).is_err());
            common::assert_unchanged(&before);
        });
    });
}

/// Whoever else waits for children, the start knows that the closure has begun.
#[test]
fn f04_a_daemon_and_another_reaper() {
    ns_testbed::run_as!([User], {
        alone(|| {
            // SAFETY: the start has to do without zombies.
            unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
            for _ in 0..20 {
                let mut closure = Container::from_fn(|| ());
                closure.daemonize().start().expect("start");
            }
        });
    });
}

/// In the namespaces of another process, and not ended with its handle as other injected processes are.
#[test]
fn s5_inject_a_daemon() {
    fn check<Kind>(daemon: &Builder<Kind>, output: &Output, target: &Target) {
        let process = daemon.start().expect("start");
        let (pid, text) = (process.pid(), told(output));
        drop(process);
        std::thread::sleep(Duration::from_millis(20));
        let (lives_on, session) = (fs::exists(format!("/proc/{pid}")), session_of(pid));
        // Before anything is found wrong: unreaped, it would keep the target from ending.
        let daemon = Pid::from_raw(pid.cast_signed()).expect("a pid");
        kill_process(daemon, Signal::KILL).expect("it is nobody else's yet");
        assert_eq!(
            waitpid(Some(daemon), WaitOptions::empty()).expect("adopted").map(|(pid, _)| pid),
            Some(daemon)
        );
        assert!(lives_on.expect("asked"));
        assert_ne!(session, session_of(std::process::id()));
        for kind in [Namespace::User, Namespace::Pid, Namespace::Net, Namespace::Uts] {
            let link = fs::read_link(target.file(kind)).expect("a link").display().to_string();
            assert!(text.contains(&link), "{kind}: {text}");
        }
    }
    ns_testbed::run_as!([Root, User, Nested], {
        alone(|| {
            let target = Target::in_all();
            let output = Output::new();
            let links =
                "readlink /proc/self/ns/user /proc/self/ns/pid /proc/self/ns/net /proc/self/ns/uts";
            let script = format!("echo $({links}) > {}; exec sleep 1000", output.path());
            let mut program = Inject::new(&*target, "sh");
            program.args(["-c", &script]).daemonize();
            check(&program, &output, &target);
            let output = Output::new();
            let mut closure = Inject::from_fn(&*target, tell(output.path().to_owned()));
            check(closure.daemonize(), &output, &target);
        });
    });
}
