//! What a release changes of the plan.

use std::fs::{self, File};
use std::io::{Read, Write};

use crate::changed::{refused, released};
use crate::common::{Directory, Output, elf, shell};
use crate::support::{code_of, parked};
use ns_process::{Container, Errno, Init, Namespace, Payload, Resource, Stdio, Step};

/// A shell that prints its arguments, the first of which is the script.
fn arguments() -> Container {
    let mut container = Container::new("sh");
    container.args(["-c", r#"printf '%s|' "$0" "$@""#, "zero", "one"]);
    container
}

/// Without a change the planned program runs.
#[test]
fn an_empty_payload_changes_nothing() {
    ns_testbed::run_as!([Root, User, Nested], {
        assert_eq!(released(&mut arguments(), |payload| payload), "zero|one|");
    });
}

/// The first argument replaces the planned ones; an empty list removes them.
#[test]
fn arguments_replace_the_planned_ones() {
    ns_testbed::run_as!([Root, User], {
        let script = r#"printf '%s|' "$0" "$@""#;
        let seen = released(&mut arguments(), |payload| {
            payload.args(["-c", script, "a"]).arg("").arg("b c\n").arg("\u{e9}")
        });
        assert_eq!(seen, "a||b c\n|\u{e9}|");
        let mut echo = Container::new("echo");
        echo.args(["planned", "arguments"]);
        assert_eq!(released(&mut echo, |payload| payload), "planned arguments\n");
        let none: [&str; 0] = [];
        assert_eq!(released(&mut echo, |payload| payload.args(none)), "\n");
        // The program may change without its arguments.
        assert_eq!(released(&mut echo, |payload| payload.program("printf")), "planned");
    });
}

/// The program is a path, a name in the planned `PATH`, or a name in the new one.
#[test]
fn the_program_is_searched_in_the_path_of_the_payload() {
    ns_testbed::run_as!([Root, User], {
        let directory = Directory::with("programs", &["a", "b"]);
        for name in ["a", "b"] {
            let path = directory.join(name).join("tool");
            fs::write(&path, format!("#!/bin/sh\necho {name} $PATH\n")).expect("write");
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            fs::set_permissions(&path, mode).expect("chmod");
        }
        let (a, b) = (directory.join("a"), directory.join("b"));
        let mut planned = Container::new("tool");
        planned.env("PATH", &a);
        assert_eq!(released(&mut planned, |payload| payload), format!("a {}\n", a.display()));
        let seen = released(&mut planned, |payload| payload.env("PATH", &b));
        assert_eq!(seen, format!("b {}\n", b.display()));
        let seen = released(&mut planned, |payload| payload.program(b.join("tool")));
        assert_eq!(seen, format!("b {}\n", a.display()));
        let mut other = Container::new("true");
        other.env("PATH", &b);
        let seen = released(&mut other, |payload| payload.program("tool"));
        assert_eq!(seen, format!("b {}\n", b.display()));
        // Without PATH, the default path of execvp(3).
        let error = refused(&planned, |payload| payload.env_remove("PATH"));
        assert_eq!((error.step(), error.errno()), (Step::Exec, Some(Errno::NOENT)), "{error}");
        assert_eq!(error.object(), Some("tool"));
        let error = refused(&planned, |payload| payload.program("no-such-program"));
        assert_eq!(error.object(), Some("no-such-program"));
        assert_eq!(error.hint(), Some("no such program in PATH"));
        let error = refused(&planned, |payload| payload.program(""));
        assert_eq!((error.step(), error.object()), (Step::Check, Some("program: is empty")));
    });
}

/// Variables are set, replaced and removed over the planned environment.
#[test]
fn variables_change_the_planned_environment() {
    ns_testbed::run_as!([Root, User], {
        let sorted = |text: String| {
            let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        let mut planned = Container::new("/usr/bin/env");
        planned.env_clear().envs([("A", "1"), ("B", "2"), ("C", "")]);
        let seen = released(&mut planned, |payload| {
            payload.env("B", "x=y").env_remove("A").env("D", "").env("E", "\n")
        });
        assert_eq!(sorted(seen), ["", "B=x=y", "C=", "D=", "E="]);
        let seen = released(&mut planned, |payload| {
            payload.env("A", "lost").env_clear().envs([("Z", "1")]).env_remove("none")
        });
        assert_eq!(sorted(seen), ["Z=1"]);
        assert_eq!(released(&mut planned, |payload| payload.env_clear()), "");
        for key in ["", "A=B"] {
            let error = refused(&planned, |payload| payload.env(key, "x"));
            let message = format!("env {key:?}: a name must not be empty or contain =");
            assert_eq!((error.step(), error.object()), (Step::Check, Some(&*message)));
        }
    });
}

/// A NUL byte is refused, and the message has its position.
#[test]
fn a_nul_byte_in_a_payload_is_refused() {
    ns_testbed::run_as!([User], {
        let planned = shell("exit 3");
        let cases: [(Payload, &str); 5] = [
            (Payload::new().program("a\0b").clone(), "program: NUL at byte 1"),
            (Payload::new().args(["x", "ab\0"]).clone(), "arg 2: NUL at byte 2"),
            (Payload::new().env("KEY", "a\0").clone(), "env KEY: NUL at byte 5"),
            (Payload::new().env("K\0", "a").clone(), "env K\\x00: NUL at byte 1"),
            (Payload::new().workdir("/tmp\0").clone(), "workdir: NUL at byte 4"),
        ];
        for (payload, message) in cases {
            let error = parked(&planned).release_with(&payload).expect_err("NUL");
            assert_eq!((error.step(), error.object()), (Step::Check, Some(message)));
        }
    });
}

/// A program by its descriptor, in place of a path and of another descriptor.
#[test]
fn a_program_by_descriptor_replaces_the_planned_one() {
    ns_testbed::run_as!([Root, User], {
        let file = || elf::memory_file(&elf::program());
        let mut by_fd = Container::new("name");
        by_fd.args(["-c", "exit 3"]).program_fd(File::open("/bin/sh").expect("open"));
        for planned in [shell("exit 3"), by_fd] {
            let mut payload = Payload::new();
            payload.program_fd(file());
            let process = parked(&planned).release_with(&payload).expect("release");
            assert_eq!(code_of(&process), Some(7));
            // By a path, in place of a descriptor.
            let mut payload = Payload::new();
            payload.program("/bin/sh").args(["-c", "exit 5"]);
            let process = parked(&planned).release_with(&payload).expect("release");
            assert_eq!(code_of(&process), Some(5));
            // The arguments alone change.
            let mut payload = Payload::new();
            payload.args(["-c", "exit 6"]);
            let process = parked(&planned).release_with(&payload).expect("release");
            assert_eq!(code_of(&process), Some(6));
            let error = refused(&planned, |payload| payload.program_fd(elf::memory_file(b"text")));
            assert_eq!((error.step(), error.errno()), (Step::Exec, Some(Errno::NOEXEC)));
            assert_eq!(error.hint(), Some("not a program"));
        }
    });
}

/// Pipes of a payload are the caller's ends in the handle, in place of planned ones.
#[test]
fn pipes_of_a_payload_replace_the_planned_ones() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut planned = shell("read line; echo $line; echo error >&2; exit 3");
        planned.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut payload = Payload::new();
        payload.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = parked(&planned).release_with(&payload).expect("release");
        let mut stdin = process.take_stdin().expect("the new pipe");
        stdin.write_all(b"text\n").expect("write");
        drop(stdin);
        let output = process.wait_with_output().expect("output");
        assert_eq!((&*output.stdout, &*output.stderr), (&b"text\n"[..], &b"error\n"[..]));
        assert_eq!(output.status.code(), Some(3));
        // Planned pipes stay, unless they are replaced.
        planned.stdin(Stdio::piped()).stdout(Stdio::piped());
        let file = Output::new();
        let mut payload = Payload::new();
        payload.stdout(File::create(file.path()).expect("create")).stderr(Stdio::inherit());
        let mut process = parked(&planned).release_with(&payload).expect("release");
        process.take_stdin().expect("the planned pipe").write_all(b"other\n").expect("write");
        let output = process.wait_with_output().expect("output");
        assert_eq!((&*output.stdout, &*output.stderr), (&b""[..], &b"error\n"[..]));
        assert_eq!(file.read(), "other\n");
        // Bytes, and a path.
        let mut payload = Payload::new();
        payload.stdin(Stdio::bytes("bytes\n")).stdout(Stdio::piped());
        let process = parked(&planned).release_with(&payload).expect("release");
        assert_eq!(process.wait_with_output().expect("output").stdout, b"bytes\n");
        let error = refused(&planned, |payload| payload.stdin(Stdio::path("/no/such")));
        assert_eq!((error.step(), error.errno()), (Step::Prepare, Some(Errno::NOENT)), "{error}");
    });
}

/// Under an init the changes apply to the program.
#[test]
fn a_payload_changes_the_program_of_an_init() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut planned = shell("exit 3");
        planned.namespaces([Namespace::User, Namespace::Pid]).map_zero().init(Init::builtin());
        let seen = released(&mut planned, |payload| {
            payload.args(["-c", "echo $$ $NAME; pwd; ulimit -n"]).env("NAME", "value");
            payload.workdir("/usr").rlimit(Resource::Nofile, 30, 30)
        });
        assert_eq!(seen, "2 value\n/usr\n30\n");
    });
}

/// The files of a payload are not shared with the caller's later changes.
#[test]
fn a_payload_is_used_again() {
    ns_testbed::run_as!([User], {
        let planned = shell("cat");
        let mut payload = Payload::new();
        payload.stdin(Stdio::bytes("text")).stdout(Stdio::piped());
        for _ in 0..3 {
            let mut process = parked(&planned).release_with(&payload).expect("release");
            let mut text = String::new();
            process.take_stdout().expect("pipe").read_to_string(&mut text).expect("read");
            assert_eq!(text, "text");
            assert_eq!(code_of(&process), Some(0));
        }
    });
}
