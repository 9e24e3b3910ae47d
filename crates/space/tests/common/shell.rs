//! An interactive shell at a terminal.
#![allow(dead_code, reason = "each test file uses some of these functions")]

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use ns_process::{Container, Process, Stdio};
use ns_testbed::LONG;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::common::SPACE;

/// The name that proc shows for `space`: it is executed by its descriptor.
pub(crate) const SPACE_NAME: &str = "200";

pub(crate) const CTRL_C: &str = "\u{3}";
pub(crate) const CTRL_Z: &str = "\u{1a}";

/// An interactive shell at a new terminal, with the path of `space` in `$S`.
pub(crate) struct Shell {
    screen: File,
    /// The device number of the terminal, as in proc_pid_stat(5).
    number: String,
    /// The output that has not been matched yet.
    pub(crate) text: String,
    process: Process,
}

struct AtTerminal {
    name: String,
    state: char,
    /// Whether it is in the foreground process group.
    in_front: bool,
    /// Whether it has pending signals.
    pending: bool,
}

impl AtTerminal {
    /// Reads the directory of a process in proc; `None` if the process is not at the terminal.
    fn read(directory: &Path, terminal: &str) -> Option<Self> {
        let read = |name: &str| fs::read_to_string(directory.join(name)).ok();
        let (stat, status) = (read("stat")?, read("status")?);
        let (name, fields) = stat.rsplit_once(") ")?;
        // State, parent, process group, session, terminal, foreground process group.
        let fields: Vec<_> = fields.split(' ').collect();
        let mut masks = status.lines().filter(|line| line.contains("Pnd:"));
        (fields[4] == terminal).then(|| Self {
            name: name.split_once('(').map(|(_, name)| name.to_owned()).unwrap_or_default(),
            state: fields[0].chars().next().unwrap_or_default(),
            in_front: fields[2] == fields[5],
            pending: masks.any(|mask| !mask.ends_with("\t0000000000000000")),
        })
    }
}

impl Shell {
    pub(crate) fn start() -> Self {
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

    pub(crate) fn types(&mut self, text: &str) {
        self.screen.write_all(text.as_bytes()).expect("type");
    }

    /// Waits until `text` is printed, and discards the output up to its end.
    pub(crate) fn sees(&mut self, text: &str) {
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
    pub(crate) fn runs(&mut self, options: &str, program: &str) {
        self.types(&format!("$S execute {options} -- {program}\n"));
        self.sleeps();
    }

    /// Waits until `sleep` is in the foreground, and no process at the terminal runs or has a pending signal.
    pub(crate) fn sleeps(&self) {
        self.waits("sleep");
    }

    /// As [`sleeps`](Self::sleeps), for any program.
    pub(crate) fn waits(&self, program: &str) {
        self.reaches(|| {
            let processes: Vec<_> = self.processes().collect();
            let is_quiet = processes.iter().all(|process| process.state == 'S' && !process.pending);
            is_quiet && processes.iter().any(|process| process.name == program && process.in_front)
        });
    }

    /// Waits until a program at the terminal has stopped.
    pub(crate) fn stops(&self, program: &str) {
        self.reaches(|| self.processes().any(|found| found.name == program && found.state == 'T'));
    }

    fn reaches(&self, state: impl Fn() -> bool) {
        let deadline = Instant::now() + LONG;
        while !state() {
            assert!(Instant::now() < deadline, "another state at the terminal: {:?}", self.text);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The processes at the terminal.
    fn processes(&self) -> impl Iterator<Item = AtTerminal> {
        let all = fs::read_dir("/proc").expect("list").flatten();
        all.filter_map(|process| AtTerminal::read(&process.path(), &self.number))
    }

    /// Waits, without sleeping, until a stopped program continues.
    pub(crate) fn continues(&self) {
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

    pub(crate) fn status_is(&mut self, status: u32) {
        self.types("echo status $?.\n");
        self.sees(&format!("\nstatus {status}."));
        self.sees("outer> ");
    }

    /// Types a key, or closes the terminal; the program that has replaced the shell exits.
    pub(crate) fn ends_by(mut self, key: Option<&str>) {
        match key {
            Some(key) => self.types(key),
            None => drop(self.screen),
        }
        self.process.join_timeout(LONG).expect("join").expect("the program exits");
    }

    pub(crate) fn leaves(mut self) {
        self.types("exit\n");
        self.process.join_timeout(LONG).expect("join").expect("the shell exits");
    }
}
