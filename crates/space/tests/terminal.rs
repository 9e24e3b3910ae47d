//! `space` as a job of a shell at a terminal.
#[macro_use]
mod common;
#[path = "common/shell.rs"]
mod shell;

use ns_process::Container;
use ns_testbed::LONG;
use shell::{CTRL_C, CTRL_Z, Shell};

#[test]
fn a_shell_under_space_has_job_control() {
    run_space_as!([Root, User], {
        let mut shell = Shell::start();
        for options in ["", "-Uz", "-pUz", "-az --mount-proc"] {
            shell.types(&format!("PS1='inner> ' $S execute {options} sh -i\n"));
            shell.sees("\ninner> ");
            assert!(!shell.text.contains("job control"), "{}", shell.text);
            shell.types("sleep 1000\n");
            shell.sleeps();
            shell.types(CTRL_Z);
            shell.sees("Stopped");
            shell.types("kill %1; fg; echo rc $?.\n");
            shell.sees("\nrc 143.");
            shell.sees("inner> ");
            shell.types("exit 3\n");
            shell.sees("outer> ");
            shell.status_is(3);
        }
        shell.leaves();
    });
}

#[test]
fn ctrl_c_terminates_the_program() {
    run_space_as!([Root, User], {
        let mut shell = Shell::start();
        // The kernel drops SIGINT to process 1 of a pid namespace without a handler, so `space` kills that process.
        let cases = [("", 130), ("-Uz", 130), ("-pUz", 137), ("-pUz --init", 130)];
        for (options, status) in cases {
            shell.runs(options, "sleep 1000");
            shell.types(CTRL_C);
            shell.sees("outer> ");
            shell.status_is(status);
        }
        shell.leaves();
    });
}

#[test]
fn a_program_can_handle_ctrl_c() {
    run_space_as!([Root, User], {
        let mut shell = Shell::start();
        for options in ["", "-pUz"] {
            let program = "sh -c 'trap \"echo caught; exit 5\" INT; while :; do sleep 0.1; done'";
            shell.runs(options, program);
            shell.types(CTRL_C);
            shell.sees("caught");
            shell.sees("outer> ");
            shell.status_is(5);
        }
        shell.leaves();
    });
}

#[test]
fn ctrl_z_stops_the_program_and_the_shell_continues_it() {
    run_space_as!([Root, User], {
        let mut shell = Shell::start();
        for options in ["", "-pUz", "-pUz --init"] {
            shell.runs(options, "sleep 1000");
            shell.types(CTRL_Z);
            shell.sees("Stopped");
            shell.types("fg\n");
            shell.sees("execute");
            shell.sleeps();
            shell.types(CTRL_Z);
            shell.sees("Stopped");
            shell.types("bg; kill -INT %1; wait %1; echo rc $?.\n");
            shell.sees(if options == "-pUz" { "\nrc 137." } else { "\nrc 130." });
        }
        shell.leaves();
    });
}

#[test]
fn a_program_that_stops_itself_stops_space() {
    run_space_as!([Root, User], {
        let mut shell = Shell::start();
        shell.types("$S execute -- sh -c 'kill -STOP $$; exit 4'\n");
        shell.sees("Stopped");
        shell.types("fg; echo rc $?.\n");
        shell.sees("\nrc 4.");
        shell.leaves();
    });
}

/// Ctrl-C terminates the script that waits for the program too, as it does without `space`.
#[test]
fn ctrl_c_reaches_the_script_around_space() {
    run_space_as!([Root, User], {
        let mut shell = Shell::start();
        for options in ["", "-pUz"] {
            shell.types(&format!("sh -c \"$S execute {options} sleep 1000; echo wro\\ng\"\n"));
            shell.sleeps();
            shell.types(CTRL_C);
            shell.sees("outer> ");
            assert!(!shell.text.contains("wrong"));
            shell.status_is(130);
        }
        shell.leaves();
    });
}

/// Another program of the pipeline may need the terminal.
#[test]
fn in_a_pipeline_space_does_not_take_the_terminal() {
    run_space_as!([Root, User], {
        let mut shell = Shell::start();
        let reader = "sh -c 'cat; read word </dev/tty; echo got $word'";
        shell.types(&format!("$S execute -pUz echo a line | {reader}\n"));
        shell.sees("\na line");
        shell.types("something\n");
        shell.sees("\ngot something");
        shell.leaves();
    });
}

/// As in a container whose first process called neither setsid(2) nor setpgid(2).
#[test]
fn the_callers_group_may_be_outside_its_pid_namespace() {
    run_space_as!([Root, User], {
        let mut shell = Shell::start();
        for (options, status) in [("", 130), ("-Uz", 130), ("-pUz", 137)] {
            let inner = "unshare -Urpf --mount-proc $S execute";
            shell.types(&format!("{inner} {options} sleep 1000\n"));
            shell.sleeps();
            shell.types(CTRL_C);
            shell.sees("outer> ");
            shell.status_is(status);
        }
        shell.leaves();
    });
}

/// The key takes effect also if `space` has not been scheduled since the shell continued the job.
#[test]
fn ctrl_z_right_after_fg_stops_the_program_again() {
    run_space_as!([User], {
        let mut busy = Container::new("taskset");
        busy.args(["-c", "0", "sh", "-c", "while :; do :; done"]).kill_on_drop(true);
        let busy = [busy.start().expect("start"), busy.start().expect("start")];
        let mut shell = Shell::start();
        shell.types("nice -n 19 taskset -c 0 $S execute -- sleep 1000\n");
        shell.sleeps();
        shell.types(CTRL_Z);
        for _ in 0..5 {
            shell.sees("Stopped");
            shell.sees("outer> ");
            shell.types("fg\n");
            shell.continues();
            shell.types(CTRL_Z);
        }
        shell.sees("Stopped");
        for process in busy {
            process.kill().expect("kill");
            process.join_timeout(LONG).expect("join").expect("the busy loop is killed");
        }
        shell.types("kill %1; fg; echo rc $?.\n");
        shell.sees("\nrc 143.");
        shell.leaves();
    });
}
