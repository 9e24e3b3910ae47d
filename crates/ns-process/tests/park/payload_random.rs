//! Random arguments, variables and descriptors of a payload.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStringExt;

use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::any;
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestRunner};
use rustix::fs::{MemfdFlags, memfd_create};

use crate::common::program::{is_helper_test, run_helper_test};
use crate::common::rounds;
use crate::support::{code_of, own_binary, parked};
use ns_process::{Container, Payload};

/// The descriptor to which the program writes what it has received.
const ANSWER: RawFd = 200;
/// Descriptors that the helper prints.
const LAST: RawFd = 40;

/// A string of the C language, of a few bytes.
fn text() -> impl Strategy<Value = OsString> {
    vec(1_u8..=255, 0..12).prop_map(OsString::from_vec)
}

fn name() -> impl Strategy<Value = OsString> {
    let rest =
        vec(any::<u8>().prop_filter("no NUL, no =", |byte| *byte != 0 && *byte != b'='), 0..8);
    rest.prop_map(|rest| OsString::from_vec([&b"N_"[..], &rest].concat()))
}

/// Writes the arguments, the variables and the first bytes of the descriptors of this process.
#[test]
fn what_a_program_received() {
    if !is_helper_test() {
        return;
    }
    let mut file =
        File::options().write(true).open(format!("/proc/self/fd/{ANSWER}")).expect("open");
    file.write_all(&std::fs::read("/proc/self/cmdline").expect("read")).expect("write");
    file.write_all(b"\0\0").expect("write");
    file.write_all(&std::fs::read("/proc/self/environ").expect("read")).expect("write");
    file.write_all(b"\0\0").expect("write");
    for number in 3..LAST {
        if let Ok(text) = std::fs::read_to_string(format!("/proc/self/fd/{number}")) {
            if text.starts_with("file ") {
                file.write_all(format!("{number}:{text};").as_bytes()).expect("write");
            }
        }
    }
}

/// What the program has received is exactly what was sent, over a plan that differs.
#[test]
fn e12_random_payloads_arrive_exactly() {
    ns_testbed::run_as!([Root, User], {
        let arguments = vec(text(), 0..20);
        let variables = btree_map(name(), text(), 0..10);
        let numbers = btree_set(3..LAST, 0..13);
        let mut runner = TestRunner::new(Config {
            cases: rounds(5000, 200),
            failure_persistence: None,
            ..Config::default()
        });
        let mut planned = Container::new("program");
        planned.program_fd(own_binary()).env("N_planned", "1");
        run_helper_test(&mut planned, what_a_program_received);
        let strategy = (arguments, variables, numbers.prop_map(Vec::from_iter).prop_shuffle());
        let checked = runner.run(&strategy, |(arguments, variables, numbers)| {
            let received = received_by(&planned, &arguments, &variables, &numbers);
            assert_eq!(received, expected(&planned, &arguments, &variables, &numbers));
            Ok(())
        });
        checked.expect("every payload arrives");
    });
}

fn memory_file(text: &str) -> File {
    let mut file = File::from(memfd_create("file", MemfdFlags::CLOEXEC).expect("memfd"));
    file.write_all(text.as_bytes()).expect("write");
    file
}

/// The arguments that select the helper, which the harness reads; the others follow `--`.
fn selecting(planned: &Container) -> Vec<OsString> {
    planned.get_args().map(OsString::from).chain(["--skip".into()]).collect()
}

fn received_by(
    planned: &Container,
    arguments: &[OsString],
    variables: &BTreeMap<OsString, OsString>,
    numbers: &[RawFd],
) -> Vec<u8> {
    let mut answer = memory_file("");
    let mut payload = Payload::new();
    // Each further argument is the value of an option that has no effect.
    payload.args(selecting(planned)).arg("none");
    for argument in arguments {
        let skipped = [b"no such test", argument.as_encoded_bytes()].concat();
        payload.arg("--skip").arg(OsString::from_vec(printable(&skipped)));
    }
    payload.env_clear().env("NS_HELPER_TEST", "1").envs(variables);
    payload.fd(ANSWER, answer.try_clone().expect("dup"));
    for number in numbers {
        payload.fd(*number, memory_file(&format!("file {number}")));
    }
    let process = parked(planned).release_with(&payload).expect("release");
    assert_eq!(code_of(&process), Some(0));
    let mut bytes = Vec::new();
    answer.rewind().expect("seek");
    answer.read_to_end(&mut bytes).expect("read");
    bytes
}

/// The harness refuses arguments that are no UTF-8.
fn printable(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| if byte.is_ascii() { *byte } else { b'?' }).collect()
}

fn expected(
    planned: &Container,
    arguments: &[OsString],
    variables: &BTreeMap<OsString, OsString>,
    numbers: &[RawFd],
) -> Vec<u8> {
    let mut bytes = b"program\0".to_vec();
    for argument in selecting(planned).iter().chain([&OsString::from("none")]) {
        bytes.extend_from_slice(argument.as_encoded_bytes());
        bytes.push(0);
    }
    for argument in arguments {
        let skipped = [b"no such test", argument.as_encoded_bytes()].concat();
        bytes.extend_from_slice(b"--skip\0");
        bytes.extend_from_slice(&printable(&skipped));
        bytes.push(0);
    }
    bytes.extend_from_slice(b"\0\0NS_HELPER_TEST=1\0");
    for (key, value) in variables {
        bytes.extend_from_slice(key.as_encoded_bytes());
        bytes.push(b'=');
        bytes.extend_from_slice(value.as_encoded_bytes());
        bytes.push(0);
    }
    bytes.extend_from_slice(b"\0\0");
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable();
    for number in sorted {
        bytes.extend_from_slice(format!("{number}:file {number};").as_bytes());
    }
    bytes
}
