//! `space` at a terminal: sessions, the background, and input that does not come.
#[macro_use]
mod common;
#[path = "common/fifo.rs"]
mod fifo;
#[path = "common/shell.rs"]
mod shell;

use fifo::Fifo;
use shell::{CTRL_C, SPACE_NAME, Shell};

#[test]
fn a_new_session_has_no_terminal() {
    run_space_as!([Root, User], {
        let mut shell = Shell::start();
        let program = "sh -c '(: </dev/tty) 2>/dev/null && echo has it || echo lacks it'";
        for (options, seen) in [("", "\nhas it"), ("--new-session", "\nlacks it")] {
            for namespaces in ["", "-pUz"] {
                shell.types(&format!("$S execute {options} {namespaces} -- {program}\n"));
                shell.sees(seen);
                shell.sees("outer> ");
            }
        }
        shell.leaves();
    });
}

/// It ends as `cat <fifo` does.
#[test]
fn e09_ctrl_c_ends_the_wait_for_a_fifo() {
    run_space_as!([Root, User], {
        let mut shell = Shell::start();
        for verb in ["execute", "execute -pUz", "chroot /", "inject $$"] {
            for option in ["--stdin", "--stdout", "--env-file"] {
                let fifo = Fifo::new(option);
                shell.types(&format!("$S {verb} {option} {} true\n", fifo.name()));
                shell.waits(SPACE_NAME);
                shell.types(CTRL_C);
                shell.sees("outer> ");
                shell.status_is(130);
            }
        }
        shell.leaves();
    });
}

/// The shell shows the job as stopped, and continues it in the foreground.
#[test]
fn a_program_that_reads_the_terminal_in_the_background_stops_space() {
    run_space_as!([Root, User], {
        let mut shell = Shell::start();
        for options in ["", "-Uz", "-pUz", "-pUz --init"] {
            let program = "sh -c 'read word </dev/tty; echo got $word'";
            shell.types(&format!("$S execute {options} -- {program} &\n"));
            shell.stops(SPACE_NAME);
            shell.types("jobs\n");
            shell.sees("Stopped");
            shell.types("fg\n");
            shell.sees("execute");
            shell.types("a word\n");
            shell.sees("\ngot a word");
            shell.sees("outer> ");
        }
        shell.leaves();
    });
}

/// As under script(1): the keys end a program in a pid namespace, and a hangup ends every program.
#[test]
fn space_as_the_session_leader_ends_with_the_terminal() {
    run_space_as!([Root, User], {
        for options in ["", "-pUz", "-pUz --init"] {
            for key in [Some(CTRL_C), None] {
                let mut shell = Shell::start();
                shell.types(&format!("exec $S execute {options} -- sleep 1000\n"));
                shell.sleeps();
                shell.ends_by(key);
            }
        }
    });
}
