//! Parked processes in other namespaces, under an init, and as daemons.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::common::target::{PRINT_NAMESPACES, Target, namespaces_of};
use crate::common::{Directory, Output, assert_unchanged, elf, reap_all, shell, start_error};
use crate::support::{Gate, adopt_orphans, code_of, parked, reap_adopted, release_error, state};
use ns_process::{
    Chroot, Container, Errno, Init, Inject, Namespace, Payload, Signal, Stdio, Step,
    release_at_timeout,
};
use ns_testbed::{LONG, Leftovers, forked};

/// An injected program is in the namespaces of its target, also as a parked process.
#[test]
fn c03_a_parked_process_is_in_the_joined_namespaces() {
    ns_testbed::run_as!([Root, User, Nested], {
        let target = Target::in_all();
        let mut inject = Inject::new(&*target, "sh");
        inject.args(["-c", PRINT_NAMESPACES]).stdout(Stdio::piped());
        let waiting = parked(&inject);
        let expected = namespaces_of(target.pid());
        assert_eq!(namespaces_of(waiting.pid()), expected);
        let process = waiting.release().expect("release");
        let output = process.wait_with_output().expect("output");
        let text = String::from_utf8(output.stdout).expect("text");
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
        // At a path, and with the privileges of the target.
        let mut inject = Inject::new(&*target, "sh");
        inject.args(["-c", "exit 3"]).match_privileges();
        let gate = Gate::of(&mut inject);
        let waiting = parked(&inject);
        release_at_timeout(gate.path(), LONG).expect("release");
        assert_eq!(code_of(waiting.process()), Some(3));
    });
}

/// If the target ends, so does a process parked in its pid namespace, and the release says so.
#[test]
fn c07_a_target_that_ends_is_an_error_of_the_release() {
    ns_testbed::run_as!([Root, User], {
        let before = Leftovers::snapshot();
        let target = Target::in_all();
        let waiting = parked(&Inject::new(&*target, "true"));
        target.kill().expect("kill");
        waiting.process().join().expect("join");
        let error = waiting.release().expect_err("the pid namespace has ended");
        assert_eq!((error.step(), error.errno()), (Step::Exec, None), "{error}");
        drop(target);
        assert_unchanged(&before);
    });
}

/// A process parked in a new root executes the program there.
#[test]
fn s4_a_parked_process_has_the_new_root() {
    ns_testbed::run_as!([Root, User, Nested], {
        let root = Directory::with("root", &["bin"]);
        let tool = root.join("bin/tool");
        fs::write(&tool, elf::program()).expect("write");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&tool, mode).expect("chmod");
        let mut chroot = Chroot::new(&*root, "tool");
        chroot.map_zero().env("PATH", "/bin");
        for read_only in [false, true] {
            if read_only {
                chroot.read_only_root();
            }
            let waiting = parked(&chroot);
            waiting.lookup().expect("lookup");
            assert_eq!(code_of(&waiting.release().expect("release")), Some(7));
        }
        let mut chroot = Chroot::new(&*root, "/bin/tool");
        let waiting = parked(chroot.map_zero().by_chroot());
        assert_eq!(code_of(&waiting.release().expect("release")), Some(7));
    });
}

/// The handle is the init's, the program has ID 2, orphans are reaped, and signals are forwarded.
#[test]
fn f09_a_parked_process_has_an_init() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut container = shell("(true &) ; echo $$; exit 3");
        container.namespaces([Namespace::User, Namespace::Pid]).map_zero().init(Init::builtin());
        container.stdout(Stdio::piped());
        let waiting = parked(&container);
        let pid = waiting.pid();
        assert_eq!(waiting.process().pid(), pid);
        let process = waiting.release().expect("release");
        assert_eq!(process.pid(), pid);
        let output = process.wait_with_output().expect("output");
        assert_eq!((&*output.stdout, output.status.code()), (&b"2\n"[..], Some(3)));
        let mut container = shell("exec sleep 1000");
        container.namespaces([Namespace::User, Namespace::Pid]).map_zero().init(Init::builtin());
        let process = parked(&container).release().expect("release");
        process.terminate().expect("signal");
        assert_eq!(process.join().expect("join").signal(), Some(15));
        // By the caller's choice, from a file.
        let init = Output::new();
        fs::write(init.path(), Init::executable()).expect("write");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(init.path(), mode).expect("chmod");
        let mut container = shell("exit 4");
        container.namespaces([Namespace::User, Namespace::Pid]).map_zero();
        container.init(Init::path(init.path()));
        assert_eq!(code_of(&parked(&container).release().expect("release")), Some(4));
    });
}

