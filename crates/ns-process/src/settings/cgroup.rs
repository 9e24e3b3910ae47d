//! The cgroups of the process.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::prelude::rust_2024::*;
use std::string::ToString;
use std::sync::Arc;

use super::Builder;

/// # Cgroup
///
/// The cgroup of the program.
impl<Kind> Builder<Kind> {
    /// Creates the process in the cgroup (version 2) of this open directory; by default in the
    /// caller's.
    ///
    /// The limits of the cgroup apply from the creation of the process: it never runs outside. In a
    /// new cgroup namespace the program sees this cgroup as `/`. Needs write access to
    /// `cgroup.procs` of the cgroup and of the common ancestor.
    ///
    /// Without a new pid namespace, [`Process::kill_tree`](crate::Process::kill_tree) kills all
    /// processes in this cgroup, and so do [`output_timeout`](Self::output_timeout) and
    /// [`output_limit`](Self::output_limit) at their limits. Give each job a cgroup of its own then,
    /// below a common one, and use it for one start.
    ///
    /// # Errors
    /// [`Step::Clone`](crate::Step::Clone): `EACCES`, the caller may not write `cgroup.procs` there
    /// or in the common ancestor; `EBUSY`, controllers are enabled for its children; `EBADF`, the
    /// directory is no cgroup of version 2; `EOPNOTSUPP`, the cgroup is threaded; `ENODEV`, it is
    /// being removed.
    ///
    /// # Kernel support
    /// Linux 5.7.
    ///
    /// # Examples
    /// ```no_run
    /// use std::fs::File;
    ///
    /// use ns_process::Container;
    ///
    /// let cgroup = File::open("/sys/fs/cgroup/jobs/1").expect("made by its owner");
    /// Container::new("make").cgroup(cgroup).start()?;
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    ///
    /// # References
    /// cgroups(7), clone(2) `CLONE_INTO_CGROUP`; kernel/cgroup/cgroup.c `cgroup_css_set_fork`.
    pub fn cgroup(&mut self, directory: impl Into<OwnedFd>) -> &mut Self {
        self.cgroup = Some(Arc::new(directory.into()));
        self
    }

    /// The directory of the cgroup, if one is set.
    pub fn get_cgroup(&self) -> Option<BorrowedFd<'_>> {
        self.cgroup.as_ref().map(|directory| directory.as_fd())
    }

    /// Moves the process to the cgroup (version 1) of this file, `tasks`, which is open for writing. Each call adds one
    /// hierarchy; by default the process stays in the caller's cgroups.
    ///
    /// The process moves itself, before any hook of the caller: this takes microseconds, while a move by another
    /// process, through `cgroup.procs`, waits for all processors, often for milliseconds. The kernel checks the
    /// permissions of the process that opened the file. A new cgroup namespace is made after the move, so the program
    /// sees this cgroup as `/`.
    ///
    /// For version 2 see [`cgroup`](Self::cgroup).
    ///
    /// # Errors
    /// [`Step::CgroupTasks`](crate::Step::CgroupTasks): `EACCES`, the file was opened by a user who may not move the
    /// process; `ENOSPC`, the cgroup has no processors or memory nodes (cpuset); `EBADF`, the file is not open for
    /// writing; `ENODEV`, the cgroup is being removed.
    ///
    /// # Kernel support
    /// Linux 2.6.24. The move is fast since Linux 5.5.
    ///
    /// # Examples
    /// ```no_run
    /// use std::fs::File;
    ///
    /// use ns_process::Container;
    ///
    /// let tasks = File::options().write(true).open("/sys/fs/cgroup/pids/jobs/1/tasks");
    /// Container::new("make").cgroup_tasks(tasks.expect("made by its owner")).start()?;
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    ///
    /// # References
    /// cgroups(7); kernel/cgroup/cgroup.c `cgroup_procs_write_start`, kernel/cgroup/cgroup-v1.c `cgroup1_tasks_write`.
    pub fn cgroup_tasks(&mut self, file: impl Into<OwnedFd>) -> &mut Self {
        self.cgroup_tasks.push(Arc::new(file.into()));
        self
    }

    /// The files `tasks` of the cgroups to which the process moves itself.
    pub fn get_cgroup_tasks(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.cgroup_tasks.iter().map(|file| file.as_fd())
    }
}

/// The moves of the child to cgroups.
pub(crate) fn describe_tasks(files: &[Arc<OwnedFd>]) -> impl Iterator<Item = String> {
    files.iter().map(|_| "write(tasks, \"0\")".to_string())
}
