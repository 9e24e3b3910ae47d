//! Signals that `space` receives, time limits, and the termination of `space`.
#[macro_use]
mod common;

use std::io::{BufRead, BufReader};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::Child;
use std::time::{Duration, Instant};

use common::{command, space, status};
use ns_testbed::LONG;
use rustix::process::{Pid, Signal, kill_process};

/// Starts a script that prints its process ID between `before` and `after`.
fn started(options: &[&str], before: &str, after: &str) -> (Child, Pid) {
    let script = format!("{before} read -r pid rest < /proc/self/stat; echo $pid; {after}");
    let words = [["execute"].as_slice(), options, &["sh", "-c", &script]].concat();
    running(command(&words))
}

/// Reads the process ID that the script prints. It comes from the caller's `/proc`, so it is valid for the caller.
fn running(mut command: std::process::Command) -> (Child, Pid) {
    let mut child = command.spawn().expect("spawn");
    let mut line = String::new();
    let output = child.stdout.as_mut().expect("piped");
    BufReader::new(output).read_line(&mut line).expect("read");
    let pid = line.trim().parse().ok().and_then(Pid::from_raw);
    (child, pid.unwrap_or_else(|| panic!("no process id: {line:?}")))
}

/// Whether the program has not exited. Its parent may leave it as a zombie.
fn is_running(program: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", program.as_raw_nonzero()));
    stat.is_ok_and(|stat| !stat.contains(") Z") && !stat.contains(") X"))
}

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).expect("kill");
}

#[test]
fn signals_are_forwarded() {
    run_space_as!([Root, User, Nested], {
        for signal in [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT, Signal::USR1] {
            let name = signal.as_raw();
            let loops = "while :; do sleep 0.02; done";
            for options in [[].as_slice(), &["-pUz"], &["-pUz", "--init"]] {
                let trap = format!("trap 'exit {}' {name};", name + 40);
                let (mut child, _) = started(options, &trap, loops);
                send(&child, signal);
                let status = child.wait().expect("wait");
                assert_eq!(status.code(), Some(name + 40), "{signal:?} {options:?}");
            }
        }
    });
}

#[test]
fn process_1_without_a_handler_is_killed() {
    run_space_as!([Root, User, Nested], {
        let under_init = ["-pUz", "--init"];
        for (options, code) in [([].as_slice(), 143), (&["-pUz"], 137), (&under_init, 143)] {
            let (mut child, _) = started(options, "", "exec sleep 1000");
            std::thread::sleep(Duration::from_millis(100));
            send(&child, Signal::TERM);
            assert_eq!(child.wait().expect("wait").code(), Some(code));
        }
    });
}

#[test]
fn the_program_does_not_outlive_space() {
    run_space_as!([Root, User, Nested], {
        for options in [[].as_slice(), &["-Uz"], &["-pUz"], &["-pUz", "--init"]] {
            let (mut child, program) = started(options, "", "exec sleep 1000");
            assert!(is_running(program));
            send(&child, Signal::KILL);
            assert_eq!(child.wait().expect("wait").signal(), Some(9));
            let deadline = Instant::now() + LONG;
            while is_running(program) {
                assert!(Instant::now() < deadline, "{options:?}: the program still runs");
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    });
}

#[test]
fn the_program_ignores_the_signals_that_the_caller_ignores() {
    run_space_as!([Root, User, Nested], {
        let script = "kill -PIPE $$; kill -HUP $$; echo reached";
        assert_eq!(status(&["execute", "sh", "-c", script]), 128 + 13);
        let script = "kill -HUP $$; sed -n 's/^Sig[BI].*:.//p' /proc/self/status";
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", "trap '' HUP; exec \"$0\" \"$@\"", common::SPACE]);
        let output = shell.args(["execute", "sh", "-c", script]).output().expect("run");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let masks = text.lines().map(|mask| u64::from_str_radix(mask, 16).expect("a mask"));
        // Without libc's two internal signals, and without the real-time signals that the machine may have ignored.
        let masks: Vec<_> = masks.map(|mask| mask & 0x7fff_ffff).collect();
        assert_eq!(masks, [0, 1], "blocked and ignored signals");
    });
}

