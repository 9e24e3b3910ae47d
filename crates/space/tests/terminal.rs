//! `space` as a job of a shell at a terminal.
#[macro_use]
mod common;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::time::{Duration, Instant};

use common::SPACE;
use ns_process::{Container, Process, Stdio};
use ns_testbed::LONG;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

const CTRL_C: &str = "\u{3}";
const CTRL_Z: &str = "\u{1a}";

/// An interactive shell at a new terminal, with the path of `space` in `$S`.
struct Shell {
    screen: File,
    /// The device number of the terminal, as in proc_pid_stat(5).
    number: String,
    /// The output that has not been matched yet.
    text: String,
    process: Process,
}

impl Shell {
    fn start() -> Self {
        let screen = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("open a terminal");
        grantpt(&screen).expect("grantpt");
        unlockpt(&screen).expect("unlockpt");
        let name = ptsname(&screen, Vec::new()).expect("the name of the terminal");
        let flags = OFlags::RDWR | OFlags::NOCTTY;
        let terminal = open(name, flags, Mode::empty()).expect("open the other side");
        let file = || Stdio::fd(terminal.try_clone().expect("dup"));
        let mut shell = Container::new("sh");
        shell.arg("-i").env("PS1", "outer> ").env("S", SPACE);
        shell.fd(200, Stdio::fd(File::open(SPACE).expect("open the binary")));
        shell.stdin(file()).stdout(file()).stderr(file());
        shell.terminal(terminal.try_clone().expect("dup")).kill_on_drop(true);
        let process = shell.start().expect("start a shell");
        let device = rustix::fs::fstat(&terminal).expect("fstat").st_rdev;
        let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
        let number = (minor & 0xff | major << 8 | (minor & !0xff) << 12).to_string();
        let screen = File::from(screen);
        let mut shell = Self { screen, number, text: String::new(), process };
        shell.sees("outer> ");
        shell
    }

    fn types(&mut self, text: &str) {
        self.screen.write_all(text.as_bytes()).expect("type");
    }

    /// Waits until `text` is printed, and discards the output up to its end.
    fn sees(&mut self, text: &str) {
        let deadline = Instant::now() + LONG;
        loop {
            if let Some(at) = self.text.find(text) {
                self.text.drain(..at + text.len());
                return;
            }
            assert!(Instant::now() < deadline, "no {text:?} in {:?}", self.text);
            self.read();
        }
    }

    fn read(&mut self) {
        let short = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
        let ready = poll(&mut [PollFd::new(&self.screen, PollFlags::IN)], Some(&short));
        if ready.is_ok_and(|count| count > 0) {
            let mut bytes = [0; 4096];
            let count = self.screen.read(&mut bytes).expect("read");
            self.text.push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
    }

    /// Starts a job and waits until it sleeps. An earlier key would go to the shell that starts the job.
    fn runs(&mut self, options: &str, program: &str) {
        self.types(&format!("$S execute {options} -- {program}\n"));
        self.sleeps();
    }

    /// Waits until `sleep` is in the foreground, and no process at the terminal runs or has a pending signal.
    fn sleeps(&self) {
        let deadline = Instant::now() + LONG;
        while !self.is_quiet() {
            assert!(Instant::now() < deadline, "nothing sleeps at the terminal: {:?}", self.text);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn is_quiet(&self) -> bool {
        let mut has_sleeper = false;
        for process in fs::read_dir("/proc").expect("list").flatten() {
            let read = |name: &str| fs::read_to_string(process.path().join(name));
            let (Ok(stat), Ok(status)) = (read("stat"), read("status")) else { continue };
            let Some((name, fields)) = stat.rsplit_once(") ") else { continue };
            // State, parent, process group, session, terminal, foreground process group.
            let fields: Vec<_> = fields.split(' ').collect();
            if fields[4] != self.number {
                continue;
            }
            let mut masks = status.lines().filter(|line| line.contains("Pnd:"));
            if fields[0] != "S" || masks.any(|mask| !mask.ends_with("\t0000000000000000")) {
                return false;
            }
            has_sleeper |= name.ends_with("(sleep") && fields[2] == fields[5];
        }
        has_sleeper
    }

    /// Waits, without sleeping, until a stopped program continues.
    fn continues(&self) {
        let is_here = |stat: &str| {
            stat.rsplit_once(") ").is_some_and(|(name, fields)| {
                name.ends_with("(sleep") && fields.split(' ').nth(4) == Some(&self.number)
            })
        };
        let processes = fs::read_dir("/proc").expect("list").flatten();
        let path = processes
            .map(|process| process.path().join("stat"))
            .find(|path| fs::read_to_string(path).is_ok_and(|stat| is_here(&stat)))
            .expect("find sleep at the terminal");
        let deadline = Instant::now() + LONG;
        while fs::read_to_string(&path).is_ok_and(|stat| stat.contains(") T ")) {
            assert!(Instant::now() < deadline, "the program is still stopped: {:?}", self.text);
        }
    }

    fn status_is(&mut self, status: u32) {
        self.types("echo status $?.\n");
        self.sees(&format!("\nstatus {status}."));
        self.sees("outer> ");
    }

    fn leaves(mut self) {
        self.types("exit\n");
        self.process.join_timeout(LONG).expect("join").expect("the shell exits");
    }
}

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
