//! Pipes and output.

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use ns_process::{Container, Namespace, OutputLimit, Signal, Stdio, Step, reap};
use ns_testbed::{LONG, Leftovers};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::block_on;
use crate::common::{assert_unchanged, eventually, shell};

/// Both streams are read at once: each holds more than a pipe.
#[test]
fn e08_both_streams_are_read_at_once() {
    ns_testbed::run_as!([Root, User], {
        block_on(async {
            let megabyte = "head -c 1048576 /dev/zero";
            let output = shell(&format!("{megabyte}; {megabyte} >&2; exit 5")).output_async().await;
            let output = output.expect("start");
            assert_eq!(output.status.code(), Some(5));
            assert_eq!((output.stdout.len(), output.stderr.len()), (1 << 20, 1 << 20));
        });
    });
}

/// A program reads and writes while the caller writes and reads.
#[test]
fn pipes_are_those_of_tokio() {
    ns_testbed::run_as!([Root, User], {
        block_on(async {
            let mut cat = Container::new("cat");
            cat.stdin(Stdio::piped()).stdout(Stdio::piped());
            let mut process = cat.start_async().await.expect("start");
            let mut stdin = process.take_stdin().expect("it is piped");
            let mut stdout = process.take_stdout().expect("it is piped");
            assert!(process.take_stdin().is_none() && process.take_stderr().is_none());
            let input = vec![7; 1 << 20];
            let copy = input.clone();
            let writer = tokio::spawn(async move { stdin.write_all(&copy).await });
            let mut output = Vec::new();
            stdout.read_to_end(&mut output).await.expect("read");
            assert!(output == input);
            writer.await.expect("a task").expect("write");
            assert!(process.join().await.expect("join").success());
        });
    });
}

/// An output that is dropped follows the rule of the handle: the process continues unless it is set otherwise.
#[test]
fn f18_a_dropped_output_leaves_no_zombie() {
    ns_testbed::run_as!([Root, User], {
        let before = Leftovers::snapshot();
        let short = Duration::from_millis(20);
        block_on(async {
            let mut container = shell("exec sleep 1000");
            container.kill_on_drop(true);
            timeout(short, container.output_async()).await.expect_err("it runs");
            eventually("it is killed and reaped", || reap() == 0);

            let mut process = Container::new("cat");
            process.stdin(Stdio::piped()).stdout(Stdio::piped());
            let mut process = process.start_async().await.expect("start");
            let stdin = process.take_stdin().expect("it is piped");
            timeout(short, process.wait_with_output()).await.expect_err("it runs");
            assert_eq!(reap(), 1, "it continues");
            drop(stdin);
            eventually("it is reaped after its exit", || reap() == 0);
        });
        assert_unchanged(&before);
    });
}

/// A program that never stops writing does not occupy the thread.
#[test]
fn an_endless_output_can_be_cancelled() {
    ns_testbed::run_as!([Root, User], {
        block_on(async {
            let mut container = Container::new("yes");
            let output = container.kill_on_drop(true).output_async();
            timeout(Duration::from_millis(20), output).await.expect_err("it never ends");
            eventually("it is killed and reaped", || reap() == 0);
        });
    });
}

/// At a limit of size or time the program is killed, and what came until then is returned.
#[test]
fn a_limit_ends_the_program() {
    ns_testbed::run_as!([Root, User], {
        let before = Leftovers::snapshot();
        block_on(async {
            let mut yes = Container::new("yes");
            yes.output_limit(100_000);
            let output = yes.output_timeout_async(LONG).await.expect("start");
            assert_eq!(
                (output.stdout.len(), output.ended_by),
                (100_000, Some(OutputLimit::Stdout))
            );
            assert_eq!(output.status.signal(), Some(9));
            assert!(output.usage.is_some());
            let error = yes.output_async().await.expect_err("it has more");
            assert_eq!(error.step(), Step::Output);

            let mut exact = shell("printf 12345; printf 678 >&2; exit 3");
            let output = exact.output_limit(5).output_timeout_async(LONG).await.expect("start");
            assert_eq!((output.ended_by, output.status.code()), (None, Some(3)));
            assert_eq!((output.stdout, output.stderr), (b"12345".to_vec(), b"678".to_vec()));

            let mut both = shell("echo out; echo err >&2; exec sleep 1000");
            both.namespaces([Namespace::User, Namespace::Pid]).map_zero();
            let limit = Duration::from_millis(300);
            let output = both.output_timeout_async(limit).await.expect("start");
            assert_eq!(output.ended_by, Some(OutputLimit::Time));
            assert_eq!(output.status.signal(), Some(9));
        });
        assert_unchanged(&before);
    });
}

/// A program that exits while a descendant has its output open: the wait ends at the limit, with the status.
#[test]
fn a_descendant_holds_the_output_open() {
    ns_testbed::run_as!([Root, User], {
        block_on(async {
            let container = shell("sleep 1000 & echo $!; exit 4");
            let limit = Duration::from_millis(300);
            let output = container.output_timeout_async(limit).await.expect("start");
            assert_eq!(output.ended_by, Some(OutputLimit::Time));
            assert_eq!(output.status.code(), Some(4));
            let pid = String::from_utf8(output.stdout).expect("text");
            let pid: u32 = pid.trim().parse().expect("a process ID");
            let pidfd = ns_sys::pidfd_open(pid).expect("it runs");
            ns_sys::pidfd_send_signal(&pidfd, Signal::KILL).expect("kill");
        });
    });
}
