//! Input from a reader and from bytes, while the outputs are read.
#![allow(unsafe_code, reason = "a signal disposition")]

use std::collections::VecDeque;
use std::fs;
use std::io::{self, ErrorKind, Read};
use std::panic::{self, AssertUnwindSafe};
use std::time::Duration;

use crate::common::{assert_unchanged, eventually, shell};
use ns_process::{Container, Errno, OutputLimit, Process, Stdio, Step};
use ns_testbed::{LONG, Leftovers};

const SIZE: usize = 10_000_000;

fn pattern() -> Vec<u8> {
    (0..=250).cycle().take(SIZE).collect()
}

fn piped(script: &str) -> Process {
    let mut container = shell(script);
    container.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    container.start().expect("start")
}

/// 10 MB go in and come out of both streams, although a pipe holds 64 KiB.
#[test]
fn e08_ten_megabytes_go_through_both_ways() {
    ns_testbed::run_as!([Root, User, Nested], {
        let pattern = pattern();
        let output = piped("exec tee /dev/fd/2").wait_with_input(&*pattern).expect("output");
        assert!(output.status.success());
        assert!(output.stdout == pattern && output.stderr == pattern);
        let output = piped("exec cat").wait_with_input_timeout(&*pattern, LONG).expect("output");
        assert_eq!((output.ended_by, output.status.code()), (None, Some(0)));
        assert!(output.stdout == pattern && output.stderr.is_empty());
        let mut container = Container::new("cat");
        container.stdin(Stdio::bytes(pattern.clone()));
        assert!(container.output().expect("start").stdout == pattern);
        assert!(container.output().expect("again").stdout == pattern);
        let mut container = shell("exec cat <&7");
        container.fd(7, Stdio::bytes(pattern.clone()));
        assert!(container.output_timeout(LONG).expect("start").stdout == pattern);
    });
}

/// A program that does not read its input, or not all of it, is no error.
#[test]
fn unread_input_is_no_error() {
    ns_testbed::run_as!([Root, User], {
        let before = Leftovers::snapshot();
        for script in ["exit 3", "head -c 5; exit 3", "exec <&-; sleep 0.1; exit 3"] {
            let output = piped(script).wait_with_input(io::repeat(b'x')).expect("output");
            assert_eq!(output.status.code(), Some(3), "{script}");
            assert!(output.stdout.len() <= 5);
            let output = piped(script).wait_with_input_timeout(io::repeat(b'x'), LONG);
            let output = output.expect("output");
            assert_eq!((output.status.code(), output.ended_by), (Some(3), None), "{script}");
        }
        assert_unchanged(&before);
    });
}

/// A reader that panics.
struct Panics;

impl Read for Panics {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        panic!("a defect of the reader");
    }
}

/// A reader that panics ends the process.
#[test]
fn a_panic_of_the_reader_kills_the_process() {
    ns_testbed::run_as!([Root, User], {
        let before = Leftovers::snapshot();
        let process = piped("exec sleep 1000");
        let waited = panic::catch_unwind(AssertUnwindSafe(|| process.wait_with_input(Panics)));
        waited.expect_err("the panic goes on");
        eventually("the process is killed", || ns_process::reap() == 0);
        assert_unchanged(&before);
    });
}

/// A descendant that keeps stdin open and does not read it does not delay the end.
#[test]
fn unread_input_of_a_descendant_is_no_error() {
    ns_testbed::run_as!([Root, User], {
        let script = "exec 4<&0; sleep 1000 <&4 >/dev/null 2>&1 & echo $!; exit 3";
        for length in [0, u64::MAX] {
            let input = io::repeat(b'x').take(length);
            let output = piped(script).wait_with_input_timeout(input, LONG).expect("output");
            assert_eq!((output.status.code(), output.ended_by), (Some(3), None));
            let pid = String::from_utf8_lossy(&output.stdout);
            let pid: i32 = pid.trim().parse().expect("a number");
            // SAFETY: the number is that of the descendant, which sleeps.
            assert_eq!(unsafe { libc::kill(pid, libc::SIGKILL) }, 0);
        }
        // A descendant that reads it gets all of it.
        let output = piped("exec 4<&0; { sleep 0.2; wc -c; } <&4 & exit 3");
        let output = output.wait_with_input(&*vec![7; 200_000]).expect("output");
        assert_eq!((output.status.code(), &*output.stdout), (Some(3), &b"200000\n"[..]));
    });
}

