//! The cgroup in which the process is created.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
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
}
