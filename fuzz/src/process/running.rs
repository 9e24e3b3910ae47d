//! A running process, as `/proc` shows it.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ns_process::{Namespace, Process};
use rustix::process::geteuid;

use super::fixture::Fixture;
use super::mode::StartMode;
use super::settings::{Settings, own_nice};

/// The beginning of the command line. A closure has the command line of the caller.
const PROGRAM: &str = "sleep\0";
const INIT: &str = "init\0";
const CLOSURE: &str = "";

/// A process whose program or closure runs.
pub(super) struct Running(PathBuf);

impl Running {
    /// Waits until the program or the closure runs. If the handle refers to an init, this is the child of the init.
    pub(super) fn new(process: &Process, mode: &StartMode) -> Self {
        let first = Self::of(process.pid());
        if mode.init {
            let program = Self::of(first.only_child());
            first.wait_for(INIT);
            return program.wait_for(PROGRAM);
        }
        first.wait_for(if mode.child_code.closure { CLOSURE } else { PROGRAM })
    }

    /// Waits for the command line, which the kernel sets shortly after the start has returned, and for a closure to
    /// become dumpable.
    fn wait_for(self, name: &str) -> Self {
        let deadline = Instant::now() + Duration::from_secs(10);
        let is_ready = || self.read("cmdline").starts_with(name) && self.is_readable();
        while !is_ready() {
            assert!(Instant::now() < deadline, "no {name:?} in {}", self.0.display());
            std::thread::yield_now();
        }
        self
    }

    fn is_readable(&self) -> bool {
        fs::read_link(self.0.join("cwd")).is_ok()
    }

    fn of(pid: u32) -> Self {
        Self(PathBuf::from(format!("/proc/{pid}")))
    }

    fn pid(&self) -> i64 {
        self.stat(1)
    }

    fn only_child(&self) -> u32 {
        let children = self.read(&format!("task/{}/children", self.pid()));
        children.trim().parse().expect("exactly one child")
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.0.join(file)).expect("read a file of the process")
    }

    fn link(&self, file: &str) -> String {
        let link = fs::read_link(self.0.join(file)).expect("read a link of the process");
        link.to_string_lossy().into_owned()
    }

    /// Returns the value of a line of `status`.
    fn status(&self, name: &str) -> String {
        let text = self.read("status");
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.unwrap_or_else(|| panic!("no {name}")).trim().to_owned()
    }

    /// Returns a field of `stat`. The first field is 1, as in proc(5).
    fn stat(&self, field: usize) -> i64 {
        let text = self.read("stat");
        let (before, after) = text.rsplit_once(')').expect("a command name");
        let word = match field {
            1 => before.split_whitespace().next(),
            _ => after.split_whitespace().nth(field - 3),
        };
        word.expect("a field").parse().expect("a number")
    }

    /// Compares the process with the settings.
    pub(super) fn check(&self, settings: &Settings, fixture: &Fixture, process: &Process) {
        self.namespaces(settings, fixture);
        Self::of(process.pid()).namespaces(settings, fixture);
        if settings.zero {
            let map: Vec<u32> = self
                .read("uid_map")
                .split_whitespace()
                .map(|n| n.parse().expect("a number"))
                .collect();
            assert_eq!(map, [0, geteuid().as_raw(), 1]);
        }
        if settings.workdir {
            assert_eq!(self.link("cwd"), "/usr");
        }
        assert_eq!(self.status("NoNewPrivs") == "1", settings.no_new_privs);
        self.check_parent_and_session(settings, process);
        assert_eq!(self.link("fd/0").starts_with("pipe:"), settings.piped);
        self.check_numbers(settings);
    }

    fn namespaces(&self, settings: &Settings, fixture: &Fixture) {
        for kind in Namespace::ALL {
            let link = format!("ns/{kind}");
            let own = fs::read_link(format!("/proc/self/{link}")).expect("read the link");
            let (own, other) = (own.to_string_lossy().into_owned(), self.link(&link));
            if settings.mode.joined.contains(kind.flag()) {
                assert_eq!(other, fixture.link(kind), "{kind}");
            } else {
                assert_eq!(own != other, settings.namespaces.contains(kind.flag()), "{kind}");
            }
        }
    }

    fn check_parent_and_session(&self, settings: &Settings, process: &Process) {
        let handle = Self::of(process.pid());
        assert_eq!(handle.stat(4), i64::from(std::process::id()), "the parent of the process");
        let (session, own) = (self.stat(6), Self::of(std::process::id()).stat(6));
        assert_eq!(session == self.pid(), settings.new_session, "the process leads a session");
        let left = settings.new_session || settings.mode.daemon.is_some();
        assert_eq!(session != own, left, "the process is in another session");
    }

    fn check_numbers(&self, settings: &Settings) {
        if let Some(mask) = settings.umask.or(settings.mode.daemon.map(|_| 0)) {
            assert_eq!(u32::from_str_radix(&self.status("Umask"), 8), Ok(mask));
        }
        if let Some(nice) = settings.nice {
            assert_eq!(self.stat(19), i64::from(nice.max(own_nice())));
        }
        if let Some(files) = settings.files {
            let limits = self.read("limits");
            let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
            let soft = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
            assert_eq!(soft, Some(files));
        }
    }
}
