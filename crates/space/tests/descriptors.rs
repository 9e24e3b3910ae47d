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
