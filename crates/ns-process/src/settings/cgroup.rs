//! The cgroup in which the process begins.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use super::Builder;

impl<Kind> Builder<Kind> {
    /// The process begins in the cgroup (version 2) of this open directory, from its first moment on:
    /// there is no time in which it could use what the cgroup forbids. With a new cgroup namespace
    /// that cgroup is what it sees as `/`.
    ///
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
    /// # Errors
    /// [`Step::Clone`](crate::Step::Clone): `EACCES`, the caller may not write `cgroup.procs` there
    /// or in the common ancestor; `EBUSY`, controllers are enabled for its children; `EBADF`, not a
    /// cgroup of version 2; `EOPNOTSUPP`, it is threaded; `ENODEV`, it is being removed.
    ///
    /// # Kernel support
    /// Linux 5.7.
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
