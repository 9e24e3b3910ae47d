//! Releases in unusual states of the parked process.

mod filter;
mod machine;

use std::fs::File;
use std::os::fd::AsFd;
use std::prelude::rust_2024::*;
use std::time::{Duration, Instant};

use ns_sys::child::BpfInstruction;
use ns_testbed::LONG;
use rustix::io::write;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::pipe::{PipeFlags, pipe_with};

use super::release_by_timeout;
use crate::{Container, Payload, Process, Stdio, Step};

#[test]
fn a_payload_may_use_the_numbers_of_the_gate_and_of_the_planned_file() {
    ns_testbed::run_as!([Root, User], {
        let mut container = Container::new("sh");
        container.program_fd(File::open("/bin/sh").expect("open"));
        let parked = container.start_parked().expect("park");
        let (gate, file) = parked.planned_numbers();
        let mut payload = Payload::new();
        let file = file.expect("a planned file");
        payload.arg("-c").arg(format!("cat /proc/self/fd/{gate} /proc/self/fd/{file}"));
        payload.stdout(Stdio::piped());
        payload.fd(gate, containing("a")).fd(file, containing("b"));
        let output = parked.release_with(&payload).and_then(Process::wait_with_output);
        let output = output.expect("release");
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(text, "ab", "{output:?}");
    });
}

#[test]
fn a_failed_release_is_reported_after_a_file_was_placed_at_the_gate() {
    ns_testbed::run_as!([Root, User], {
        let parked = Container::new("/no/such").start_parked().expect("park");
        let mut payload = Payload::new();
        payload.fd(parked.planned_numbers().0, Stdio::null());
        let error = parked.release_with(&payload).expect_err("no program");
        assert_eq!(
            (error.step(), error.errno()),
            (Step::Exec, Some(crate::Errno::NOENT)),
            "{error}"
        );
    });
}

#[test]
fn the_lookup_makes_no_call_that_the_plan_does_not_check() {
    ns_testbed::run_as!([Root, User], {
        let close = u32::try_from(libc::SYS_close).expect("a small number");
        let instruction = |code, jf, k| BpfInstruction { code, jt: 0, jf, k };
        let kills_at_close = [
            instruction(0x20, 0, 0),
            instruction(0x15, 1, close),
            instruction(0x06, 0, 0x8000_0000),
            instruction(0x06, 0, 0x7fff_0000),
        ];
        let mut container = Container::new("true");
        let parked = container.no_new_privs().seccomp(kills_at_close).start_parked().expect("park");
        parked.lookup().expect("the program exists");
        parked.release().and_then(|process| process.join()).expect("release");
    });
}

#[test]
fn a_full_socket_does_not_delay_a_release_beyond_its_limit() {
    ns_testbed::run_as!([Root, User], {
        let (gate, _silent) =
            socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
                .expect("socketpair");
        let start = Instant::now();
        // More words than the socket takes.
        for _ in 0..2000 {
            let error = release_by_timeout(gate.as_fd(), Duration::from_micros(1));
            assert_eq!(error.expect_err("no answer").step(), Step::StartTimeout);
        }
        assert!(start.elapsed() < LONG);
    });
}

/// A pipe from which `text` can be read.
fn containing(text: &str) -> Stdio {
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).expect("pipe");
    write(&writer, text.as_bytes()).expect("write");
    Stdio::fd(reader)
}
