//! newuidmap and newgidmap: programs that write maps for those who may not.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::{HelperError, IdKind, IdMap};

/// Where the helpers are looked for, in this order; never in `PATH`, which a stranger may have set.
const FOLDERS: [&str; 3] = ["/usr/bin", "/bin", "/run/wrappers/bin"];

/// How much of what a helper says is kept.
const KEPT: u64 = 4096;

/// A way to `newuidmap(1)` or `newgidmap(1)`.
///
/// The default looks in `/usr/bin`, `/bin` and `/run/wrappers/bin`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Helper {
    program: Option<PathBuf>,
}

impl Helper {
    /// The helper at this path.
    ///
    /// # Errors
    /// The path is not absolute.
    pub fn at(program: impl Into<PathBuf>) -> Result<Self, HelperError> {
        let path = program.into();
        if path.is_absolute() {
            Ok(Self { program: Some(path) })
        } else {
            Err(HelperError::NotAbsolute { path })
        }
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
    /// Lets the helper write the map of the process `pid`, a number in the caller's pid namespace.
    ///
    /// The helper gets an empty environment, the numbers of all extents as arguments, and
    /// `/dev/null` as input and output. It is reaped in any case.
    ///
    /// newgidmap by itself writes `deny` to `setgroups` when the map is the caller's own gid alone
    /// and `/etc/subgid` does not have it; with delegated gids `setgroups` stays as it is. For
    /// `deny` with those, call [`Setgroups::deny`](crate::Setgroups::deny) before.
    ///
    /// # Errors
    /// How the helper ended, and what it said.
    pub fn write_by(&self, helper: &Helper, pid: u32) -> Result<(), HelperError> {
        self.check()?;
        let program = helper.program(K::HELPER)?;
        match run(&program, &arguments(self, pid)) {
            Ok((status, _)) if status.success() => Ok(()),
            Ok((status, said)) => Err(HelperError::failed(program, status, &said)),
            Err(source) => Err(HelperError::Run { program, source }),
        }
    }
}

fn arguments<K: IdKind>(map: &IdMap<K>, pid: u32) -> Vec<String> {
    let numbers = map.iter().flat_map(|extent| [extent.inside, extent.outside, extent.length]);
    [pid].into_iter().chain(numbers).map(|number| number.to_string()).collect()
}

fn run(program: &Path, arguments: &[String]) -> io::Result<(ExitStatus, Vec<u8>)> {
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let said = listen(&mut child);
    // Whatever became of its words, no zombie may stay.
    let status = child.wait()?;
    Ok((status, said?))
}

/// Reads to the end, or the helper might wait for a reader, but keeps only the beginning.
fn listen(child: &mut Child) -> io::Result<Vec<u8>> {
    let mut said = Vec::new();
    if let Some(mut stderr) = child.stderr.take() {
        stderr.by_ref().take(KEPT).read_to_end(&mut said)?;
        io::copy(&mut stderr, &mut io::sink())?;
    }
    Ok(said)
}
