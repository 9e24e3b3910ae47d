//! Limits of the output, in time and in size.
#![allow(unsafe_code, reason = "kills a process that a program has left")]

use std::fs;
use std::io::{self, Read};
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use crate::common::{assert_unchanged, shell};
use ns_process::{Container, LimitedOutput, OutputLimit, Stdio, Step};
use ns_testbed::{LONG, Leftovers};

/// Long enough for a shell to print a line on a busy machine.
const SHORT: Duration = Duration::from_secs(1);

fn limited(script: &str, bytes: usize) -> LimitedOutput {
    shell(script).output_limit(bytes).output_timeout(LONG).expect("start")
}

/// A stream without an end is cut at exactly its limit, and the program is killed and reaped.
#[test]
fn an_endless_stream_is_cut_at_its_limit() {
    ns_testbed::run_as!([Root, User, Nested], {
        let before = Leftovers::snapshot();
        let begin = Instant::now();
        for limit in [0, 1, 1000, 65_536, 1_000_001] {
            let output = limited("exec yes", limit);
            assert_eq!((output.stdout.len(), output.ended_by), (limit, Some(OutputLimit::Stdout)));
            assert_eq!(output.status.signal(), Some(9));
            assert!(output.usage.is_some());
            let output = limited("exec yes >&2", limit);
            assert_eq!((output.stderr.len(), output.ended_by), (limit, Some(OutputLimit::Stderr)));
            assert!(output.stdout.is_empty());
        }
        // What the other stream holds at that time is kept.
        let output = limited("echo first >&2; exec yes", 1000);
        assert_eq!((output.stdout.len(), output.stderr), (1000, b"first\n".to_vec()));
        assert!(begin.elapsed() < LONG, "{:?}", begin.elapsed());
        assert_unchanged(&before);
    });
}

/// A stream of exactly the limit is complete; one byte more is too much.
#[test]
fn a_stream_of_the_limit_is_complete() {
    ns_testbed::run_as!([Root, User], {
        for limit in [1, 1000, 65_536, 200_000] {
            for size in [limit - 1, limit, limit + 1] {
                let output = limited(&format!("head -c {size} /dev/zero; exit 3"), limit);
                assert_eq!(output.stdout.len(), size.min(limit));
                let expected = (size > limit).then_some(OutputLimit::Stdout);
                assert_eq!(output.ended_by, expected, "{size} of {limit}");
                assert!(expected.is_some() || output.status.code() == Some(3));
            }
        }
    });
}

/// The limit is that of each stream, not of both together.
#[test]
fn both_streams_are_limited_by_themselves() {
    ns_testbed::run_as!([Root, User], {
        let script = "head -c 100000 /dev/zero & head -c 100000 /dev/zero >&2; wait";
        let output = limited(script, 100_000);
        assert_eq!((output.stdout.len(), output.stderr.len()), (100_000, 100_000));
        assert_eq!((output.ended_by, output.status.code()), (None, Some(0)));
    });
}

/// Where the result has no place for the limit, an exceeded one is an error that names the stream.
#[test]
fn an_exceeded_limit_is_an_error_of_output() {
    ns_testbed::run_as!([Root, User, Nested], {
        let before = Leftovers::snapshot();
        let mut container = shell("exec yes");
        container.name("job").output_limit(1000);
        assert_eq!(container.get_output_limit(), Some(1000));
        let error = container.output().expect_err("too much");
        assert_eq!((error.step(), error.errno()), (Step::Output, None));
        assert_eq!(error.object(), Some("stdout has more than 1000 bytes"));
        let mut container = shell("cat >&2");
        container.output_limit(10).stdin(Stdio::piped()).stderr(Stdio::piped());
        let process = container.start().expect("start");
        let error = process.wait_with_input(io::repeat(7)).expect_err("too much");
        assert_eq!(error.object(), Some("stderr has more than 10 bytes"));
        let mut container = shell("echo 123456789");
        container.output_limit(10);
        assert_eq!(container.output().expect("not too much").stdout, b"123456789\n");
        assert_unchanged(&before);
    });
}

