//! Handles that are given up.

use std::fs;
use std::io::{Read, Write};
use std::process::ChildStdin;

use crate::common::target::Target;
use crate::common::{assert_unchanged, eventually, reap_all, shell};
use ns_process::{Builder, Container, Inject, Stdio};
use ns_testbed::Leftovers;

/// The state of a process in proc_pid_stat(5); `None` if it does not exist.
fn state(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(')').next()?.trim_start().chars().next()
}

/// Starts `cat`, gives up its handle, and lets it copy a text, which a killed process cannot do. Returns its ID and
/// stdin.
fn assert_continues<Kind>(cat: &mut Builder<Kind>) -> (u32, ChildStdin) {
    let mut process = cat.stdin(Stdio::piped()).stdout(Stdio::piped()).start().expect("start");
    let mut input = process.take_stdin().expect("piped");
    let mut output = process.take_stdout().expect("piped");
    let expected = process.pid();
    let pid = process.into_detached();
    assert_eq!(pid, expected);
    input.write_all(b"text").expect("write");
    let mut text = [0; 4];
    output.read_exact(&mut text).expect("it continues");
    assert_eq!(&text, b"text");
    (pid, input)
}

/// A process whose handle is given up continues, also with `kill_on_drop`. It is reaped after its exit.
#[test]
fn f18_a_detached_process_continues() {
    ns_testbed::run_as!([Root, User, Nested], {
        let before = Leftovers::snapshot();
        let (pid, input) = assert_continues(Container::new("cat").kill_on_drop(true));
        assert_eq!(ns_process::reap(), 1, "it runs");
        drop(input);
        eventually("it is reaped", || ns_process::reap() == 0);
        assert_eq!(state(pid), None);
        assert_unchanged(&before);
    });
}

/// An injected process continues as well. The end of its target's pid namespace kills it and waits until it is reaped.
#[test]
fn f18_a_detached_inject_continues() {
    ns_testbed::run_as!([Root, User, Nested], {
        let before = Leftovers::snapshot();
        let target = Target::in_all();
        let (pid, input) = assert_continues(&mut Inject::new(&*target, "cat"));
        target.kill().expect("kill");
        eventually("the process is reaped", || ns_process::reap() == 0);
        assert_eq!(state(pid), None);
        target.join().expect("join");
        drop((target, input));
        assert_unchanged(&before);
    });
}

/// An exited process is reaped at once, and a joined one needs nothing.
#[test]
fn f18_an_exited_process_is_reaped_when_detached() {
    ns_testbed::run_as!([Root, User], {
        let process = shell("exit 3").start().expect("start");
        eventually("it exits", || state(process.pid()) == Some('Z'));
        let pid = process.into_detached();
        assert_eq!((state(pid), ns_process::reap()), (None, 0));
        let joined = shell("exit 3").start().expect("start");
        assert_eq!(joined.join().expect("join").code(), Some(3));
        let pid = joined.into_detached();
        assert_eq!((state(pid), ns_process::reap()), (None, 0));
    });
}

/// A stream that was taken stays open, and the others are closed.
#[test]
fn a_detached_process_keeps_streams_that_were_taken() {
    ns_testbed::run_as!([Root, User], {
        let before = Leftovers::snapshot();
        let mut container = shell("read line; echo got $line");
        container.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = container.start().expect("start");
        let output = process.take_stdout().expect("piped");
        // Closes stdin: the shell reads EOF.
        process.into_detached();
        assert_eq!(std::io::read_to_string(output).expect("read"), "got\n");
        reap_all();
        assert_unchanged(&before);
    });
}
