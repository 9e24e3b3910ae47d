//! Starts that wait for the exit of the program.

use std::prelude::rust_2024::*;
use std::process::{ExitStatus, Output};
use std::sync::Arc;
use std::time::Duration;

use super::begin;
use crate::error::Error;
use crate::plan::Plan;
use crate::process::LimitedOutput;
use crate::settings::Builder;
use crate::step::Step;

/// # Run
///
/// Starts the process, and waits for its exit.
impl<Kind> Builder<Kind> {
    /// Starts the program and joins it.
    ///
    /// # Errors
    /// As [`start`](Self::start) and [`Process::join`](crate::Process::join).
    pub fn status(&self) -> Result<ExitStatus, Error> {
        self.start()?.join()
    }

    /// Starts the program, reads all of its output, and joins it.
    ///
    /// Streams that were not set are `/dev/null` for stdin, and captured for stdout and stderr. Waits
    /// also for descendants that have stdout or stderr open, as `$(…)` of a shell. Blocks without a
    /// time limit; [`output_timeout`](Self::output_timeout) has one.
    ///
    /// # Errors
    /// As [`start`](Self::start) and [`Process::wait_with_output`](crate::Process::wait_with_output).
    ///
    /// # Examples
    /// ```
    /// use ns_process::Container;
    ///
    /// let output = Container::new("sh").args(["-c", "echo out; echo err >&2"]).output()?;
    /// assert_eq!((output.stdout, output.stderr), (b"out\n".to_vec(), b"err\n".to_vec()));
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    pub fn output(&self) -> Result<Output, Error> {
        begin(self.plan_captured()?)?.wait_with_output()
    }

    /// As [`output`](Self::output), for `limit` at most, and reports a reached limit as a value.
    ///
    /// When `limit` has passed, or a stream has more bytes than [`output_limit`](Self::output_limit), the program is
    /// killed, together with all processes of a new pid namespace, or otherwise all processes in its
    /// [`cgroup`](Self::cgroup), if one is set. The output until then is returned. `limit` begins when the program has
    /// been executed; for the time before, see [`start_timeout`](Self::start_timeout).
    ///
    /// If the program has exited but a descendant has a stream open, the wait for EOF continues until `limit` has
    /// passed. Blocks for `limit`, and then for one second at most.
    ///
    /// # Errors
    /// As [`start`](Self::start) and [`Process::wait_with_output_timeout`](crate::Process::wait_with_output_timeout). A
    /// reached limit is no error.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// use ns_process::{Container, OutputLimit};
    ///
    /// let mut container = Container::new("sh");
    /// container.args(["-c", "echo begun; exec sleep 1000"]);
    /// let output = container.output_timeout(Duration::from_millis(200))?;
    /// assert_eq!(output.ended_by, Some(OutputLimit::Time));
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    pub fn output_timeout(&self, limit: Duration) -> Result<LimitedOutput, Error> {
        begin(self.plan_captured()?)?.wait_with_output_timeout(limit)
    }

    /// The plan, with a pipe for each output that is not set.
    pub(crate) fn plan_captured(&self) -> Result<Arc<Plan>, Error> {
        let mut plan = self.shared_plan()?;
        let invalid = |message| Error::new(&self.name, Step::Check).with_object(message);
        Plan::sole(&mut plan).streams.capture().map_err(invalid)?;
        Ok(plan)
    }
}