/// A daemon is parked as any other process, and is no child of the caller.
#[test]
fn s1_daemonize_parks_a_daemon() {
    ns_testbed::run_as!([Root, User, Nested], {
        adopt_orphans();
        for namespaces in [false, true] {
            let output = Output::new();
            let mut container = shell(&format!("echo $PPID > {}", output.path()));
            container.daemonize();
            if namespaces {
                container.namespaces([Namespace::User, Namespace::Pid]).map_zero();
            }
            let waiting = parked(&container);
            let pid = waiting.pid();
            assert!(state(pid).is_some_and(|state| state != 'Z'));
            let process = waiting.release().expect("release");
            assert_eq!(code_of(&process), Some(0));
            assert_eq!(output.read().trim() == "0", namespaces, "process 1 has no parent");
            // A failed release leaves nothing, and neither does a dropped handle.
            let mut missing = Container::new("/nope");
            let waiting = parked(missing.daemonize());
            let pid = waiting.pid();
            let error = waiting.release().expect_err("missing");
            assert_eq!((error.step(), error.errno()), (Step::Exec, Some(Errno::NOENT)), "{error}");
            reap_all();
            assert_eq!(state(pid), None);
            let waiting = parked(&container);
            let pid = waiting.pid();
            drop(waiting);
            reap_all();
            assert_eq!(state(pid), None);
        }
    });
}

/// The signal on the exit of the starting thread reaches the parked process, and the program.
#[test]
fn f05_the_parent_death_signal_reaches_a_parked_process() {
    ns_testbed::run_as!([Root, User], {
        for under_init in [false, true] {
            let mut container = shell("exec sleep 1000");
            container.die_with_parent();
            if under_init {
                container.namespaces([Namespace::User, Namespace::Pid]).map_zero();
                container.init(Init::builtin());
            }
            let waiting = thread::scope(|scope| scope.spawn(|| parked(&container)).join());
            let waiting = waiting.expect("the thread");
            let status = waiting.process().join().expect("join");
            assert_eq!(status.signal(), Some(9), "{status}");
            let error = waiting.release().expect_err("killed");
            assert_eq!((error.step(), error.errno()), (Step::Exec, None), "{error}");
            // Another thread may release the process; the one that started it counts.
            let (sender, receiver) = mpsc::channel();
            let (end, ended) = mpsc::channel::<()>();
            let starter = thread::spawn(move || {
                sender.send(parked(&container)).expect("send");
                let _ = ended.recv();
            });
            let waiting = receiver.recv().expect("receive");
            let process = thread::spawn(|| waiting.release().expect("release")).join();
            let process = process.expect("the thread");
            assert_eq!(process.join_timeout(Duration::from_millis(30)).expect("join"), None);
            drop(end);
            starter.join().expect("the thread");
            assert_eq!(process.join().expect("join").signal(), Some(9));
        }
        // Any other signal.
        let mut container = shell("trap 'exit 6' USR1; echo; while :; do read line; done");
        container.parent_death_signal(Signal::USR1);
        container.stdin(Stdio::piped()).stdout(Stdio::piped());
        let starter = thread::spawn(move || {
            let mut process = parked(&container).release().expect("release");
            let mut output = process.take_stdout().expect("the pipe");
            std::io::Read::read_exact(&mut output, &mut [0]).expect("the program runs");
            process
        });
        assert_eq!(code_of(&starter.join().expect("the thread")), Some(6));
    });
}

