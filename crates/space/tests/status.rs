//! Exit statuses, and the one line of an error.
#[macro_use]
mod common;

use common::{complaint, space, status};

#[test]
fn it_is_that_of_the_program() {
    run_space_as!([Root, User, Nested], {
        for code in [0, 1, 7, 124, 127, 255] {
            let script = format!("exit {code}");
            assert_eq!(status(&["execute", "--", "sh", "-c", &script]), code);
            assert_eq!(status(&["execute", "-az", "sh", "-c", &script]), code);
        }
    });
}

#[test]
fn a_signal_is_128_and_its_number() {
    run_space_as!([Root, User, Nested], {
        for (signal, code) in [("SEGV", 139), ("KILL", 137), ("TERM", 143)] {
            assert_eq!(status(&["execute", "sh", "-c", &format!("kill -{signal} $$")]), code);
        }
    });
}

#[test]
fn what_cannot_be_executed_is_told_from_what_is_not_there() {
    run_space_as!([Root, User, Nested], {
        assert_eq!(status(&["execute", "no-such-program"]), 127);
        assert_eq!(status(&["execute", "/nonexistent/program"]), 127);
        assert_eq!(status(&["execute", "/etc"]), 126);
        assert_eq!(status(&["execute", "/etc/passwd"]), 126);
        assert!(complaint(&["execute", "no-such-program"]).contains("no such program in PATH"));
    });
}

#[test]
fn our_own_failures_are_125_and_one_line_with_what_to_do() {
    run_space_as!([Root, User, Nested], {
        let cases: [(&[&str], &str); 10] = [
            (&["execute", "--usr", "id"], "'--user'"),
            (&["execute", "--id", "id"], "--id: needs a new user namespace"),
            (&["execute", "--hostname", "x", "id"], "--hostname: needs a new uts namespace"),
            (&["execute", "-U", "-M", "0:1", "id"], "inside outside length"),
            (&["execute", "-UM", "0 1 4", "-z", "id"], "'--id'"),
            (&["execute", "--timeout", "0", "id"], "more than 0"),
            (&["chroot", "/nonexistent", "id"], "/nonexistent: ENOENT"),
            (&["inject", "x", "id"], "\"x\" is no process id"),
            (&["inject", "99999999", "id"], "process 99999999: ESRCH"),
            (&["inject", "--uts=/etc/passwd", "1", "id"], "no namespace"),
        ];
        for (words, told) in cases {
            assert_eq!(status(words), 125, "{words:?}");
            let line = complaint(words);
            assert!(line.contains(told), "{line}");
        }
    });
}

#[test]
fn inject_refuses_maps_with_the_reason() {
    run_space_as!([Root, User, Nested], {
        for words in [["inject", "-z", "1", "id"].as_slice(), &["inject", "-M", "0", "1", "id"]] {
            assert_eq!(status(words), 125);
            let line = complaint(words);
            assert!(line.contains("the maps of the user namespace that is entered hold"), "{line}");
        }
    });
}

#[test]
fn a_broken_pipe_ends_it_quietly() {
    run_space_as!([Root, User], {
        use std::os::unix::process::ExitStatusExt;
        let (reader, writer) = std::io::pipe().expect("pipe");
        drop(reader);
        let mut command = common::command(&["--help"]);
        let output = command.stdout(writer).output().expect("run");
        assert_eq!(output.status.signal(), Some(13), "{output:?}");
        assert!(output.stderr.is_empty());
    });
}

#[test]
fn help_is_no_error() {
    run_space_as!([Root, User], {
        for words in [["--help"].as_slice(), &["execute", "-h"], &["--version"]] {
            let output = space(words);
            assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
            assert!(!output.stdout.is_empty());
        }
        assert_eq!(status(&[]), 125);
    });
}
