//! Input and output that wait for another process: FIFOs and pipes.
#[macro_use]
mod common;
#[path = "common/fifo.rs"]
mod fifo;

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use common::{command, space};
use fifo::Fifo;
use rustix::process::{Pid, Signal, kill_process};

/// Sends signals to `space` while it waits, and lets its time limit expire: it ends as `cat <fifo` does in a shell.
fn can_be_interrupted(verb: &[&str], options: &[&str]) {
    let start = |limit: &[&str]| -> Child {
        let words = [verb[..1].to_vec(), limit.to_vec(), options.to_vec(), verb[1..].to_vec()];
        // The test keeps the write end of the pipe.
        command(&words.concat()).stdin(Stdio::piped()).spawn().expect("spawn")
    };
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let mut child = start(&[]);
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(child.try_wait().expect("wait"), None, "{verb:?} {options:?}");
        kill_process(Pid::from_child(&child), signal).expect("kill");
        let input = child.stdin.take();
        let status = child.wait().expect("wait");
        assert_eq!(status.signal(), Some(signal.as_raw()), "{verb:?} {options:?}");
        drop(input);
    }
    let begin = Instant::now();
    let mut child = start(&["--timeout", "0.2"]);
    let input = child.stdin.take();
    assert_eq!(child.wait().expect("wait").code(), Some(124), "{verb:?} {options:?}");
    assert!(begin.elapsed() >= Duration::from_millis(200));
    drop(input);
}

/// The command line of each verb that starts a program, whose options come after the verb.
fn verbs() -> [Vec<String>; 3] {
    let own = std::process::id().to_string();
    [&["execute", "true"][..], &["chroot", "/", "true"], &["inject", &own, "true"]]
        .map(|words| words.iter().map(ToString::to_string).collect())
}

#[test]
fn e09_opening_a_fifo_without_a_peer_can_be_interrupted() {
    run_space_as!([Root, User], {
        for verb in verbs() {
            let verb: Vec<_> = verb.iter().map(String::as_str).collect();
            for stream in ["--stdin", "--stdout", "--stderr", "--env-file"] {
                let fifo = Fifo::new(stream);
                can_be_interrupted(&verb, &[stream, fifo.name()]);
            }
        }
    });
}

#[test]
fn e09_reading_options_from_a_pipe_can_be_interrupted() {
    run_space_as!([Root, User], {
        for verb in verbs() {
            let verb: Vec<_> = verb.iter().map(String::as_str).collect();
            for option in ["--args", "--seccomp"] {
                can_be_interrupted(&verb, &[option, "0"]);
            }
            if verb[0] != "inject" {
                can_be_interrupted(&verb, &["-mUz", "--file", "0", "/tmp/new"]);
            }
        }
    });
}

/// An error that shows the time limit, also in the object of `--json`.
#[test]
fn a_limit_that_expires_before_the_start_is_reported() {
    run_space_as!([User], {
        let fifo = Fifo::new("report");
        let words = ["execute", "--json", "--timeout", "0.2", "--env-file", fifo.name(), "true"];
        let text = String::from_utf8(space(&words).stderr).expect("UTF-8");
        let object: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!((&object["timed_out"], &object["status"]), (&true.into(), &124.into()));
        let message = format!("space: --env-file: {}: the time limit has expired", fifo.name());
        assert_eq!(object["error"]["message"], message);
    });
}

#[test]
fn e09_a_fifo_with_a_peer_is_read() {
    run_space_as!([Root, User], {
        let fifo = Fifo::new("peer");
        let path = fifo.0.clone();
        let writer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(100));
            std::fs::write(path, "text\n").expect("write");
        });
        let words = ["execute", "--timeout", "100", "--stdin", fifo.name(), "cat"];
        let output = space(&words);
        writer.join().expect("the writer");
        assert_eq!(output.stdout, b"text\n", "{output:?}");
    });
}

#[test]
fn e09_variables_are_read_from_a_fifo() {
    run_space_as!([Root, User], {
        for limit in [&[][..], &["--timeout", "100"]] {
            let fifo = Fifo::new("variables");
            let path = fifo.0.clone();
            let writer = std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(100));
                // More than a pipe holds.
                let text = format!("LONG={}\nA=1\n", "x".repeat(70_000));
                std::fs::write(path, text).expect("write");
            });
            let words = [&["execute", "--env-file", fifo.name()], limit, &["sh", "-c", "echo $A"]];
            let output = space(&words.concat());
            writer.join().expect("the writer");
            assert_eq!(output.stdout, b"1\n", "{output:?}");
        }
    });
}
