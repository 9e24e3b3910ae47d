//! Descriptors that the program receives, or that contain the program.
#[macro_use]
mod common;

use std::process::Command;

use common::{SPACE, error_line};

#[test]
fn a_program_is_executed_by_its_descriptor() {
    run_space_as!([Root, User, Nested], {
        let run = |options: &str| {
            let script = format!("exec 3</bin/sh; exec \"$0\" execute {options} -c 'echo $0'");
            let mut shell = Command::new("sh");
            let output = shell.args(["-c", &script, SPACE]).output().expect("run");
            String::from_utf8(output.stdout).expect("UTF-8")
        };
        assert_eq!(run("--exec-fd 3 its-name"), "its-name\n");
        assert_eq!(run("-Uz --exec-fd=3 other"), "other\n");
        let line = error_line(&["execute", "--exec-fd", "99", "sh"]);
        assert!(line.starts_with("space: --exec-fd: descriptor 99: EBADF"), "{line}");
    });
}

#[test]
fn all_descriptors_are_kept_on_request() {
    run_space_as!([Root, User, Nested], {
        let run = |options: &str| {
            let script =
                format!("echo text | (exec 7<&0; exec \"$0\" execute {options} cat /dev/fd/7)");
            let mut shell = Command::new("sh");
            shell.args(["-c", &script, SPACE]).output().expect("run").stdout
        };
        assert_eq!(run("-Uz --keep-fd all"), b"text\n");
        assert_eq!(run("-Uz"), b"");
    });
}

#[test]
fn a_copy_is_no_descriptor_of_the_caller() {
    run_space_as!([Root, User], {
        let run = |options: &str| {
            let script = format!("exec \"$0\" execute {options} 9</etc/passwd 3<&-");
            let mut shell = Command::new("sh");
            let output = shell.args(["-c", &script, SPACE]).output().expect("run");
            String::from_utf8(output.stderr).expect("UTF-8")
        };
        let line = run("--keep-fd 9 --keep-fd 3 true");
        assert!(line.starts_with("space: --keep-fd: descriptor 3: EBADF"), "{line}");
        let line = run("--keep-fd 9 --exec-fd 3 true");
        assert!(line.starts_with("space: --exec-fd: descriptor 3: EBADF"), "{line}");
    });
}

#[test]
fn the_write_end_of_a_pipe_is_not_read() {
    run_space_as!([Root, User], {
        // A wait would be one for this end.
        let (_reader, writer) = rustix::pipe::pipe().expect("pipe");
        let mut space = common::command(&["execute", "--args", "1", "true"]);
        let output = space.stdout(writer).output().expect("run");
        let line = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(line.starts_with("space: --args: descriptor 1: EBADF"), "{line}");
    });
}

#[test]
fn refused_input_is_reported_as_json() {
    run_space_as!([Root, User], {
        let output = common::space(&["execute", "--json", "--args", "99", "true"]);
        let object: serde_json::Value = serde_json::from_slice(&output.stderr).expect("one object");
        assert_eq!(object["status"], 125);
        assert!(object["error"]["message"].as_str().is_some_and(|text| text.contains("EBADF")));
    });
}

#[test]
fn a_full_stderr_is_no_panic() {
    run_space_as!([Root, User], {
        for words in [["bogus", ""], ["execute", "--bogus"], ["list", "--pid=999999"]] {
            let full = std::fs::File::options().write(true).open("/dev/full").expect("open");
            let mut space = common::command(&words);
            assert_eq!(space.stderr(full).status().expect("run").code(), Some(125), "{words:?}");
        }
    });
}
