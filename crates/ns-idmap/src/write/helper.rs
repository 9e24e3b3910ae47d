//! Writes a map through `newuidmap(1)` or `newgidmap(1)`, for callers that may not write it directly.

use std::ffi::OsStr;
use std::marker::PhantomData;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::helper_process::{Outcome, run};
use super::refusal;
use crate::proc::{pid_in_proc, pid_of};
use crate::{Gid, HelperError, IdKind, IdMap, Uid};

/// The directories that are searched, in this order. `PATH` is not used: it may be under foreign control.
const DIRECTORIES: [&str; 3] = ["/usr/bin", "/bin", "/run/wrappers/bin"];

/// How to run `newuidmap(1)`, as `Helper<Uid>`, or `newgidmap(1)`, as `Helper<Gid>`.
///
/// The default searches `/usr/bin`, `/bin` and `/run/wrappers/bin`, and has no time limit. The kind
/// follows from the map where a helper is passed to [`IdMap::write_by`] or `install`.
///
/// # Examples
/// ```
/// use ns_idmap::{Helper, Uid};
/// use std::time::Duration;
///
/// let helper = Helper::<Uid>::at("/opt/shadow/bin/newuidmap")?.timeout(Duration::from_secs(5));
/// assert_eq!(helper.program()?.as_os_str(), "/opt/shadow/bin/newuidmap");
/// assert!(Helper::<Uid>::at("/opt/shadow/bin/newgidmap").is_err());
/// # Ok::<(), ns_idmap::HelperError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Helper<K: IdKind> {
    program: Option<PathBuf>,
    timeout: Option<Duration>,
    kind: PhantomData<K>,
}

impl<K: IdKind> Default for Helper<K> {
    fn default() -> Self {
        Self { program: None, timeout: None, kind: PhantomData }
    }
}

impl<K: IdKind> Helper<K> {
    /// Uses the program at this path.
    ///
    /// # Errors
    /// The path is not absolute, or the file name is that of the program for the other kind of ID.
    pub fn at(program: impl Into<PathBuf>) -> Result<Self, HelperError> {
        let path = program.into();
        if !path.is_absolute() {
            return Err(HelperError::NotAbsolute { path });
        }
        if path.file_name().is_some_and(is_of_other_kind::<K>) {
            return Err(HelperError::OtherKind { path, file: K::FILE, expected: K::HELPER });
        }
        Ok(Self { program: Some(path), ..Self::default() })
    }

    /// Limits the time of each run. The shortest of several limits holds.
    ///
    /// At the limit the helper is killed, and the call fails with [`HelperError::TimedOut`].
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(self.timeout.map_or(timeout, |shorter| shorter.min(timeout)));
        self
    }

    /// The path of the program: the given path, or `newuidmap` or `newgidmap` in the first directory
    /// that has it.
    ///
    /// # Errors
    /// No directory has it.
    pub fn program(&self) -> Result<PathBuf, HelperError> {
        match &self.program {
            Some(program) => Ok(program.clone()),
            None => DIRECTORIES
                .iter()
                .map(|directory| Path::new(directory).join(K::HELPER))
                .find(|path| path.exists())
                .ok_or(HelperError::NotFound { name: K::HELPER }),
        }
    }
}

/// Whether a program writes the other map file.
fn is_of_other_kind<K: IdKind>(name: &OsStr) -> bool {
    name != K::HELPER && [Uid::HELPER, Gid::HELPER].into_iter().any(|helper| name == helper)
}

impl<K: IdKind> IdMap<K> {
    /// Writes the map of the process whose `/proc/PID` is open as `proc_dir` through a helper.
    ///
    /// Blocks until the helper terminates, or until its [time limit](Helper::timeout).
    ///
    /// The helper has an empty environment, the process ID and the numbers of all extents as arguments,
    /// and `/dev/null` as stdin and stdout. It is reaped, unless it cannot be killed at its time limit.
    ///
    /// The process ID is read through `proc_dir`. The helper uses it in `/proc`, so `proc_dir` must show
    /// the same PID namespace. If the process is still there when the helper has terminated, its ID was
    /// not reused meanwhile, and the helper wrote the map of this process.
    ///
    /// The exit status is lost when `SIGCHLD` is ignored, or when another thread waits for all
    /// children. Then the map file is read back, and the call succeeds if it shows this map.
    ///
    /// `newgidmap` writes `deny` to `setgroups` if the map is the caller's own group ID alone and
    /// `/etc/subgid` does not delegate it. Otherwise it leaves `setgroups` unchanged. For `deny` with
    /// delegated group IDs, call [`Setgroups::deny`](crate::Setgroups::deny) before.
    ///
    /// # Errors
    /// Before the helper is executed: a rule that the map breaks, [`NoProcess`](crate::ProcError::NoProcess) if the
    /// process is reaped, or [`OtherPidNamespace`](crate::ProcError::OtherPidNamespace). Afterwards: how the helper terminated,
    /// what it wrote to stderr, and the reason as far as it is known, or [`NoProcess`](crate::ProcError::NoProcess) if the
    /// process was reaped meanwhile.
    pub fn write_by(&self, proc_dir: impl AsFd, helper: &Helper<K>) -> Result<(), HelperError> {
        let dir = proc_dir.as_fd();
        self.check_for_write()?;
        let program = helper.program()?;
        let arguments = arguments(self, pid_in_proc(dir)?);
        let (outcome, stderr) = match run(&program, &arguments, helper.timeout) {
            Ok(run) => run,
            Err(source) => return Err(HelperError::Run { program, source }),
        };
        let said = || String::from_utf8_lossy(&stderr).into_owned();
        Err(match outcome {
            Outcome::Exited(status) if status.success() => {
                pid_of(dir)?;
                return Ok(());
            }
            Outcome::Exited(status) => {
                let why = refusal::of_helper::<K>(dir, &program);
                HelperError::Failed { program, status, said: said(), why }
            }
            Outcome::StatusLost => match Self::read(dir) {
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