/// The process is killed with its parent also if it waits at a path.
#[test]
fn f06_a_process_at_a_path_may_die_with_its_parent() {
    ns_testbed::run_as!([Root, User], {
        adopt_orphans();
        let pid_file = Output::new();
        let mut container = shell("exit 3");
        let gate = Gate::of(container.die_with_parent());
        let code = forked(|| {
            let waiting = parked(&container);
            fs::write(pid_file.path(), waiting.pid().to_string()).expect("write");
            std::mem::forget(waiting);
            0
        });
        assert_eq!(code, 0);
        let pid = pid_file.read().parse().expect("a process ID");
        assert_eq!(reap_adopted(pid), None, "it was killed");
        drop(container);
        let error = release_at_timeout(gate.path(), LONG).expect_err("killed");
        assert_eq!(error.errno(), Some(Errno::CONNREFUSED), "{error}");
    });
}

/// Without a security module that takes the label, the release fails as a start does.
#[test]
fn s2_label_of_a_parked_process_is_written_at_the_release() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut container = Container::new("true");
        container.name("box").exec_label("no such label");
        let expected = start_error(&container);
        let error = release_error(&container);
        assert_eq!((error.step(), error.errno()), (Step::ExecLabel, expected.errno()), "{error}");
        assert_eq!(error.object(), expected.object());
        assert_eq!(error.hint(), expected.hint());
        let before = Leftovers::snapshot();
        let error = parked(&container).release_with(&Payload::new()).expect_err("no such label");
        assert_eq!(error.step(), Step::ExecLabel, "{error}");
        let gate = Gate::of(&mut container);
        let waiting = parked(&container);
        let error = release_at_timeout(gate.path(), LONG).expect_err("no such label");
        assert_eq!((error.step(), error.errno()), (Step::ExecLabel, expected.errno()), "{error}");
        drop((waiting, gate, container));
        assert_unchanged(&before);
    });
}

/// With `close_fds(false)` the program inherits what a plain start gives it.
#[test]
fn e01_inherited_descriptors_stay_open() {
    ns_testbed::run_as!([Root, User], {
        let inherited = fs::File::open("/dev/zero").expect("open");
        let flags = rustix::io::FdFlags::empty();
        rustix::io::fcntl_setfd(&inherited, flags).expect("fcntl");
        let mut container = shell("ls /proc/self/fd | wc -l; readlink /proc/self/fd/* | grep zero");
        container.close_fds(false).stdout(Stdio::piped());
        let plain = container.output().expect("start");
        let process = parked(&container).release().expect("release");
        let output = process.wait_with_output().expect("output");
        assert_eq!(output, plain);
        assert!(output.stdout.ends_with(b"/dev/zero\n"));
        let _gate = Gate::of(&mut container);
        let process = parked(&container).release().expect("release");
        assert_eq!(process.wait_with_output().expect("output"), plain);
    });
}

/// Processes are parked in great number, and released in any order by other threads.
#[test]
fn s2_start_parks_many_processes() {
    ns_testbed::run_as!([Root, User], {
        let mut container = shell("exit $CODE");
        container.namespaces([Namespace::User, Namespace::Pid]).map_zero();
        let waiting: Vec<_> = (0..40)
            .map(|code| {
                container.env("CODE", code.to_string());
                (code, parked(&container))
            })
            .collect();
        let released: Vec<_> = waiting
            .into_iter()
            .rev()
            .map(|(code, waiting)| {
                thread::spawn(move || (code, code_of(&waiting.release().expect("release"))))
            })
            .collect();
        for thread in released {
            let (expected, code) = thread.join().expect("the thread");
            assert_eq!(code, Some(expected));
        }
        reap_all();
    });
}
