//! The environment and the descriptors of the program, and options that a descriptor contains.
#[macro_use]
mod common;

use std::fs;
use std::process::{Command, Output};

use common::{SPACE, command, error_line, status, stdout};

/// Runs `space` with these words where a shell script has "$0" "$@".
fn in_shell(script: &str, words: &[&str]) -> Output {
    let mut shell = Command::new("sh");
    shell.args(["-c", script, SPACE]).args(words).output().expect("run")
}

#[test]
fn the_environment_is_set_or_cleared() {
    run_space_as!([Root, User], {
        let words = ["execute", "--env", "A=B=C", "--env", "E=", "sh", "-c", "echo $A.$E.$HOME"];
        let output = command(&words).env("HOME", "/x").output().expect("run");
        assert_eq!(output.stdout, b"B=C../x\n");
        let words = ["execute", "--env", "A=1", "--clear-env", "/usr/bin/env"];
        assert_eq!(stdout(&words), "A=1\n");
    });
}

#[test]
fn the_environment_is_changed_in_the_order_of_the_options() {
    run_space_as!([Root, User], {
        let path = std::env::temp_dir().join(format!("space-env-{}", std::process::id()));
        fs::write(&path, "# a comment\n\nA=file\nB=x y=z\n").expect("write");
        let file = path.to_str().expect("UTF-8");
        let show = ["sh", "-c", "echo $A.$B.$C"];
        let shown = |options: &[&str]| stdout(&[&["execute"], options, &show].concat());
        assert_eq!(shown(&["--env-file", file]), "file.x y=z.\n");
        assert_eq!(shown(&["--env", "A=1", "--env-file", file, "--env=B=2"]), "file.2.\n");
        assert_eq!(shown(&["--env", "C=1", "--unset-env", "C"]), "..\n");
        assert_eq!(shown(&["--unset-env", "C", "--setenv", "C", "1"]), "..1\n");
        fs::write(&path, "A=1\nno value\n").expect("write");
        let line = error_line(&["execute", "--env-file", file, "true"]);
        assert!(line.contains("--env-file: ") && line.contains(":2: not of the form"), "{line}");
        for (text, name) in [("A=1\nexport B=2\n", "export B"), ("A=1\n B=2\n", " B")] {
            fs::write(&path, text).expect("write");
            let line = error_line(&["execute", "--env-file", file, "true"]);
            assert!(line.ends_with(&format!(":2: {name:?} is not a variable name")), "{line}");
        }
        fs::remove_file(path).expect("remove");
        let line = error_line(&["execute", "--env-file", "/no/such", "true"]);
        assert!(line.starts_with("space: --env-file: /no/such: ENOENT (No such file"), "{line}");
    });
}

#[test]
fn a_descriptor_is_passed_to_the_program() {
    run_space_as!([Root, User, Nested], {
        let script = "exec 5</proc/self/comm 6</proc/self/comm; exec \"$0\" \"$@\"";
        let words = ["execute", "-Uz", "--keep-fd", "5", "sh", "-c", "cat <&5; cat <&6"];
        let output = in_shell(script, &words);
        assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 1, "{output:?}");
        assert!(!output.status.success(), "descriptor 6 is closed");
        let line = error_line(&["execute", "--keep-fd", "99", "true"]);
        assert!(line.starts_with("space: --keep-fd: descriptor 99: EBADF ("), "{line}");
        assert_eq!(status(&["execute", "--keep-fd", "x", "true"]), 125);
    });
}

#[test]
fn a_descriptor_contains_options() {
    run_space_as!([Root, User, Nested], {
        let script = r#"printf '%s\0' --env A=1 --clear-env | {
            exec 5<&0; printf '%s\0' --env 'B=a b' | { exec 6<&0; "$0" "$@"; }; }"#;
        let words = ["execute", "--args", "5", "--args=6", "/usr/bin/env"];
        assert_eq!(in_shell(script, &words).stdout, b"A=1\nB=a b\n");
        let words = ["execute", "--args", "5", "--", "/bin/echo", "--args", "6"];
        assert_eq!(in_shell(script, &words).stdout, b"--args 6\n");
        let line = error_line(&["execute", "--args", "99", "true"]);
        assert!(line.starts_with("space: --args: descriptor 99: EBADF ("), "{line}");
        for (text, expected) in [
            (
                "-v\\nls\\n",
                "--args 0: \"-v\\nls\\n\" is not an option; each word must end with a NUL byte",
            ),
            ("--nosuch\\0", "--args 0: unexpected argument '--nosuch' found (see --help)"),
        ] {
            let script = format!("printf -- '{text}' | \"$0\" \"$@\"");
            let output = in_shell(&script, &["execute", "--args", "0", "true"]);
            assert_eq!(String::from_utf8_lossy(&output.stderr), format!("space: {expected}\n"));
            assert_eq!(output.status.code(), Some(125));
        }
    });
}

#[test]
fn a_descriptor_is_read_by_one_option() {
    run_space_as!([Root, User], {
        let script = "exec 3</proc/self/comm; exec \"$0\" \"$@\"";
        let bind = ["--bind-data", "3", "/mnt/b"];
        for (first, last, expected) in [
            (["--file", "3", "/mnt/a"].as_slice(), bind.as_slice(), "--bind-data 3 /mnt/b"),
            (&bind, &["--seccomp", "3"], "--seccomp"),
        ] {
            let words = [&["execute", "-Umz", "--tmpfs", "/mnt"], first, last, &["true"]].concat();
            let output = in_shell(script, &words);
            let line = String::from_utf8_lossy(&output.stderr);
            let reason = "descriptor 3 is read by another option before";
            assert_eq!(line, format!("space: {expected}: {reason}\n"));
            assert_eq!(output.status.code(), Some(125), "{line}");
        }
    });
}
