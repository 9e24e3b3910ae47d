//! A parked process whose caller exits, or gives it up.

use std::cell::Cell;
use std::fs;
use std::io::{Read, Write};
use std::mem::forget;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use crate::common::{Output, eventually, mapped, reap_all, shell, wait_for_line};
use crate::support::{
    Gate, adopt_orphans, await_call, code_of, parked, reap_adopted, receive_fd, send_fd, state,
};
use ns_process::{Container, Init, Namespace, Parked, Signal, Step, release_at, release_by};
use ns_testbed::forked;
use rustix::process::{WaitOptions, wait};

/// Parks the process of `builder` in a forked caller, which passes it to `before` and exits. The
/// process ID of the parked process.
fn parked_by_another(builder: &Container, before: impl FnOnce(Parked)) -> u32 {
    let output = Output::new();
    let code = forked(|| {
        let parked = parked(builder);
        fs::write(output.path(), format!("{}\n", parked.pid())).expect("write");
        before(parked);
        0
    });
    assert_eq!(code, 0);
    output.read().trim().parse().expect("a process ID")
}

/// The process exits if its caller does, also under an init.
#[test]
fn f42_a_parked_process_ends_with_its_caller() {
    ns_testbed::run_as!([Root, User, Nested], {
        adopt_orphans();
        let pid = parked_by_another(&shell("exit 3"), forget);
        assert_eq!(reap_adopted(pid), Some(125));
        let mut under_init = mapped();
        under_init.namespace(Namespace::Pid).init(Init::builtin());
        let pid = parked_by_another(&under_init, forget);
        assert_eq!(reap_adopted(pid), Some(125));
    });
}

/// As the caller's copy of its descriptors, a forked child keeps the process alive.
#[test]
fn f42_a_copy_of_the_caller_delays_the_end() {
    ns_testbed::run_as!([User], {
        adopt_orphans();
        let (own, theirs) = UnixStream::pair().expect("socketpair");
        let own = Cell::new(Some(own));
        let pid = parked_by_another(&shell("exit 3"), |parked| {
            drop(own.take());
            // The closure has a copy of all descriptors, and waits for the end of the socket.
            let read = move || drop((&theirs).read(&mut [0]));
            let mut copy = Container::from_fn(read);
            forget((copy.close_fds(false).start().expect("start"), parked));
        });
        assert!(state(pid).is_some_and(|state| state != 'Z'));
        drop(own);
        assert_eq!(reap_adopted(pid), Some(125));
        while wait(WaitOptions::empty()).is_ok() {}
    });
}

/// A detached process outlives its caller, and any holder of the gate releases it.
#[test]
fn f42_a_detached_process_outlives_its_caller() {
    ns_testbed::run_as!([Root, User, Nested], {
        adopt_orphans();
        let (own, theirs) = UnixStream::pair().expect("socketpair");
        let detach = |parked: Parked| send_fd(&theirs, parked.detach().expect("detach").as_fd());
        let pid = parked_by_another(&shell("exit 3"), detach);
        let gate = receive_fd(&own);
        assert!(state(pid).is_some_and(|state| state != 'Z'));
        release_by(&gate).expect("release");
        assert_eq!(reap_adopted(pid), Some(3));
        // Once the last copy of the gate is closed, the process exits.
        let pid = parked_by_another(&shell("exit 3"), detach);
        drop(receive_fd(&own));
        assert_eq!(reap_adopted(pid), Some(125));
    });
}

/// A process that waits at a path outlives its caller.
#[test]
fn f42_a_process_at_a_path_outlives_its_caller() {
    ns_testbed::run_as!([Root, User, Nested], {
        adopt_orphans();
        let (gate, listener) = Gate::bind();
        let mut container = shell("exit 4");
        container.park_at(listener);
        let pid = parked_by_another(&container, forget);
        // The socket of this process is gone.
        drop(container);
        assert!(state(pid).is_some_and(|state| state != 'Z'));
        release_at(gate.path()).expect("release");
        assert_eq!(reap_adopted(pid), Some(4));
        // A killed process listens no more.
        let mut container = shell("exit 4");
        let gate = Gate::of(&mut container);
        let pid = parked_by_another(&container, forget);
        drop(container);
        let killed = ns_sys::pidfd_open(pid).expect("pidfd");
        ns_sys::pidfd_send_signal(&killed, Signal::KILL).expect("kill");
        assert_eq!(reap_adopted(pid), None);
        let error = release_at(gate.path()).expect_err("nothing listens");
        assert_eq!(error.step(), Step::Release, "{error}");
        assert_eq!(error.errno(), Some(ns_process::Errno::CONNREFUSED), "{error}");
    });
}

/// A process at a path does not need the gate that `detach` returns.
#[test]
fn f42_a_detached_process_at_a_path_is_released_there() {
    ns_testbed::run_as!([Root, User], {
        let output = Output::new();
        let mut container = shell(&format!("echo ran > {}", output.path()));
        let gate = Gate::of(&mut container);
        let parked = parked(&container);
        let pid = parked.pid();
        let pidfd = ns_sys::pidfd_open(pid).expect("pidfd");
        drop(parked.detach().expect("detach"));
        await_call(pid, libc::SYS_ppoll);
        release_at(gate.path()).expect("release");
        wait_for_line(output.path());
        let _ = ns_sys::pidfd_send_signal(&pidfd, Signal::KILL);
        reap_all();
    });
}

/// Dropping the handle kills and reaps the process; a forked copy of the caller kills nothing.
#[test]
fn f18_a_dropped_handle_kills_in_its_own_process_only() {
    ns_testbed::run_as!([Root, User], {
        let mut slot = Some(parked(&shell("exit 5")));
        let pid = slot.as_ref().expect("parked").pid();
        let code = forked(|| {
            drop(slot.take());
            0
        });
        assert_eq!(code, 0);
        assert!(state(pid).is_some_and(|state| state != 'Z'));
        let process = slot.expect("in this process").release().expect("release");
        assert_eq!(code_of(&process), Some(5));
        let parked = parked(&shell("exit 5"));
        let pid = parked.pid();
        drop(parked);
        reap_all();
        assert_eq!(state(pid), None);
    });
}

/// A process that was given up is reaped once it has exited.
#[test]
fn f18_a_detached_process_is_reaped() {
    ns_testbed::run_as!([Root, User], {
        let output = Output::new();
        let container = shell(&format!("echo ran > {}", output.path()));
        let detached = parked(&container);
        let pid = detached.pid();
        let gate = detached.detach().expect("detach");
        release_by(gate).expect("release");
        wait_for_line(output.path());
        eventually("it has exited", || {
            ns_process::reap();
            state(pid).is_none()
        });
    });
}

/// While it waits, a detached process takes nothing but the release from its gate.
#[test]
fn f43_a_detached_process_takes_only_the_release() {
    ns_testbed::run_as!([Root, User], {
        adopt_orphans();
        let messages: [&[u8]; 3] = [b"12345678", b"ns go  2 and more", b"half"];
        for message in messages {
            let output = Output::new();
            let parked = parked(&shell(&format!("echo ran > {}", output.path())));
            let pid = parked.pid();
            let gate = parked.detach().expect("detach");
            let mut socket = UnixStream::from(gate);
            socket.write_all(message).expect("write");
            socket.shutdown(std::net::Shutdown::Write).expect("shutdown");
            eventually("it has exited", || {
                ns_process::reap();
                state(pid).is_none()
            });
            assert!(!fs::exists(output.path()).expect("stat"), "it has run");
        }
    });
}
