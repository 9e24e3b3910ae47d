//! What a release changes of the plan of a parked process.

use std::ffi::{OsStr, OsString};
use std::os::fd::{OwnedFd, RawFd};
use std::path::PathBuf;
use std::prelude::rust_2024::*;
use std::sync::Arc;

use ns_fs::{Descriptors, Stdio};

use super::environment::EnvironmentConfig;
use crate::resource::Resource;

/// What a release changes: the program, its arguments, its environment, its streams, its working
/// directory and its limits.
///
/// Everything that is not set stays as planned. Namespaces, IDs, root, capabilities and filter
/// cannot change: the process already has them. So a program of an untrusted user gets no more than
/// the plan allowed. See [`Parked::release_with`](crate::Parked::release_with) and
/// [`Pool::start`](crate::Pool::start).
///
/// # Examples
/// ```
/// use ns_process::{Container, Payload, Stdio};
///
/// let parked = Container::new("sh").stdout(Stdio::null()).start_parked()?;
/// let mut payload = Payload::new();
/// payload.args(["-c", "echo $NAME"]).env("NAME", "job 7").stdout(Stdio::piped());
/// let output = parked.release_with(&payload)?.wait_with_output()?;
/// assert_eq!(output.stdout, b"job 7\n");
/// # Ok::<(), ns_process::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Payload {
    pub(crate) program: Option<OsString>,
    pub(crate) program_fd: Option<Arc<OwnedFd>>,
    /// `None`: the planned arguments.
    pub(crate) args: Option<Vec<OsString>>,
    pub(crate) env: EnvironmentConfig,
    pub(crate) descriptors: Descriptors,
    pub(crate) workdir: Option<PathBuf>,
    pub(crate) rlimits: Vec<(Resource, u64, u64)>,
}

impl Payload {
    /// Changes nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the program: a path, or a name to search in the `PATH` of the program's environment,
    /// inside the root of the process.
    ///
    /// The planned arguments stay, unless [`arg`](Self::arg) sets others.
    pub fn program(&mut self, program: impl AsRef<OsStr>) -> &mut Self {
        self.program = Some(program.as_ref().to_owned());
        self
    }

    /// Executes an open file of the caller, as [`Builder::program_fd`](crate::Builder::program_fd).
    pub fn program_fd(&mut self, file: impl Into<OwnedFd>) -> &mut Self {
        self.program_fd = Some(Arc::new(file.into()));
        self
    }

    /// Adds an argument. The first one replaces all planned arguments.
    pub fn arg(&mut self, arg: impl AsRef<OsStr>) -> &mut Self {
        self.args.get_or_insert_default().push(arg.as_ref().to_owned());
        self
    }

    /// Adds several arguments; see [`arg`](Self::arg). An empty list removes the planned ones.
    pub fn args<A: AsRef<OsStr>>(&mut self, args: impl IntoIterator<Item = A>) -> &mut Self {
        let args = args.into_iter().map(|arg| arg.as_ref().to_owned());
        self.args.get_or_insert_default().extend(args);
        self
    }

    /// Sets a variable of the planned environment.
    pub fn env(&mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> &mut Self {
        self.env.set(key.as_ref(), Some(value.as_ref().to_owned()));
        self
    }

    /// Sets several variables of the planned environment.
    pub fn envs<K: AsRef<OsStr>, V: AsRef<OsStr>>(
        &mut self,
        envs: impl IntoIterator<Item = (K, V)>,
    ) -> &mut Self {
        envs.into_iter().fold(self, |payload, (key, value)| payload.env(key, value))
    }

    /// Removes a variable of the planned environment.
    pub fn env_remove(&mut self, key: impl AsRef<OsStr>) -> &mut Self {
        self.env.set(key.as_ref(), None);
        self
    }

    /// Removes the planned environment, and discards all earlier changes.
    pub fn env_clear(&mut self) -> &mut Self {
        self.env.clear();
        self
    }

    /// Sets the standard input.
    pub fn stdin(&mut self, file: impl Into<Stdio>) -> &mut Self {
        self.fd(0, file)
    }

    /// Sets the standard output.
    pub fn stdout(&mut self, file: impl Into<Stdio>) -> &mut Self {
        self.fd(1, file)
    }

    /// Sets the standard error.
    pub fn stderr(&mut self, file: impl Into<Stdio>) -> &mut Self {
        self.fd(2, file)
    }

    /// Sets the descriptor `number`, as [`Builder::fd`](crate::Builder::fd). A payload has at most
    /// 15 descriptors. [`Stdio::inherit`] keeps the planned one.
    pub fn fd(&mut self, number: RawFd, file: impl Into<Stdio>) -> &mut Self {
        self.descriptors.place(number, file);
        self
    }

    /// Sets the working directory: a path inside the root of the process, relative to the planned
    /// working directory.
    pub fn workdir(&mut self, path: impl Into<PathBuf>) -> &mut Self {
        self.workdir = Some(path.into());
        self
    }

    /// Sets the soft and the hard limit of a resource. Without `CAP_SYS_RESOURCE`, the process can
    /// only lower its hard limit.
    pub fn rlimit(&mut self, resource: Resource, soft: u64, hard: u64) -> &mut Self {
        self.rlimits.retain(|(known, ..)| *known != resource);
        self.rlimits.push((resource, soft, hard));
        self
    }

    /// Whether every descriptor is the planned one.
    pub(crate) fn places_nothing(&self) -> bool {
        let mut descriptors = self.descriptors.clone();
        descriptors.close_rest(false).leaves_all()
    }

    /// Whether the release executes another program, or has other arguments or variables.
    pub(crate) fn changes_program(&self) -> bool {
        let changes_env = self.env.cleared || !self.env.changes.is_empty();
        let changes_file = self.program.is_some() || self.program_fd.is_some();
        changes_env || changes_file || self.args.is_some()
    }
}
