//! Kills a process together with its descendants.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::prelude::rust_2024::*;
use std::sync::Arc;

use ns_sys::Errno;
use rustix::fs::{AtFlags, Mode, OFlags, openat, statat};
use rustix::io::write;

use super::Process;
use crate::error::Error;
use crate::step::Step;

/// How the descendants of a process are killed.
#[derive(Clone, Debug)]
pub(crate) enum Tree {
    /// They are not killed.
    Process,
    /// The process is process 1 of a pid namespace: its exit kills all others.
    PidNamespace,
    /// Through the directory of the cgroup.
    Cgroup(Arc<OwnedFd>),
}

impl Process {
    /// Sends `SIGKILL` to the process and to all processes that it has started, also those that have left its
    /// session. Does not wait for their exit.
    ///
    /// - With a new pid namespace, with or without an init: process 1 is killed, and the kernel kills all others in
    ///   the namespace. [`join`](Self::join) returns after all of them have exited.
    /// - With a [`cgroup`](crate::Builder::cgroup): all processes in the cgroup and below it are killed, also after the
    ///   exit of this process. Once all have exited, `populated` in its `cgroup.events` is 0. Use a cgroup for one
    ///   start only: Linux 6.14 and later kill every process that is created in a cgroup which was killed before.
    ///
    /// # Errors
    /// - [`Step::Signal`], without an errno: there is neither a new pid namespace nor a cgroup. A caller that can use
    ///   neither can become the subreaper of the descendants (prctl(2), `PR_SET_CHILD_SUBREAPER`), and must find and
    ///   kill them itself.
    /// - `ENOENT`: before Linux 5.14; or the cgroup is the root, or threaded.
    /// - `EACCES`: the caller may not write to `cgroup.kill`.
    /// - As [`kill`](Self::kill).
    ///
    /// # Kernel support
    /// A pid namespace: Linux 5.4. A cgroup: Linux 5.14.
    ///
    /// # Examples
    /// ```
    /// use ns_process::{Container, Namespace};
    ///
    /// let mut job = Container::new("sh");
    /// job.args(["-c", "setsid sleep 1000 & wait"]).map_zero();
    /// let process = job.namespaces([Namespace::User, Namespace::Pid]).start()?;
    /// process.kill_tree()?;
    /// process.join()?;
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    ///
    /// # References
    /// pid_namespaces(7), cgroups(7); Documentation/admin-guide/cgroup-v2.rst `cgroup.kill`.
    pub fn kill_tree(&self) -> Result<(), Error> {
        match &self.tree {
            Tree::PidNamespace => {}
            Tree::Cgroup(directory) => {
                kill_cgroup(directory.as_fd()).map_err(|errno| self.not_killed(errno))?;
            }
            Tree::Process => return Err(self.without_tree()),
        }
        self.kill()
    }

    /// As [`kill_tree`](Self::kill_tree), but kills the process alone if the descendants are not known or cannot be
    /// killed.
    pub(crate) fn kill_all(&self) -> Result<(), Error> {
        match self.tree {
            Tree::Process => self.kill(),
            Tree::PidNamespace | Tree::Cgroup(_) => self.kill_tree().or_else(|_| self.kill()),
        }
    }

    fn without_tree(&self) -> Error {
        Error::new(self.name(), Step::Signal)
            .with_object("the descendants of the process are not known")
            .with_hint(Some("use a new pid namespace, or a cgroup; kill ends only the process"))
    }

    fn not_killed(&self, errno: Errno) -> Error {
        let hint = match errno {
            Errno::NOENT => {
                Some("the kernel is older than 5.14, or the cgroup is the root or threaded")
            }
            Errno::ACCESS | Errno::PERM => Some("needs permission to write this file"),
            _ => None,
        };
        let error = Error::new(self.name(), Step::Signal).with_errno(errno);
        error.with_object("cgroup.kill").with_hint(hint)
    }
}

/// Kills all processes in a cgroup. A removed cgroup has none.
fn kill_cgroup(directory: BorrowedFd<'_>) -> Result<(), Errno> {
    let flags = OFlags::WRONLY | OFlags::CLOEXEC;
    match openat(directory, c"cgroup.kill", flags, Mode::empty()) {
        Ok(file) => write(file, b"1").map(drop),
        Err(Errno::NOENT | Errno::NODEV) if is_removed(directory) => Ok(()),
        Err(errno) => Err(errno),
    }
}

fn is_removed(directory: BorrowedFd<'_>) -> bool {
    statat(directory, c"cgroup.procs", AtFlags::empty()).is_err()
}
