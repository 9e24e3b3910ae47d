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
    /// builder may start again.
    ///
    /// # Errors
    /// What failed first, by step, errno and object; then nothing is left behind.
    pub fn start(&self) -> Result<Process, Error> {
        engine::start(&self.plan()?)
    }
}
