//! What can be seen of a running process without the crate.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ns_process::{Namespace, Process};
use rustix::process::geteuid;

use super::surroundings::Surroundings;
use super::way::Way;
use super::wish::{Wish, own_nice};

/// What arguments begin with; a closure has those of the caller.
const PROGRAM: &str = "sleep\0";
const INIT: &str = "init\0";
const ITSELF: &str = "";

/// A process that has begun its program.
pub(super) struct Running(PathBuf);

impl Running {
    /// The program itself, where an init is what the handle has; or the closure.
    pub(super) fn new(process: &Process, way: &Way) -> Self {
        let first = Self::of(process.pid());
        if way.init {
            let program = Self::of(first.only_child());
            first.begun(INIT);
            return program.begun(PROGRAM);
        }
        first.begun(if way.guest.closure { ITSELF } else { PROGRAM })
    }

    /// Waits for the arguments to be there, which the kernel puts in place a moment after the start
    /// knows of the exec; and for a closure to let itself be looked at.
    fn begun(self, name: &str) -> Self {
        let deadline = Instant::now() + Duration::from_secs(10);
        let has_begun = || self.read("cmdline").starts_with(name) && self.can_be_looked_at();
        while !has_begun() {
            assert!(Instant::now() < deadline, "no {name:?} in {}", self.0.display());
            std::thread::yield_now();
        }
        self
    }

    fn can_be_looked_at(&self) -> bool {
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
        children.trim().parse().expect("one child")
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.0.join(file)).expect("a file of the process")
    }

    fn link(&self, file: &str) -> String {
        let link = fs::read_link(self.0.join(file)).expect("a link of the process");
        link.to_string_lossy().into_owned()
    }

    /// The value of a line of `status`.
    fn status(&self, name: &str) -> String {
        let text = self.read("status");
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.unwrap_or_else(|| panic!("no {name}")).trim().to_owned()
    }

    /// A field of `stat`, counted from 1 as proc(5) does.
    fn stat(&self, field: usize) -> i64 {
        let text = self.read("stat");
        let (before, behind) = text.rsplit_once(')').expect("a name");
        let word = match field {
            1 => before.split_whitespace().next(),
            _ => behind.split_whitespace().nth(field - 3),
        };
        word.expect("a field").parse().expect("a number")
    }

    /// Compares with what was wished for.
    pub(super) fn check(&self, wish: &Wish, surroundings: &Surroundings, process: &Process) {
        self.namespaces(wish, surroundings);
        Self::of(process.pid()).namespaces(wish, surroundings);
        if wish.zero {
            let map: Vec<u32> = self
                .read("uid_map")
                .split_whitespace()
                .map(|n| n.parse().expect("a number"))
                .collect();
            assert_eq!(map, [0, geteuid().as_raw(), 1]);
        }
        if wish.workdir {
            assert_eq!(self.link("cwd"), "/usr");
        }
        assert_eq!(self.status("NoNewPrivs") == "1", wish.no_new_privs);
        self.family(wish, process);
        assert_eq!(self.link("fd/0").starts_with("pipe:"), wish.piped);
        self.numbers(wish);
    }

    fn namespaces(&self, wish: &Wish, surroundings: &Surroundings) {
        for kind in Namespace::ALL {
            let link = format!("ns/{kind}");
            let own = fs::read_link(format!("/proc/self/{link}")).expect("an own one");
            let (own, its) = (own.to_string_lossy().into_owned(), self.link(&link));
            if wish.way.joined.contains(kind.flag()) {
                assert_eq!(its, surroundings.link(kind), "{kind}");
            } else {
                assert_eq!(own != its, wish.namespaces.contains(kind.flag()), "{kind}");
            }
        }
    }

    /// Whose child it is, and in which session.
    fn family(&self, wish: &Wish, process: &Process) {
        let handle = Self::of(process.pid());
        assert_eq!(handle.stat(4), i64::from(std::process::id()), "a child of its own, or adopted");
        let (session, own) = (self.stat(6), Self::of(std::process::id()).stat(6));
        assert_eq!(session == self.pid(), wish.new_session, "leads a session");
        let left = wish.new_session || wish.way.daemon.is_some();
        assert_eq!(session != own, left, "a session of its own");
    }

    fn numbers(&self, wish: &Wish) {
        if let Some(mask) = wish.umask.or(wish.way.daemon.map(|_| 0)) {
            assert_eq!(u32::from_str_radix(&self.status("Umask"), 8), Ok(mask));
        }
        if let Some(nice) = wish.nice {
            assert_eq!(self.stat(19), i64::from(nice.max(own_nice())));
        }
        if let Some(files) = wish.files {
            let limits = self.read("limits");
            let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
            let soft = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
            assert_eq!(soft, Some(files));
        }
    }
}
