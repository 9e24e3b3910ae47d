//! A process can be released once.

use crate::common::{reap_all, shell};
use crate::support::{Gate, code_of, parked};
use ns_process::{Errno, Signal, Step, release_at, release_at_timeout, release_by};
use ns_testbed::LONG;

/// A second release at the path is refused, while the program runs and after it has exited. The
/// caller's copy of the socket does not matter.
#[test]
fn f43_a_second_release_at_a_path_is_refused() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut container = shell("read line");
        container.stdin(ns_process::Stdio::piped());
        let gate = Gate::of(&mut container);
        let parked = parked(&container);
        release_at_timeout(gate.path(), LONG).expect("release");
        for _ in 0..2 {
            let error = release_at(gate.path()).expect_err("released before");
            assert_eq!((error.step(), error.errno()), (Step::Release, Some(Errno::CONNREFUSED)));
            assert!(error.to_string().contains("was released before, or has ended"), "{error}");
            parked.process().kill().expect("kill");
            parked.process().join().expect("join");
        }
    });
}

/// The handle of a process that waits at a path releases it through the path. If another process has
/// released it before, the handle is that of the running program.
#[test]
fn f43_the_handle_and_the_path_release_the_same_process() {
    ns_testbed::run_as!([Root, User], {
        let mut container = shell("exit 6");
        let gate = Gate::of(&mut container);
        let process = parked(&container).release().expect("release");
        assert_eq!(code_of(&process), Some(6));
        release_at(gate.path()).expect_err("released before");
        let mut container = shell("exec sleep 1000");
        let gate = Gate::of(&mut container);
        let parked = parked(&container);
        release_at(gate.path()).expect("release");
        let process = parked.release().expect("the program has been executed");
        assert!(process.is_alive().expect("alive"));
        process.kill().expect("kill");
        process.join().expect("join");
    });
}

/// A process that was killed at a path answers no release; the caller's copy of the socket does not matter.
#[test]
fn f43_the_handle_of_a_dead_process_at_a_path_does_not_wait() {
    ns_testbed::run_as!([Root, User], {
        let mut container = shell("exit 6");
        let _gate = Gate::of(&mut container);
        let parked = parked(&container);
        parked.process().kill().expect("kill");
        let error = parked.release().expect_err("it is dead");
        assert_eq!((error.step(), error.errno()), (Step::Exec, None), "{error}");
    });
}

/// The error names the program, and no directory of the search.
#[test]
fn f13_a_release_at_a_path_names_the_program() {
    ns_testbed::run_as!([Root, User], {
        let mut container = ns_process::Container::new("no-such-program");
        container.env("PATH", "/usr/bin:/bin");
        let gate = Gate::of(&mut container);
        let parked = parked(&container);
        let error = release_at_timeout(gate.path(), LONG).expect_err("no such program");
        assert_eq!((error.step(), error.errno()), (Step::Exec, Some(Errno::NOENT)));
        assert_eq!(error.object(), Some("no-such-program"));
        assert_eq!(error.hint(), Some("no such program in PATH"));
        drop(parked);
        assert_eq!(release_at("").expect_err("no path").errno(), Some(Errno::NOENT));
    });
}

/// A second release by the gate is an error.
#[test]
fn f43_a_second_release_by_the_gate_is_an_error() {
    ns_testbed::run_as!([Root, User], {
        for ended in [false, true] {
            let parked = parked(&shell("exec sleep 1000"));
            let pid = parked.pid();
            let pidfd = ns_sys::pidfd_open(pid).expect("pidfd");
            let gate = parked.detach().expect("detach");
            release_by(&gate).expect("release");
            if ended {
                ns_sys::pidfd_send_signal(&pidfd, Signal::KILL).expect("kill");
                reap_all();
            }
            let error = release_by(&gate).expect_err("released before");
            assert_eq!(error.step(), Step::Release, "{error}");
            let errno = error.errno().expect("an errno");
            assert!([Errno::PIPE, Errno::CONNRESET].contains(&errno), "{error}");
            assert!(error.to_string().contains("was released before, or has ended"), "{error}");
            let _ = ns_sys::pidfd_send_signal(&pidfd, Signal::KILL);
            reap_all();
        }
    });
}
