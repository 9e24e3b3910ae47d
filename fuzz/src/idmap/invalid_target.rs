//! Writes of maps to targets that do not accept one.

use std::fs::{self, File};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;

use arbitrary::Arbitrary;
use ns_idmap::{GidMap, ProcError, Reason, Setgroups, UidMap};

use super::sleeper::Sleeper;

/// A target that does not accept a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Arbitrary)]
pub enum InvalidTarget {
    /// A namespace that already has its maps.
    AlreadyWritten,
    /// A process that has terminated.
    ExitedProcess,
    /// A directory with the files of /proc/PID that is not on proc.
    FakeProc,
    /// An empty directory.
    EmptyDirectory,
}

/// Writes a map to an invalid target.
///
/// Oracle: each call fails with the right error, and regular files keep their contents.
///
/// # Panics
/// If a call succeeds or returns another error.
pub(super) fn invalid_target(target: InvalidTarget, map: &UidMap) {
    let gids = GidMap::new(map.iter().copied()).expect("uid and gid maps have the same rules");
    let writes = |dir: BorrowedFd<'_>| {
        let written = [map.write(dir), gids.write(dir, Setgroups::Keep), Setgroups::deny(dir)];
        written.map(|done| done.expect_err("an invalid target"))
    };
    match target {
        InvalidTarget::AlreadyWritten => {
            let sleeper = Sleeper::new();
            write_maps(&sleeper);
            let errors = writes(sleeper.as_fd());
            assert!(errors[..2].iter().all(is_already_written), "{errors:?}");
        }
        InvalidTarget::ExitedProcess => {
            let errors = writes(Sleeper::new().kill().as_fd());
            assert!(errors.iter().all(|error| matches!(error, ProcError::Open { .. })));
        }
        InvalidTarget::FakeProc | InvalidTarget::EmptyDirectory => directory(target, writes),
    }
}

fn write_maps(sleeper: &Sleeper) {
    // Every user may map its own IDs.
    UidMap::current().write(sleeper).expect("write the first map");
    GidMap::current().write(sleeper, Setgroups::Auto).expect("write the first map");
}

fn is_already_written(error: &ProcError) -> bool {
    let (ProcError::Write { why, .. } | ProcError::Open { why, .. }) = error else { return false };
    matches!(why, Some(Reason::AlreadyWritten))
}

const FILES: [&str; 3] = ["uid_map", "gid_map", "setgroups"];
const TEXT: &str = "0 0 1\n";

fn directory(target: InvalidTarget, writes: impl FnOnce(BorrowedFd<'_>) -> [ProcError; 3]) {
    let directory = Directory::new();
    if target == InvalidTarget::FakeProc {
        for name in FILES {
            fs::write(directory.0.join(name), TEXT).expect("write");
        }
    }
    let dir = File::open(&directory.0).expect("open");
    let read = UidMap::read(&dir).expect_err("not a process");
    let setgroups = Setgroups::is_allowed(&dir).expect_err("not a process");
    for error in writes(dir.as_fd()).iter().chain([&read, &setgroups]) {
        let not_proc = matches!(error, ProcError::NotProc { .. });
        assert_eq!(not_proc, target == InvalidTarget::FakeProc, "{error}");
        assert!(FILES.iter().any(|name| error.to_string().contains(name)), "{error}");
    }
    for name in FILES {
        let contents = fs::read_to_string(directory.0.join(name)).ok();
        assert_eq!(contents.is_some(), target == InvalidTarget::FakeProc, "{name}");
        assert!(contents.is_none_or(|text| text == TEXT), "{name} has changed");
    }
}

/// A temporary directory, which is removed on drop.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("fuzz-idmap-{}", std::process::id()));
        fs::create_dir_all(&path).expect("mkdir");
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_to_invalid_targets_fail() {
        ns_testbed::run_as!([Root, User, Nested], {
            let map = UidMap::current();
            let targets = [
                InvalidTarget::AlreadyWritten,
                InvalidTarget::ExitedProcess,
                InvalidTarget::FakeProc,
                InvalidTarget::EmptyDirectory,
            ];
            for target in targets {
                invalid_target(target, &map);
            }
        });
    }
}
