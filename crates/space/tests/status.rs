//! Exit statuses and error messages.
#[macro_use]
mod common;

use common::{error_line, space, status};

#[test]
fn the_status_is_that_of_the_program() {
    run_space_as!([Root, User, Nested], {
        for code in [0, 1, 7, 124, 127, 255] {
            let script = format!("exit {code}");
            assert_eq!(status(&["execute", "--", "sh", "-c", &script]), code);
            assert_eq!(status(&["execute", "-az", "sh", "-c", &script]), code);
        }
    });
}

#[test]
fn a_killed_program_is_128_plus_the_signal_number() {
    run_space_as!([Root, User, Nested], {
        for (signal, code) in [("SEGV", 139), ("KILL", 137), ("TERM", 143)] {
            assert_eq!(status(&["execute", "sh", "-c", &format!("kill -{signal} $$")]), code);
        }
    });
}

#[test]
fn a_missing_program_is_127_and_a_non_executable_one_126() {
    run_space_as!([Root, User, Nested], {
        assert_eq!(status(&["execute", "no-such-program"]), 127);
        assert_eq!(status(&["execute", "/nonexistent/program"]), 127);
        assert_eq!(status(&["execute", "/etc"]), 126);
        assert_eq!(status(&["execute", "/etc/passwd"]), 126);
        assert!(error_line(&["execute", "no-such-program"]).contains("no such program in PATH"));
    });
}

#[test]
fn a_failure_of_space_is_125_and_one_line_with_advice() {
    run_space_as!([Root, User, Nested], {
        let cases: [(&[&str], &str); 12] = [
            (&["execute", "--usr", "id"], "'--user'"),
            (&["execute", "--id", "id"], "--id: needs a new user namespace: add --user"),
            (&["execute", "-p", "--mount-proc", "id"], "needs a new mnt namespace too: add --mnt"),
            (&["execute", ""], "PROGRAM: is empty"),
            (
                &["execute", "--hostname", "x", "id"],
                "--hostname x: needs a uts namespace that is new or joined",
            ),
            (&["execute", "-U", "-M", "0:1", "id"], "inside outside length"),
            (&["execute", "-UM", "0 1 4", "-z", "id"], "'--id'"),
            (&["execute", "--timeout", "0", "id"], "more than 0"),
            (&["chroot", "/nonexistent", "id"], "/nonexistent: ENOENT"),
            (&["inject", "x", "id"], "\"x\" is not a process ID"),
            (&["inject", "99999999", "id"], "process 99999999: ESRCH"),
            (&["inject", "--uts=/etc/passwd", "1", "id"], "not a namespace file"),
        ];
        for (words, expected) in cases {
            assert_eq!(status(words), 125, "{words:?}");
            let line = error_line(words);
            assert!(line.contains(expected), "{line}");
        }
    });
}

/// Options of other commands, and those that another verb has.
#[test]
fn an_unknown_option_is_answered_by_the_right_one() {
    run_space_as!([Root, User], {
        let cases: [(&[&str], &str); 19] = [
            (&["execute", "--fork", "id"], "'--fork' found; space always starts"),
            (&["execute", "-f", "id"], "'-f' found; space always starts"),
            (&["execute", "-r", "id"], "'-r' found; use --id"),
            (&["execute", "--mount", "id"], "use --mnt"),
            (&["execute", "--unshare-net", "id"], "use --net"),
            (&["execute", "--unshare-cgroup-try", "id"], "use --cgroup"),
            (&["execute", "--chdir", "/", "id"], "use --workdir"),
            (&["execute", "--monotonic", "1", "id"], "use --time-offset monotonic=SECS"),
            (&["execute", "--map-users=0", "id"], "use --uid-map"),
            (&["execute", "--share-net", "id"], "use --no-net after --all"),
            (&["inject", "-t", "1", "id"], "space inject PID PROGRAM"),
            (&["inject", "--target=1", "id"], "space inject PID PROGRAM"),
            (&["inject", "--bind", "/", "/", "1", "id"], "it is an option of execute and chroot"),
            (&["execute", "--follow-root", "id"], "it is an option of inject"),
            (&["list", "--timeout", "1"], "it is an option of execute, chroot and inject"),
            (&["--timeout", "1", "execute", "id"], "'--timeout' found; write it after execute"),
            (&["-U", "run", "id"], "'-U' found; write it after execute"),
            (&["list", "-U"], "'-U' found; it is an option of execute, chroot and inject"),
            (&["execute", "--work-dir", "/", "id"], "'--workdir'"),
        ];
        for (words, expected) in cases {
            assert_eq!(status(words), 125, "{words:?}");
            let line = error_line(words);
            assert!(line.contains(expected), "{line}");
        }
    });
}