/// Repeats a run until the program was executed before the limit expired. On a busy machine the start may take longer.
fn in_time(words: &[&str]) -> std::process::Output {
    let outputs = std::iter::repeat_with(|| space(words));
    let was_executed = |output: &std::process::Output| {
        !String::from_utf8_lossy(&output.stderr).contains("\"pid\":null")
    };
    outputs.take(100).find(was_executed).expect("a run in time")
}

#[test]
fn an_expired_time_limit_is_status_124() {
    run_space_as!([Root, User, Nested], {
        // SIGTERM does not terminate process 1.
        for (options, signal) in [([].as_slice(), 15), (&["-pUz"], 9)] {
            let begin = Instant::now();
            let words = ["execute", "--json", "--timeout", "0.2"];
            let words = [words.as_slice(), options, &["sleep", "1000"]].concat();
            let output = in_time(&words);
            assert_eq!(output.status.code(), Some(124));
            assert!(begin.elapsed() >= Duration::from_millis(200));
            let text = String::from_utf8(output.stderr).expect("UTF-8");
            let expected = format!("\"signal\":{signal},\"timed_out\":true,\"status\":124");
            assert!(text.contains(&expected), "{expected} in {text}");
        }
        assert_eq!(status(&["execute", "--timeout", "100", "sh", "-c", "exit 3"]), 3);
    });
}

#[test]
fn a_program_that_ignores_sigterm_is_killed_at_the_limit() {
    run_space_as!([User], {
        let words = ["execute", "--json", "--timeout", "2", "sh", "-c", "trap '' TERM; sleep 9"];
        let output = in_time(&words);
        assert_eq!(output.status.code(), Some(124));
        let text = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(text.contains("\"signal\":9") && text.contains("\"timed_out\":true"), "{text}");
    });
}

/// A program that has stopped does not escape the limit.
#[test]
fn a_stopped_program_is_terminated_at_the_limit() {
    run_space_as!([User], {
        let words = ["execute", "--timeout", "0.3", "sh", "-c", "kill -STOP $$; exit 1"];
        assert_eq!(status(&words), 124);
    });
}

#[test]
fn a_start_with_closed_standard_streams_succeeds() {
    run_space_as!([Root, User], {
        let mut command = command(&["execute", "-Uz", "sh", "-c", "exit 5"]);
        command.stdin(std::process::Stdio::inherit());
        command.stdout(std::process::Stdio::inherit()).stderr(std::process::Stdio::inherit());
        let script = "exec \"$0\" \"$@\" <&- >&- 2>&-";
        let mut shell = std::process::Command::new("sh");
        shell.arg("-c").arg(script).arg(command.get_program()).args(command.get_args());
        assert_eq!(shell.process_group(0).status().expect("run").code(), Some(5));
    });
}

/// A program that a signal kills at once is reported as killed, also if the caller ignores SIGCHLD.
#[test]
fn f38_an_immediate_kill_is_reported_with_sigchld_ignored() {
    run_space_as!([Root, User], {
        // The inner shell kills itself at once.
        let script = "trap '' CHLD; exec \"$0\" execute \"$@\" sh -c 'kill -SEGV $$'";
        for options in [[].as_slice(), &["-Uz"]] {
            for _ in 0..50 {
                let mut shell = std::process::Command::new("sh");
                shell.args(["-c", script, common::SPACE]).args(options);
                let code = shell.status().expect("run").code();
                assert_eq!(code, Some(139), "{options:?}");
            }
        }
    });
}

/// The timer of a start uses a real-time signal.
#[test]
fn every_ignored_signal_stays_ignored() {
    run_space_as!([Root, User], {
        let script = "trap '' RTMAX RTMAX-1; exec \"$@\"";
        let read = ["sed", "-n", "s/^SigIgn:.//p", "/proc/self/status"];
        let mask = |words: &[&str]| {
            let mut shell = std::process::Command::new("bash");
            shell.args(["-c", script, "sh"]).args(words);
            let output = shell.output().expect("run");
            u64::from_str_radix(String::from_utf8_lossy(&output.stdout).trim(), 16).expect("a mask")
        };
        let expected = mask(&read);
        assert_eq!(expected >> 62, 3);
        assert_eq!(mask(&[&[common::SPACE, "execute"], read.as_slice()].concat()), expected);
    });
}