/// A caller that does not ignore SIGPIPE is not killed by it.
#[test]
fn unread_input_raises_no_signal() {
    ns_testbed::run_as!([Root, User], {
        // SAFETY: sets a disposition of this process.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
        let process = piped("read line; exit 3");
        let input = EndsBefore { pid: process.pid(), reads: 0 };
        assert_eq!(process.wait_with_input(input).expect("output").status.code(), Some(3));
    });
}

/// A reader that returns a line, and then waits until the process has exited and its pipe is closed.
struct EndsBefore {
    pid: u32,
    reads: u32,
}

impl Read for EndsBefore {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reads += 1;
        if self.reads > 1 {
            eventually("it has exited", || {
                let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid)).expect("stat");
                stat.contains(") Z ")
            });
        }
        buffer[0] = b'\n';
        Ok(1)
    }
}

/// The limits hold while input is written.
#[test]
fn limits_hold_with_endless_input() {
    ns_testbed::run_as!([Root, User], {
        let before = Leftovers::snapshot();
        let limit = Duration::from_millis(200);
        let output = piped("exec sleep 1000").wait_with_input_timeout(io::repeat(7), limit);
        assert_eq!(output.expect("output").ended_by, Some(OutputLimit::Time));
        let output = piped("exec cat").wait_with_input_timeout(io::repeat(7), limit);
        assert_eq!(output.expect("output").ended_by, Some(OutputLimit::Time));
        let mut container = Container::new("cat");
        container.output_limit(1000).stdin(Stdio::piped()).stdout(Stdio::piped());
        let process = container.start().expect("start");
        let output = process.wait_with_input_timeout(io::repeat(7), LONG).expect("output");
        assert_eq!(output.ended_by, Some(OutputLimit::Stdout));
        assert_eq!(output.stdout, [7; 1000]);
        assert_unchanged(&before);
    });
}

/// A reader whose reads return these results, and then the end.
struct Reads(VecDeque<io::Result<&'static [u8]>>);

impl Read for Reads {
    fn read(&mut self, mut buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.0.pop_front().unwrap_or(Ok(b""))?;
        io::Write::write(&mut buffer, bytes)
    }
}

/// An interrupted read is repeated. Any other error ends the process, and is returned.
#[test]
fn an_error_of_the_reader_ends_the_process() {
    ns_testbed::run_as!([Root, User], {
        let before = Leftovers::snapshot();
        let interrupted = || Err(ErrorKind::Interrupted.into());
        let reads = Reads([interrupted(), Ok(&b"a"[..]), interrupted(), Ok(b"b")].into());
        assert_eq!(piped("cat").wait_with_input(reads).expect("output").stdout, b"ab");

        let reads = Reads([Ok(&b"a"[..]), Err(io::Error::other("no more"))].into());
        let error = piped("exec cat").wait_with_input(reads).expect_err("the reader failed");
        assert_eq!((error.step(), error.errno()), (Step::Output, None));
        assert_eq!(error.object(), Some("the reader of the input: no more"));

        let reads = Reads([Err(io::Error::from(Errno::ISDIR))].into());
        let error = piped("exec cat").wait_with_input_timeout(reads, LONG).expect_err("failed");
        assert_eq!((error.step(), error.errno()), (Step::Output, Some(Errno::ISDIR)));
        assert_unchanged(&before);
    });
}

/// Input without a pipe is an error, and the process does not stay behind.
#[test]
fn input_needs_a_piped_stdin() {
    ns_testbed::run_as!([Root, User], {
        let before = Leftovers::snapshot();
        let mut container = shell("exec sleep 1000");
        let process = container.stdin(Stdio::null()).start().expect("start");
        let error = process.wait_with_input(io::empty()).expect_err("no pipe");
        assert_eq!((error.step(), error.errno()), (Step::Output, None));
        assert_eq!(error.object(), Some("stdin is not piped, or was taken"));
        assert_unchanged(&before);
    });
}

/// An empty input is the end of stdin at once.
#[test]
fn an_empty_input_closes_stdin() {
    ns_testbed::run_as!([User], {
        let output = piped("cat; echo end").wait_with_input(io::empty()).expect("output");
        assert_eq!(output.stdout, b"end\n");
        let mut container = shell("cat; echo end");
        container.stdin(Stdio::bytes(""));
        assert_eq!(container.output().expect("start").stdout, b"end\n");
    });
}
