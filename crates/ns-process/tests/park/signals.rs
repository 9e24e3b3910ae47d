//! Signals to a parked process.

use std::fs;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::thread;
use std::time::Duration;

use crate::common::{assert_unchanged, reap_all, rounds, shell};
use crate::support::{Gate, await_call, await_state, code_of, parked};
use ns_process::{
    Container, Errno, Init, Namespace, Signal, Step, release_at, release_at_timeout,
    release_by_timeout,
};
use ns_testbed::{LONG, Leftovers};

const SHORT: Duration = Duration::from_millis(30);

/// As process 1 of a pid namespace.
fn process_1(script: &str) -> Container {
    let mut container = shell(script);
    container.namespaces([Namespace::User, Namespace::Pid]).map_zero();
    container
}

/// A signal that would kill the program kills the parked process, and the release says so.
#[test]
fn f27_a_killed_parked_process_is_an_error_of_exec() {
    ns_testbed::run_as!([Root, User, Nested], {
        for signal in [Signal::KILL, Signal::USR1, Signal::TERM, Signal::SEGV] {
            for awaited in [false, true] {
                let before = Leftovers::snapshot();
                let parked = parked(&shell("exit 3"));
                parked.process().signal(signal).expect("signal");
                if awaited {
                    let status = parked.process().join().expect("join");
                    assert_eq!(status.signal(), Some(signal.as_raw()));
                }
                let error = parked.release().expect_err("killed");
                assert_eq!((error.step(), error.errno()), (Step::Exec, None), "{error}");
                let words = format!("ended by signal {} before it executed", signal.as_raw());
                assert!(error.to_string().contains(&words), "{error}");
                assert_unchanged(&before);
            }
        }
    });
}

/// A process that is killed during its release has executed the program, or the release fails.
#[test]
fn f27_a_kill_during_the_release_is_an_error_or_a_signal() {
    ns_testbed::run_as!([Root, User], {
        let before = Leftovers::snapshot();
        let (mut executed, mut failed) = (0, 0);
        for round in 0..rounds(2000, 100) {
            let parked = parked(&shell("exec sleep 1000"));
            let pidfd = parked.process().pidfd().try_clone_to_owned().expect("dup");
            let killer = thread::spawn(move || {
                thread::sleep(Duration::from_micros(round % 10 * 100));
                ns_sys::pidfd_send_signal(&pidfd, Signal::KILL).expect("kill");
            });
            match parked.release() {
                Ok(process) => {
                    executed += 1;
                    // A zombie keeps its name.
                    let name = fs::read_to_string(format!("/proc/{}/comm", process.pid()));
                    assert!(["sh\n", "sleep\n"].contains(&&*name.expect("read")));
                    assert_eq!(process.join().expect("join").signal(), Some(9));
                }
                Err(error) => {
                    failed += 1;
                    assert_eq!((error.step(), error.errno()), (Step::Exec, None), "{error}");
                }
            }
            killer.join().expect("the thread");
        }
        println!("shown: {executed} executed and {failed} failed");
        assert_unchanged(&before);
    });
}

/// Process 1 of a pid namespace ignores `SIGTERM` while it is parked, and `SIGKILL` ends it.
#[test]
fn f08_a_parked_process_1_ignores_sigterm() {
    ns_testbed::run_as!([Root, User, Nested], {
        let waiting = parked(&process_1("exit 3"));
        for signal in [Signal::TERM, Signal::USR1, Signal::INT] {
            waiting.process().signal(signal).expect("signal");
        }
        assert_eq!(waiting.process().join_timeout(SHORT).expect("join"), None);
        assert_eq!(code_of(&waiting.release().expect("release")), Some(3));
        let waiting = parked(&process_1("exit 3"));
        let status = waiting.process().terminate_timeout(SHORT).expect("terminate");
        assert_eq!(status.signal(), Some(9));
        let error = waiting.release().expect_err("killed");
        assert_eq!((error.step(), error.errno()), (Step::Exec, None), "{error}");
    });
}

/// Under an init, a signal to the handle ends the parked process, and its release fails.
#[test]
fn f08_an_init_forwards_signals_to_the_parked_process() {
    ns_testbed::run_as!([Root, User, Nested], {
        let before = Leftovers::snapshot();
        let mut container = process_1("trap 'exit 4' TERM; echo; while :; do read line; done");
        container.init(Init::builtin()).stdin(ns_process::Stdio::piped());
        let waiting = parked(&container);
        waiting.process().terminate().expect("signal");
        assert_eq!(waiting.process().join().expect("join").signal(), Some(15));
        let error = waiting.release().expect_err("ended");
        assert_eq!((error.step(), error.errno()), (Step::Exec, None), "{error}");
        // After the release, the program has the signal.
        let mut process =
            parked(container.stdout(ns_process::Stdio::piped())).release().expect("release");
        let mut output = process.take_stdout().expect("the pipe");
        std::io::Read::read_exact(&mut output, &mut [0]).expect("the program runs");
        process.terminate().expect("signal");
        assert_eq!(code_of(&process), Some(4));
        drop((process, output));
        assert_unchanged(&before);
    });
}

