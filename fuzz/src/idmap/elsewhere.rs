//! Maps for what is no fresh namespace.

use std::fs::{self, File};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;

use arbitrary::Arbitrary;
use ns_idmap::{GidMap, ProcError, Reason, Setgroups, UidMap};

use super::sleeper::Sleeper;

/// What is there instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Arbitrary)]
pub enum Elsewhere {
    /// A namespace that has its maps.
    Written,
    /// A process that has ended.
    Gone,
    /// A folder that looks as if it were a process's.
    MadeUp,
    /// A folder with nothing in it.
    Empty,
}

/// Oracle: the kernel takes no map there, whatever it is, and a file keeps what is in it: each call
/// fails and says at what.
///
/// # Panics
/// Where one does not.
pub(super) fn elsewhere(place: Elsewhere, map: &UidMap) {
    let gids = GidMap::new(map.iter().copied()).expect("the same rules");
    let writes = |dir: BorrowedFd<'_>| {
        let written = [map.write(dir), gids.write(dir, Setgroups::Keep), Setgroups::deny(dir)];
        written.map(|done| done.expect_err("nothing to write to"))
    };
    match place {
        Elsewhere::Written => {
            let sleeper = Sleeper::new();
            written_before(&sleeper);
            let errors = writes(sleeper.as_fd());
            assert!(errors[..2].iter().all(is_written_before), "{errors:?}");
        }
        Elsewhere::Gone => {
            let errors = writes(Sleeper::new().end().as_fd());
            assert!(errors.iter().all(|error| matches!(error, ProcError::Open { .. })));
        }
        Elsewhere::MadeUp | Elsewhere::Empty => folder(place, writes),
    }
}

fn written_before(sleeper: &Sleeper) {
    // The own ids are what everybody may map.
    UidMap::current().write(sleeper).expect("a first map");
    GidMap::current().write(sleeper, Setgroups::Auto).expect("a first map");
}

fn is_written_before(error: &ProcError) -> bool {
    let (ProcError::Write { why, .. } | ProcError::Open { why, .. }) = error else { return false };
    matches!(why, Some(Reason::AlreadyWritten))
}

const FILES: [&str; 3] = ["uid_map", "gid_map", "setgroups"];
const TEXT: &str = "0 0 1\n";

fn folder(place: Elsewhere, writes: impl FnOnce(BorrowedFd<'_>) -> [ProcError; 3]) {
    let folder = Folder::new();
    if place == Elsewhere::MadeUp {
        for name in FILES {
            fs::write(folder.0.join(name), TEXT).expect("write");
        }
    }
    let dir = File::open(&folder.0).expect("open");
    let read = UidMap::read(&dir).expect_err("no process");
    let asked = Setgroups::is_allowed(&dir).expect_err("no process");
    for error in writes(dir.as_fd()).iter().chain([&read, &asked]) {
        let made_up = matches!(error, ProcError::NotProc { .. });
        assert_eq!(made_up, place == Elsewhere::MadeUp, "{error}");
        assert!(FILES.iter().any(|name| error.to_string().contains(name)), "{error}");
    }
    for name in FILES {
        let kept = fs::read_to_string(folder.0.join(name)).ok();
        assert_eq!(kept.is_some(), place == Elsewhere::MadeUp, "{name}");
        assert!(kept.is_none_or(|text| text == TEXT), "{name} is written");
    }
}

/// Gone with all that is in it when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("fuzz-idmap-{}", std::process::id()));
        fs::create_dir_all(&path).expect("mkdir");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_written_anywhere() {
        ns_testbed::run_as!([Root, User, Nested], {
            let map = UidMap::current();
            let all = [Elsewhere::Written, Elsewhere::Gone, Elsewhere::MadeUp, Elsewhere::Empty];
            for place in all {
                elsewhere(place, &map);
            }
        });
    }
}
