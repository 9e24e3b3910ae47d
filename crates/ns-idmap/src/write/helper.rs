//! Writes a map through `newuidmap(1)` or `newgidmap(1)`, for callers that may not write it directly.

use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::thread::no_new_privs;

use super::helper_process::{Outcome, run};
use crate::{HelperError, IdKind, IdMap};

/// The directories that are searched, in this order. `PATH` is not used: it may be under foreign control.
const DIRECTORIES: [&str; 3] = ["/usr/bin", "/bin", "/run/wrappers/bin"];

/// How to run `newuidmap(1)` or `newgidmap(1)`.
///
/// The default searches `/usr/bin`, `/bin` and `/run/wrappers/bin`, and has no time limit.
///
/// # Examples
/// ```
/// use ns_idmap::Helper;
/// use std::time::Duration;
///
/// let helper = Helper::at("/opt/shadow/bin/newuidmap")?.timeout(Duration::from_secs(5));
/// assert_eq!(helper.program("newuidmap")?.as_os_str(), "/opt/shadow/bin/newuidmap");
/// # Ok::<(), ns_idmap::HelperError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Helper {
    program: Option<PathBuf>,
    timeout: Option<Duration>,
}

impl Helper {
    /// Uses the program at this path.
    ///
    /// # Errors
    /// The path is not absolute.
    pub fn at(program: impl Into<PathBuf>) -> Result<Self, HelperError> {
        let path = program.into();
        if path.is_absolute() {
            Ok(Self { program: Some(path), timeout: None })
        } else {
            Err(HelperError::NotAbsolute { path })
        }
    }

    /// Limits the time of each run. The shortest of several limits holds.
    ///
    /// At the limit the helper is killed, and the call fails with [`HelperError::TimedOut`].
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(self.timeout.map_or(timeout, |shorter| shorter.min(timeout)));
        self
    }

    /// The path of the program: the given path, or `name` in the first directory that has it.
    ///
    /// # Errors
    /// No directory has it.
    pub fn program(&self, name: &'static str) -> Result<PathBuf, HelperError> {
        match &self.program {
            Some(program) => Ok(program.clone()),
            None => DIRECTORIES
                .iter()
                .map(|directory| Path::new(directory).join(name))
                .find(|path| path.exists())
                .ok_or(HelperError::NotFound { name }),
        }
    }
}

impl<K: IdKind> IdMap<K> {
    /// Writes the map of a process through a helper.
    ///
    /// `proc_dir` and `pid` name the same process: its open `/proc/PID`, and its process ID in the
    /// caller's PID namespace. Blocks until the helper terminates, or until its
    /// [time limit](Helper::timeout).
    ///
    /// The helper has an empty environment, the numbers of all extents as arguments, and `/dev/null` as
    /// stdin and stdout. It is reaped, unless it cannot be killed at its time limit.
    ///
    /// The exit status is lost when `SIGCHLD` is ignored, or when another thread waits for all
    /// children. Then the map file is read back, and the call succeeds if it shows this map.
    ///
    /// `newgidmap` writes `deny` to `setgroups` if the map is the caller's own group ID alone and
    /// `/etc/subgid` does not delegate it. Otherwise it leaves `setgroups` unchanged. For `deny` with
    /// delegated group IDs, call [`Setgroups::deny`](crate::Setgroups::deny) before.
    ///
    /// # Errors
    /// A rule that the map breaks, before the helper is executed. Otherwise how the helper terminated,
    /// and what it wrote to stderr.
    pub fn write_by(
        &self,
        proc_dir: impl AsFd,
        pid: u32,
        helper: &Helper,
    ) -> Result<(), HelperError> {
        self.check_for_write()?;
        let program = helper.program(K::HELPER)?;
        let (outcome, stderr) = match run(&program, &arguments(self, pid), helper.timeout) {
            Ok(run) => run,
            Err(source) => return Err(HelperError::Run { program, source }),
        };
        let said = || String::from_utf8_lossy(&stderr).into_owned();
        Err(match outcome {
            Outcome::Exited(status) if status.success() => return Ok(()),
            Outcome::Exited(status) => {
                let no_new_privs = no_new_privs().unwrap_or(false);
                HelperError::Failed { program, status, said: said(), no_new_privs }
            }
            Outcome::StatusLost => match Self::read(proc_dir) {
                Ok(shown) if shown.as_ref() == Some(self) => return Ok(()),
                read => {
                    let read = read.err().map(Box::new);
                    HelperError::StatusLost { program, file: K::FILE, said: said(), read }
                }
            },
            Outcome::TimedOut(helper) => HelperError::TimedOut { program, said: said(), helper },
        })
    }
}

fn arguments<K: IdKind>(map: &IdMap<K>, pid: u32) -> Vec<String> {
    let numbers = map.iter().flat_map(|extent| [extent.inside, extent.outside, extent.length]);
    [pid].into_iter().chain(numbers).map(|number| number.to_string()).collect()
}
