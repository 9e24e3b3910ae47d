//! From a wish to a plan, and to a process.

use super::{Builder, kind};
use crate::engine;
use crate::error::Error;
use crate::plan::Plan;
use crate::process::Process;

impl Builder<kind::Container> {
    /// Looks at everything that was asked for, and does nothing.
    ///
    /// # Errors
    /// The first mistake, by the name of its setter.
    pub fn plan(&self) -> Result<Plan, Error> {
        Plan::new(self)
    }

    /// Starts the program; when this returns `Ok`, it has been executed.
    ///
    /// The caller's memory is not copied, and no handler of the caller's runs in the child. The
    /// program begins with no signal blocked or ignored, in the caller's session, with its working
    /// directory, umask, limits and every descriptor that is not close-on-exec. New mount namespaces
    /// are private: no mount travels between them and the caller's.
    ///
    /// # Errors
    /// What failed first, by step, errno and object; then nothing is left behind. Often:
    /// - [`Step::Check`](crate::Step::Check): a mistake, by its setter; no errno.
    /// - [`Step::Clone`](crate::Step::Clone), `EPERM`: namespaces need `CAP_SYS_ADMIN` or a new user
    ///   namespace; `ENOSPC`: a limit of namespaces(7), which the hint names.
    /// - [`Step::UidMap`](crate::Step::UidMap), [`Step::GidMap`](crate::Step::GidMap): what the kernel
    ///   does not let this caller map.
    /// - [`Step::Exec`](crate::Step::Exec), `ENOENT`, `EACCES`: the program, looked up inside; without
    ///   an errno, the child was killed before it executed.
    ///
    /// # Kernel support
    /// Linux 5.5 by the calls it makes; run on 6.18.
    ///
    /// # References
    /// clone(2), execve(2), user_namespaces(7); kernel/fork.c, fs/exec.c.
    pub fn start(&self) -> Result<Process, Error> {
        engine::start(&self.plan()?)
    }
}
