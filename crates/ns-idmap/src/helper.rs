//! newuidmap and newgidmap: programs that write maps for those who may not.

use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::helper_run::{Ending, run};
use crate::{HelperError, IdKind, IdMap};

/// Where the helpers are looked for, in this order; never in `PATH`, which a stranger may have set.
const FOLDERS: [&str; 3] = ["/usr/bin", "/bin", "/run/wrappers/bin"];

/// A way to `newuidmap(1)` or `newgidmap(1)`.
///
/// The default looks in `/usr/bin`, `/bin` and `/run/wrappers/bin`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Helper {
    program: Option<PathBuf>,
    timeout: Option<Duration>,
}

impl Helper {
    /// The helper at this path.
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

    /// Limits the time of each run. Of several limits the shortest holds; the default is none.
    ///
    /// A helper whose time is over is killed, and the call fails with [`HelperError::TimedOut`].
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(self.timeout.map_or(timeout, |shorter| shorter.min(timeout)));
        self
    }

    /// Where it is: the path that was given, or the first of the folders that has `name`.
    ///
    /// # Errors
    /// None of the folders has it.
    pub fn program(&self, name: &'static str) -> Result<PathBuf, HelperError> {
        match &self.program {
            Some(program) => Ok(program.clone()),
            None => FOLDERS
                .iter()
                .map(|folder| Path::new(folder).join(name))
                .find(|path| path.exists())
                .ok_or(HelperError::NotFound { name }),
        }
    }
}

impl<K: IdKind> IdMap<K> {
    /// Runs the helper, which writes the map of a process.
    ///
    /// `proc_dir` and `pid` are the same process, by its open `/proc/PID` and by its number in the
    /// caller's pid namespace.
    ///
    /// The helper gets an empty environment, the numbers of all extents as arguments, and
    /// `/dev/null` as input and output. It is reaped, unless it outlives its
    /// [time limit](Helper::timeout).
    ///
    /// The exit status is lost when `SIGCHLD` is ignored, or when another thread waits for all
    /// children. Then the map file is read back: the call succeeds if it shows this map.
    ///
    /// newgidmap by itself writes `deny` to `setgroups` when the map is the caller's own gid alone
    /// and `/etc/subgid` does not have it; with delegated gids `setgroups` stays as it is. For
    /// `deny` with those, call [`Setgroups::deny`](crate::Setgroups::deny) before.
    ///
    /// # Errors
    /// How the helper ended, and what it wrote to stderr.
    pub fn write_by(
        &self,
        proc_dir: impl AsFd,
        pid: u32,
        helper: &Helper,
    ) -> Result<(), HelperError> {
        self.check()?;
        let program = helper.program(K::HELPER)?;
        let (ending, said) = match run(&program, &arguments(self, pid), helper.timeout) {
            Ok(ended) => ended,
            Err(source) => return Err(HelperError::Run { program, source }),
        };
        let said = || String::from_utf8_lossy(&said).into_owned();
        match ending {
            Ending::Exited(status) if status.success() => Ok(()),
            Ending::Exited(status) => Err(HelperError::failed(program, status, said())),
            Ending::StatusLost => match Self::read(proc_dir) {
                Ok(shown) if shown.as_ref() == Some(self) => Ok(()),
                read => Err(HelperError::status_lost::<K>(program, said(), read.err())),
            },
            Ending::TimedOut(helper) => {
                Err(HelperError::TimedOut { program, said: said(), helper })
            }
        }
    }
}

fn arguments<K: IdKind>(map: &IdMap<K>, pid: u32) -> Vec<String> {
    let numbers = map.iter().flat_map(|extent| [extent.inside, extent.outside, extent.length]);
    [pid].into_iter().chain(numbers).map(|number| number.to_string()).collect()
}