/// A parked process that was stopped and continued is released.
#[test]
fn f22_a_stopped_parked_process_is_released_after_it_continues() {
    ns_testbed::run_as!([Root, User], {
        for at_path in [false, true] {
            let mut container = shell("exit 3");
            let gate = at_path.then(|| Gate::of(&mut container));
            let waiting = parked(&container);
            waiting.process().signal(Signal::STOP).expect("signal");
            await_state(waiting.pid(), 'T');
            waiting.process().signal(Signal::CONT).expect("signal");
            assert_eq!(code_of(&waiting.release().expect("release")), Some(3));
            drop(gate);
            // It continues during the release.
            let mut container = shell("exit 3");
            let gate = at_path.then(|| Gate::of(&mut container));
            let waiting = parked(&container);
            waiting.process().signal(Signal::STOP).expect("signal");
            await_state(waiting.pid(), 'T');
            let pidfd = waiting.process().pidfd().try_clone_to_owned().expect("dup");
            let other = thread::spawn(move || {
                thread::sleep(SHORT);
                ns_sys::pidfd_send_signal(&pidfd, Signal::CONT).expect("continue");
            });
            assert_eq!(code_of(&waiting.release().expect("release")), Some(3));
            other.join().expect("the thread");
            drop(gate);
        }
    });
}

/// The release of a stopped process ends at its limit, and leaves nothing behind.
#[test]
fn f32_the_release_of_a_stopped_process_has_a_limit() {
    ns_testbed::run_as!([Root, User], {
        let before = Leftovers::snapshot();
        for at_path in [false, true] {
            let mut container = shell("exit 3");
            let gate = at_path.then(|| Gate::of(&mut container));
            // The limit applies to the start as well.
            let waiting = parked(container.start_timeout(SHORT * 20));
            waiting.process().signal(Signal::STOP).expect("signal");
            await_state(waiting.pid(), 'T');
            let error = waiting.release().expect_err("stopped");
            let found = (error.step(), error.errno());
            assert_eq!(found, (Step::StartTimeout, Some(Errno::TIMEDOUT)), "{error}");
            drop((container, gate));
            assert_unchanged(&before);
        }
    });
}

/// The same at a path and by a gate. A process that continues later exits, because no process would
/// receive its answer.
#[test]
fn f32_a_release_by_another_process_has_a_limit() {
    ns_testbed::run_as!([Root, User], {
        let mut container = shell("exit 3");
        let gate = Gate::of(&mut container);
        let waiting = parked(&container);
        waiting.process().signal(Signal::STOP).expect("signal");
        await_state(waiting.pid(), 'T');
        let error = release_at_timeout(gate.path(), SHORT).expect_err("stopped");
        assert_eq!((error.step(), error.errno()), (Step::StartTimeout, Some(Errno::TIMEDOUT)));
        waiting.process().signal(Signal::CONT).expect("signal");
        assert_eq!(code_of(waiting.process()), Some(125));
        let waiting = parked(&shell("exit 3"));
        let pidfd = waiting.process().pidfd().try_clone_to_owned().expect("dup");
        let pid = waiting.pid();
        let gate = waiting.detach().expect("detach");
        ns_sys::pidfd_send_signal(&pidfd, Signal::STOP).expect("stop");
        await_state(pid, 'T');
        let error = release_by_timeout(&gate, SHORT).expect_err("stopped");
        assert_eq!((error.step(), error.errno()), (Step::StartTimeout, Some(Errno::TIMEDOUT)));
        ns_sys::pidfd_send_signal(&pidfd, Signal::CONT).expect("continue");
        drop(gate);
        reap_all();
    });
}

/// A process that is killed while a release waits for it makes the release fail.
#[test]
fn f27_a_kill_ends_a_release_by_another_process() {
    ns_testbed::run_as!([Root, User], {
        let mut container = shell("exit 3");
        let gate = Gate::of(&mut container);
        let waiting = parked(&container);
        // Only the process has the socket now.
        drop(container);
        await_call(waiting.pid(), libc::SYS_ppoll);
        waiting.process().signal(Signal::STOP).expect("signal");
        await_state(waiting.pid(), 'T');
        let pidfd = waiting.process().pidfd().try_clone_to_owned().expect("dup");
        let other = thread::spawn(move || {
            thread::sleep(SHORT);
            ns_sys::pidfd_send_signal(&pidfd, Signal::KILL).expect("kill");
        });
        let error = release_at_timeout(gate.path(), LONG).expect_err("killed");
        assert_eq!((error.step(), error.errno()), (Step::Exec, None), "{error}");
        other.join().expect("the thread");
        release_at(gate.path()).expect_err("nothing listens");
    });
}

/// A stop while a connection has not sent its message yet does not close the connection.
#[test]
fn f22_a_stop_does_not_close_a_connection() {
    ns_testbed::run_as!([Root, User], {
        let mut container = shell("exit 3");
        let gate = Gate::of(&mut container);
        let waiting = parked(&container);
        let mut socket = UnixStream::connect(gate.path()).expect("connect");
        await_call(waiting.pid(), libc::SYS_recvfrom);
        waiting.process().signal(Signal::STOP).expect("signal");
        await_state(waiting.pid(), 'T');
        waiting.process().signal(Signal::CONT).expect("signal");
        socket.write_all(b"ns go  1").expect("write");
        assert_eq!(code_of(waiting.process()), Some(3));
    });
}
