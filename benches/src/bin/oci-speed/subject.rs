//! A runtime, and one container of it from create to delete.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use rustix::process::{Pid, WaitOptions, waitpid};

use crate::bundle::Cgroups;

/// A runtime with a bundle.
#[derive(Debug)]
pub(crate) struct Subject {
    /// The name of its file.
    pub(crate) name: String,
    path: PathBuf,
    global: Vec<String>,
    bundle: PathBuf,
    pid_file: PathBuf,
}

/// The seconds of each command. `start` ends when the program has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) create: f64,
    pub(crate) start: f64,
    pub(crate) delete: f64,
}

impl Times {
    pub(crate) fn all(&self) -> f64 {
        self.create + self.start + self.delete
    }
}

impl Subject {
    pub(crate) fn new(path: &Path, directory: &Path, bundle: &Path, cgroups: Cgroups) -> Self {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let state = directory.join(format!("state-{name}"));
        let mut global = vec!["--root".to_owned(), state.display().to_string()];
        // The other runtimes have no such option.
        if name == "crun" && cgroups == Cgroups::None {
            global.push("--cgroup-manager=disabled".to_owned());
        }
        let (path, bundle) = (path.to_owned(), bundle.to_owned());
        Self { name, path, global, bundle, pid_file: directory.join("pid") }
    }

    /// Creates and starts a container, waits for its program, and deletes it.
    pub(crate) fn measure(&self) -> io::Result<Times> {
        let begin = Instant::now();
        let seconds = || begin.elapsed().as_secs_f64();
        let pid = self.create()?;
        let created = seconds();
        self.start()?;
        waitpid(Some(pid), WaitOptions::empty())?;
        let ended = seconds();
        self.delete(&[])?;
        Ok(Times { create: created, start: ended - created, delete: seconds() - ended })
    }

    /// Creates a container and returns its first process.
    pub(crate) fn create(&self) -> io::Result<Pid> {
        let (bundle, pid_file) = (self.bundle.display(), self.pid_file.display());
        let [bundle, pid_file] = [format!("--bundle={bundle}"), format!("--pid-file={pid_file}")];
        self.run(&["create", &bundle, &pid_file, "c"])?;
        let text = fs::read_to_string(&self.pid_file)?;
        let pid = text.trim().parse().ok().and_then(Pid::from_raw);
        pid.ok_or_else(|| io::Error::other(format!("{}: `{text}` is no process ID", self.name)))
    }

    pub(crate) fn start(&self) -> io::Result<()> {
        self.run(&["start", "c"])
    }

    pub(crate) fn delete(&self, options: &[&str]) -> io::Result<()> {
        self.run(&[&["delete"], options, &["c"]].concat())
    }

    fn run(&self, args: &[&str]) -> io::Result<()> {
        let mut command = Command::new(&self.path);
        command.args(&self.global).args(args).stdin(Stdio::null()).stdout(Stdio::null());
        let status = command.status()?;
        let message = || io::Error::other(format!("{} {}: {status}", self.name, args.join(" ")));
        status.success().then_some(()).ok_or_else(message)
    }
}
