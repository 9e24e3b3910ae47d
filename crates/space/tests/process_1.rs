//! `space` as process 1 of a pid namespace.
#[macro_use]
mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Child;
use std::time::{Duration, Instant};

use common::{SPACE, command};
use ns_testbed::LONG;
use rustix::process::{Pid, Signal, kill_process};

/// `/proc` is that of the new pid namespace, or still that of the outer one.
const OUTER: [&[&str]; 2] = [&["-pmUz", "--mount-proc"], &["-pUz"]];

/// Runs `space` under another `space`, of which it is process 1.
fn inner(outer: &[&str], options: &[&str], program: &[&str]) -> Child {
    let options = [outer, &["--keep-fd", "200", SPACE, "execute"], options, program].concat();
    let mut child = command(&[&["execute"], options.as_slice()].concat());
    child.stdin(std::process::Stdio::piped()).spawn().expect("run")
}

/// Reads lines of the program's output.
fn lines(child: &mut Child, count: usize) -> Vec<String> {
    let reader = BufReader::new(child.stdout.as_mut().expect("piped"));
    reader.lines().take(count).map(|line| line.expect("read")).collect()
}

fn children(pid: &str) -> Vec<String> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    children.expect("read").split_whitespace().map(str::to_owned).collect()
}

/// Sends a signal to the outer `space`, which forwards it.
fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).expect("kill");
}

#[test]
fn f09_orphans_are_reaped() {
    run_space_as!([Root, User, Nested], {
        for outer in OUTER {
            let orphans = "for i in 1 2 3 4 5; do (sh -c 'echo orphan' &); done; read end";
            let mut child = inner(outer, &[], &["sh", "-c", orphans]);
            assert_eq!(lines(&mut child, 5), ["orphan"; 5]);
            let process_1 = children(&child.id().to_string()).pop().expect("process 1");
            // The program itself is left.
            let deadline = Instant::now() + LONG;
            while children(&process_1).len() != 1 {
                let left = children(&process_1);
                assert!(Instant::now() < deadline, "{outer:?}: left: {left:?}");
                std::thread::sleep(Duration::from_millis(5));
            }
            drop(child.stdin.take());
            child.wait().expect("wait");
        }
    });
}

#[test]
fn signals_reach_the_program() {
    run_space_as!([Root, User, Nested], {
        for outer in OUTER {
            for signal in [Signal::TERM, Signal::INT, Signal::USR1, Signal::ALARM] {
                let number = signal.as_raw();
                let script = format!(
                    "trap 'exit {}' {number}; echo ready; while :; do sleep 0.02; done",
                    number + 40
                );
                let mut child = inner(outer, &[], &["sh", "-c", &script]);
                assert_eq!(lines(&mut child, 1), ["ready"]);
                send(&child, signal);
                let status = child.wait().expect("wait");
                assert_eq!(status.code(), Some(number + 40), "{signal:?} {outer:?}");
            }
        }
    });
}

/// The program is process 1 too, of a pid namespace below.
#[test]
fn a_program_that_drops_a_signal_is_killed() {
    run_space_as!([Root, User, Nested], {
        for outer in OUTER {
            let program = ["sh", "-c", "echo ready; exec sleep 1000"];
            let mut child = inner(outer, &["-p"], &program);
            assert_eq!(lines(&mut child, 1), ["ready"]);
            send(&child, Signal::TERM);
            assert_eq!(child.wait().expect("wait").code(), Some(137), "{outer:?}");
        }
    });
}

/// `space` is a child of process 1, which would adopt its orphans.
#[test]
fn orphans_are_killed_at_the_limit_with_each_proc() {
    run_space_as!([Root, User, Nested], {
        for outer in OUTER {
            let orphan = "(setsid sleep 1000 &); exec sleep 1000";
            let script = "\"$0\" execute --timeout 0.3 sh -c \"$1\"; echo $?; read end";
            let words =
                [&["execute"], outer, &["--keep-fd", "200", "sh", "-c", script, SPACE, orphan]];
            let mut command = command(&words.concat());
            let mut child = command.stdin(std::process::Stdio::piped()).spawn().expect("run");
            assert_eq!(lines(&mut child, 1), ["124"]);
            let process_1 = children(&child.id().to_string()).pop().expect("process 1");
            assert_eq!(children(&process_1), [""; 0], "{outer:?}");
            drop(child.stdin.take());
            child.wait().expect("wait");
        }
    });
}

/// Before the program is started, too.
#[test]
fn e09_a_wait_for_input_can_be_interrupted() {
    run_space_as!([Root, User], {
        for signal in [Signal::TERM, Signal::USR1, Signal::ALARM] {
            interrupt_wait(signal);
        }
    });
}

fn interrupt_wait(signal: Signal) {
    // Without the write end of the pipe, which the test keeps, there are no options.
    let mut child = inner(OUTER[1], &["--args", "0"], &["true"]);
    let deadline = Instant::now() + LONG;
    let outer = child.id().to_string();
    let bit = signal.as_raw() - 1;
    let handles = |status: &str| {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        mask.is_some_and(|mask| mask & 1 << bit != 0)
    };
    let is_ready = || {
        let inner = children(&outer).pop()?;
        let status = fs::read_to_string(format!("/proc/{inner}/status")).ok()?;
        handles(&status).then_some(())
    };
    while is_ready().is_none() {
        assert!(Instant::now() < deadline, "process 1 has no handler");
        std::thread::sleep(Duration::from_millis(5));
    }
    // Otherwise `wait` closes the pipe, and the end of the input ends the wait too.
    let input = child.stdin.take();
    send(&child, signal);
    assert_eq!(child.wait().expect("wait").code(), Some(128 + signal.as_raw()));
    drop(input);
}
