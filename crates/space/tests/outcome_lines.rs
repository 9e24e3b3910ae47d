//! The object of `--json` on a pipe that is full, has `O_NONBLOCK`, or has no reader.
#[macro_use]
mod common;

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::Child;
use std::time::Duration;

use common::command;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, Signal, kill_process};

/// A pipe whose writers do not wait.
fn pipe() -> (File, OwnedFd) {
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).expect("pipe");
    rustix::fs::fcntl_setfl(&writer, rustix::fs::OFlags::NONBLOCK).expect("O_NONBLOCK");
    (reader.into(), writer)
}

/// Fills the pipe, and returns the number of bytes.
fn fill(writer: &OwnedFd) -> usize {
    std::iter::from_fn(|| rustix::io::write(writer, &[b'x'; 4096]).ok()).sum()
}

fn space(options: &[&str], writer: OwnedFd) -> Child {
    let words = [&["execute", "--json"], options, &["sh", "-c", "exit 3"]].concat();
    let mut command = command(&words);
    command.stderr(writer).spawn().expect("run")
}

#[test]
fn the_object_is_written_whole_to_a_full_pipe() {
    run_space_as!([Root, User], {
        // The second object is longer than a pipe.
        for name in ["short".to_owned(), "n".repeat(100_000)] {
            let (mut reader, writer) = pipe();
            let filled = fill(&writer);
            let mut child = space(&["--name", &name], writer);
            std::thread::sleep(Duration::from_millis(200));
            assert_eq!(child.try_wait().expect("wait"), None, "it waits for the reader");
            let mut text = Vec::new();
            reader.read_to_end(&mut text).expect("read");
            assert_eq!(child.wait().expect("wait").code(), Some(3));
            let object: serde_json::Value =
                serde_json::from_slice(&text[filled..]).expect("one object");
            assert_eq!((&object["name"], &object["status"]), (&name.into(), &3.into()));
        }
    });
}

#[test]
fn the_wait_for_a_reader_can_be_interrupted() {
    run_space_as!([Root, User], {
        let (_reader, writer) = pipe();
        fill(&writer);
        let mut child = space(&[], writer);
        std::thread::sleep(Duration::from_millis(200));
        kill_process(Pid::from_child(&child), Signal::TERM).expect("kill");
        // Either it was killed while it waited, or the signal was forwarded to the program.
        let status = child.wait().expect("wait");
        assert!(status.signal() == Some(15) || status.code() == Some(143), "{status}");
    });
}

#[test]
fn an_object_that_cannot_be_written_is_status_125() {
    run_space_as!([Root, User], {
        let (reader, writer) = pipe();
        drop(reader);
        assert_eq!(space(&[], writer).wait().expect("wait").code(), Some(125));
        let full = File::options().write(true).open("/dev/full").expect("open");
        assert_eq!(space(&[], full.into()).wait().expect("wait").code(), Some(125));
        // So is an error before a start.
        let (reader, writer) = pipe();
        drop(reader);
        let mut command = command(&["execute", "--json", "--cgroup-dir", "/no/such", "true"]);
        assert_eq!(command.stderr(writer).status().expect("run").code(), Some(125));
    });
}

#[test]
fn json_has_the_words_of_the_message() {
    run_space_as!([Root, User], {
        let error = |words: &[&str]| -> serde_json::Value {
            let words = [&["execute", "--json"], words, &["true"]].concat();
            let output = command(&words).output().expect("run");
            let object: serde_json::Value = serde_json::from_slice(&output.stderr).expect("JSON");
            object["error"].clone()
        };
        let kept = error(&["-Un", "--keep", "net=/no/such"]);
        let fields = [&kept["step"], &kept["errno"], &kept["object"]];
        assert_eq!(fields, [&"keep".into(), &2.into(), &serde_json::Value::from("/no/such")]);
        let bound = error(&["-Umz", "--bind", "/no/such", "/mnt"]);
        let [hint, message] = [&bound["hint"], &bound["message"]].map(|text| text.as_str());
        let (hint, message) = (hint.expect("a hint"), message.expect("a message"));
        assert!(message.contains(hint) && hint.contains("--bind-try"), "{bound}");
        let checked = error(&["--mount-proc"]);
        let message = checked["message"].as_str().expect("a message");
        assert!(message.starts_with("space: --mount-proc: needs"), "{checked}");
    });
}

/// A write beyond the limit of a file is an error, and does not kill `space`.
#[test]
fn a_file_that_may_not_grow_is_status_125() {
    run_space_as!([Root, User], {
        let script = "ulimit -f 0; exec \"$0\" execute --json true 2>\"$1\"";
        let file = std::env::temp_dir().join(format!("space-limit-{}", std::process::id()));
        let mut shell = std::process::Command::new("sh");
        let status = shell.args(["-c", script, common::SPACE]).arg(&file).status();
        assert_eq!(status.expect("run").code(), Some(125));
        std::fs::remove_file(file).expect("remove");
    });
}
