//! Signals that `space` gets, time limits, and its own death.
#[macro_use]
mod common;

use std::io::{BufRead, BufReader};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::Child;
use std::time::{Duration, Instant};

use common::{command, space, status};
use ns_testbed::LONG;
use rustix::process::{Pid, Signal, kill_process};

/// Starts a script, which prints its process id between the two parts.
fn started(options: &[&str], before: &str, after: &str) -> (Child, Pid) {
    let script = format!("{before} read -r pid rest < /proc/self/stat; echo $pid; {after}");
    let words = [["execute"].as_slice(), options, &["sh", "-c", &script]].concat();
    running(command(&words))
}

/// `/proc` is the caller's here, so that its number is one that the caller knows.
fn running(mut command: std::process::Command) -> (Child, Pid) {
    let mut child = command.spawn().expect("spawn");
    let mut line = String::new();
    let output = child.stdout.as_mut().expect("piped");
    BufReader::new(output).read_line(&mut line).expect("read");
    let pid = line.trim().parse().ok().and_then(Pid::from_raw);
    (child, pid.unwrap_or_else(|| panic!("no process id: {line:?}")))
}

/// Whether it has not ended; whoever has it now may leave it unreaped.
fn runs(program: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", program.as_raw_nonzero()));
    stat.is_ok_and(|stat| !stat.contains(") Z") && !stat.contains(") X"))
}

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).expect("kill");
}

#[test]
fn they_are_passed_on() {
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
        let beside = ["-pUz", "--init"];
        for (options, code) in [([].as_slice(), 143), (&["-pUz"], 137), (&beside, 143)] {
            let (mut child, _) = started(options, "", "exec sleep 1000");
            std::thread::sleep(Duration::from_millis(100));
            send(&child, Signal::TERM);
            assert_eq!(child.wait().expect("wait").code(), Some(code));
        }
    });
}

#[test]
fn the_program_does_not_outlive_it() {
    run_space_as!([Root, User, Nested], {
        for options in [[].as_slice(), &["-Uz"], &["-pUz"], &["-pUz", "--init"]] {
            let (mut child, program) = started(options, "", "exec sleep 1000");
            assert!(runs(program));
            send(&child, Signal::KILL);
            assert_eq!(child.wait().expect("wait").signal(), Some(9));
            let deadline = Instant::now() + LONG;
            while runs(program) {
                assert!(Instant::now() < deadline, "{options:?}: it runs on");
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    });
}

#[test]
fn the_program_has_those_of_the_caller_ignored_and_no_others() {
    run_space_as!([Root, User, Nested], {
        let script = "kill -PIPE $$; kill -HUP $$; echo reached";
        assert_eq!(status(&["execute", "sh", "-c", script]), 128 + 13);
        let script = "kill -HUP $$; sed -n 's/^Sig[BI].*:.//p' /proc/self/status";
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", "trap '' HUP; exec \"$0\" \"$@\"", common::SPACE]);
        let output = shell.args(["execute", "sh", "-c", script]).output().expect("run");
        let text = String::from_utf8(output.stdout).expect("text");
        let masks = text.lines().map(|mask| u64::from_str_radix(mask, 16).expect("a mask"));
        // Without the two of libc's own and those that a machine may have ignored beyond them.
        let masks: Vec<_> = masks.map(|mask| mask & 0x7fff_ffff).collect();
        assert_eq!(masks, [0, 1], "blocked, and ignored");
    });
}

/// A run whose program had begun before its time was over, as on a busy machine it may not.
fn in_time(words: &[&str]) -> std::process::Output {
    let outputs = std::iter::repeat_with(|| space(words));
    let begun = |output: &std::process::Output| {
        !String::from_utf8_lossy(&output.stderr).contains("\"pid\":null")
    };
    outputs.take(100).find(begun).expect("one of many")
}

