//! What can be seen of a running process without the crate.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ns_process::{Namespace, Process};
use rustix::process::geteuid;

use super::wish::{Wish, own_nice};

/// A process that has begun its program.
pub(super) struct Running(PathBuf);

impl Running {
    /// Waits for the arguments to be there: the kernel puts them in place a moment after the start
    /// knows of the exec.
    pub(super) fn new(process: &Process) -> Self {
        let running = Self(PathBuf::from(format!("/proc/{}", process.pid())));
        let deadline = Instant::now() + Duration::from_secs(10);
        while running.read("cmdline").is_empty() {
            assert!(Instant::now() < deadline, "no program in {}", running.0.display());
            std::thread::yield_now();
        }
        running
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
        let behind_name = text.rsplit(')').next().expect("a name");
        let word = behind_name.split_whitespace().nth(field - 3).expect("a field");
        word.parse().expect("a number")
    }

    /// Compares with what was wished for.
    pub(super) fn check(&self, wish: &Wish, process: &Process) {
        self.namespaces(wish);
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
        assert_eq!(self.stat(6) == i64::from(process.pid()), wish.new_session);
        assert_eq!(self.link("fd/0").starts_with("pipe:"), wish.piped);
        self.numbers(wish);
    }

    fn namespaces(&self, wish: &Wish) {
        for kind in Namespace::ALL {
            let link = format!("ns/{kind}");
            let own = fs::read_link(format!("/proc/self/{link}")).expect("an own one");
            let is_new = own.to_string_lossy() != self.link(&link);
            assert_eq!(is_new, wish.namespaces.contains(kind.flag()), "{kind}");
        }
    }

    fn numbers(&self, wish: &Wish) {
        if let Some(mask) = wish.umask {
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