/// At the time limit the program is killed, and what it has written is returned.
#[test]
fn the_time_limit_keeps_the_output() {
    ns_testbed::run_as!([Root, User, Nested], {
        let before = Leftovers::snapshot();
        let begin = Instant::now();
        let mut container = shell("echo out; echo err >&2; exec sleep 1000");
        let output = container.output_timeout(SHORT).expect("start");
        assert!((SHORT..LONG).contains(&begin.elapsed()), "{:?}", begin.elapsed());
        assert_eq!((output.ended_by, output.status.signal()), (Some(OutputLimit::Time), Some(9)));
        assert_eq!((output.stdout, output.stderr), (b"out\n".to_vec(), b"err\n".to_vec()));
        // A program without open streams.
        container = shell("exec >&- 2>&-; exec sleep 1000");
        let output = container.output_timeout(Duration::from_millis(100)).expect("start");
        assert_eq!((output.ended_by, output.status.signal()), (Some(OutputLimit::Time), Some(9)));
        // A program that never stops to write.
        let output = shell("exec yes").output_timeout(Duration::from_millis(100)).expect("start");
        assert_eq!((output.ended_by, output.status.signal()), (Some(OutputLimit::Time), Some(9)));
        assert_unchanged(&before);
    });
}

/// A program that ends in time has no limit reached, however long the limit is.
#[test]
fn no_limit_is_reached_in_time() {
    ns_testbed::run_as!([Root, User, Nested], {
        for limit in [LONG, Duration::MAX] {
            let output = shell("echo out; exit 5").output_timeout(limit).expect("start");
            assert_eq!((output.ended_by, output.status.code()), (None, Some(5)));
            assert_eq!(output.stdout, b"out\n");
        }
        let process = Container::new("true").start().expect("start");
        let output = process.wait_with_output_timeout(LONG).expect("output");
        assert!(output.status.success() && output.stdout.is_empty());
    });
}

/// If a descendant keeps the stream open, the time limit ends the wait for EOF. The status is the program's own.
#[test]
fn the_time_limit_ends_the_wait_for_a_descendant() {
    ns_testbed::run_as!([Root, User], {
        let container = shell("sleep 1000 & echo $!; exit 7");
        let output = container.output_timeout(SHORT).expect("start");
        assert_eq!((output.ended_by, output.status.code()), (Some(OutputLimit::Time), Some(7)));
        let pid = String::from_utf8(output.stdout).expect("text");
        let pid = pid.trim().parse().expect("a process ID");
        assert!(fs::exists(format!("/proc/{pid}")).expect("stat"), "no tree: it keeps running");
        // SAFETY: takes two numbers. The process runs for longer than the test.
        assert_eq!(unsafe { libc::kill(pid, libc::SIGKILL) }, 0);
    });
}

/// A descendant that writes for ever does not prolong the reading of what came until the limit.
#[test]
fn a_descendant_that_writes_does_not_delay_the_end() {
    ns_testbed::run_as!([Root, User], {
        let container = shell("yes & echo $! >&2; exec sleep 1000");
        let begin = Instant::now();
        let output = container.output_timeout(SHORT).expect("start");
        assert!(begin.elapsed() < LONG);
        assert_eq!(output.ended_by, Some(OutputLimit::Time));
        let pid = String::from_utf8(output.stderr).expect("text");
        // SAFETY: takes two numbers. It may have been killed by SIGPIPE.
        unsafe { libc::kill(pid.trim().parse().expect("a process ID"), libc::SIGKILL) };
    });
}

/// A stream that was taken from the handle is the caller's, without a limit.
#[test]
fn a_taken_stream_has_no_limit() {
    ns_testbed::run_as!([User], {
        let mut container = shell("head -c 5000 /dev/zero");
        let mut process = container.output_limit(10).stdout(Stdio::piped()).start().expect("start");
        let mut bytes = Vec::new();
        process.take_stdout().expect("piped").read_to_end(&mut bytes).expect("read");
        let output = process.wait_with_output_timeout(LONG).expect("output");
        assert_eq!((bytes.len(), output.ended_by), (5000, None));
    });
}