#[test]
fn a_time_limit_ends_it_with_124() {
    run_space_as!([Root, User, Nested], {
        // Process 1 would not be ended by TERM.
        for (options, signal) in [([].as_slice(), 15), (&["-pUz"], 9)] {
            let begin = Instant::now();
            let words = ["execute", "--json", "--timeout", "0.2"];
            let words = [words.as_slice(), options, &["sleep", "1000"]].concat();
            let output = in_time(&words);
            assert_eq!(output.status.code(), Some(124));
            assert!(begin.elapsed() >= Duration::from_millis(200));
            let text = String::from_utf8(output.stderr).expect("text");
            let told = format!("\"signal\":{signal},\"timed_out\":true,\"status\":124");
            assert!(text.contains(&told), "{told} in {text}");
        }
        assert_eq!(status(&["execute", "--timeout", "100", "sh", "-c", "exit 3"]), 3);
    });
}

#[test]
fn a_program_that_ignores_the_end_of_its_time_is_killed() {
    run_space_as!([User], {
        let words = ["execute", "--json", "--timeout", "2", "sh", "-c", "trap '' TERM; sleep 9"];
        let output = in_time(&words);
        assert_eq!(output.status.code(), Some(124));
        let text = String::from_utf8(output.stderr).expect("text");
        assert!(text.contains("\"signal\":9") && text.contains("\"timed_out\":true"), "{text}");
    });
}

/// One that stopped meanwhile does not sit the limit out.
#[test]
fn a_stopped_program_ends_too() {
    run_space_as!([User], {
        let words = ["execute", "--timeout", "0.3", "sh", "-c", "kill -STOP $$; exit 1"];
        assert_eq!(status(&words), 124);
    });
}

#[test]
fn a_start_without_standard_streams_works() {
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

/// A FIFO in its temporary folder, removed when it is dropped.
struct Fifo(std::path::PathBuf);

impl Fifo {
    fn new(name: &str) -> Self {
        let file = format!("space-fifo-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(file);
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0)
            .expect("mkfifo");
        Self(path)
    }

    fn name(&self) -> &str {
        self.0.to_str().expect("text")
    }
}

impl Drop for Fifo {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A FIFO without a peer, as each stream, ends by signals and at the limit, as `cat <fifo` in a shell.
#[test]
fn e09_a_fifo_without_a_peer() {
    run_space_as!([Root, User], {
        for stream in ["--stdin", "--stdout", "--stderr"] {
            let fifo = Fifo::new(stream);
            let words = ["execute", stream, fifo.name(), "true"];
            for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
                let mut child = command(&words).spawn().expect("spawn");
                std::thread::sleep(Duration::from_millis(100));
                assert_eq!(child.try_wait().expect("wait"), None, "{stream}");
                send(&child, signal);
                let status = child.wait().expect("wait");
                assert_eq!(status.signal(), Some(signal.as_raw()), "{stream}");
            }
            let begin = Instant::now();
            let limited = ["execute", "--timeout", "0.2", stream, fifo.name(), "true"];
            assert_eq!(status(&limited), 124, "{stream}");
            assert!(begin.elapsed() >= Duration::from_millis(200));
        }
    });
}

/// With a peer the program gets what it writes.
#[test]
fn e09_a_fifo_with_a_peer() {
    run_space_as!([Root, User], {
        let fifo = Fifo::new("peer");
        let path = fifo.0.clone();
        let writer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(100));
            std::fs::write(path, "told\n").expect("write");
        });
        let words = ["execute", "--timeout", "5", "--stdin", fifo.name(), "cat"];
        let output = space(&words);
        writer.join().expect("the writer");
        assert_eq!(output.stdout, b"told\n", "{output:?}");
    });
}

/// A program that dies by a signal at once is told as such, also where nobody waits for children.
#[test]
fn f38_an_early_end_with_children_ignored() {
    run_space_as!([Root, User], {
        // The inner shell dies at once.
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