#[test]
fn an_excluded_namespace_is_not_advised() {
    run_space_as!([Root, User], {
        let line = error_line(&["chroot", "--no-user", "-z", "/", "id"]);
        assert_eq!(line, "space: --id: needs a new user namespace: remove --no-user");
        let line = error_line(&["chroot", "--no-mnt", "--tmpfs", "/tmp", "/", "id"]);
        assert_eq!(line, "space: --tmpfs: needs a new mnt namespace: remove --no-mnt");
    });
}

#[test]
fn a_program_that_may_not_be_executed_is_reported_with_advice() {
    run_space_as!([Root, User, Nested], {
        let directory = std::env::temp_dir().join(format!("space-denied-{}", std::process::id()));
        std::fs::create_dir_all(directory.join("bin")).expect("make a root");
        std::fs::write(directory.join("bin/program"), "").expect("write");
        let root = directory.to_str().expect("UTF-8");
        let program = format!("{root}/bin/program");
        let cases: [(&[&str], &str); 5] = [
            (&["execute", root], "it is a directory"),
            (&["execute", &program], "chmod(1), +x"),
            (&["chroot", root, "/bin"], "it is a directory"),
            (&["chroot", root, "/bin/program"], "chmod(1), +x"),
            (&["chroot", root, "/bin/other"], "no such file under the new root"),
        ];
        for (words, expected) in cases {
            let line = error_line(words);
            assert!(line.contains(expected), "{line}");
        }
        let line = error_line(&["chroot", "--env", "PATH=/bin", root, "other"]);
        assert!(line.contains("no such program in PATH under the new root"), "{line}");
        std::fs::remove_dir_all(directory).expect("remove the root");
    });
}

#[test]
fn an_ordinary_user_gets_advice_on_namespaces_and_maps() {
    run_space_as!([User], {
        let line = error_line(&["execute", "--net", "id"]);
        assert!(line.ends_with("or a user namespace): add --user"), "{line}");
        let line = error_line(&["execute", "-UM", "0 4294967294 1", "id"]);
        assert!(line.contains("only the caller's user ID"), "{line}");
        // An error without a hint has the text of the errno, without the number.
        let line = error_line(&["execute", "--workdir", &"n".repeat(300), "id"]);
        assert!(line.ends_with(": ENAMETOOLONG (File name too long)"), "{line}");
    });
}

#[test]
fn inject_rejects_map_options_with_the_reason() {
    run_space_as!([Root, User, Nested], {
        for words in [["inject", "-z", "1", "id"].as_slice(), &["inject", "-M", "0", "1", "id"]] {
            assert_eq!(status(words), 125);
            let line = error_line(words);
            assert!(line.contains("the joined user namespace has its own maps"), "{line}");
        }
    });
}

#[test]
fn a_broken_pipe_terminates_space_without_a_message() {
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
fn help_exits_with_status_0() {
    run_space_as!([Root, User], {
        for words in [["--help"].as_slice(), &["execute", "-h"], &["--version"], &["help"]] {
            let output = space(words);
            assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
            assert!(!output.stdout.is_empty());
        }
        assert_eq!(status(&[]), 125);
        assert_eq!(common::stdout(&["help"]), common::stdout(&["--help"]));
        for verb in ["execute", "run", "chroot", "inject", "enter", "list", "doctor"] {
            let help = common::stdout(&["help", verb]);
            assert_eq!(help, common::stdout(&[verb, "--help"]));
        }
        let line = error_line(&["help", "lst"]);
        assert!(line.contains("'lst'") && line.contains("list"), "{line}");
    });
}
