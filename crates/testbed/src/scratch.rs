//! A folder for the files of one test process.

use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::{env, io};

use rustix::process::geteuid;

/// Empty at first and at the end, and like `/tmp` for everybody.
///
/// In a folder that is shared the tests could not name their files by process ids: in another pid
/// namespace these are somebody else's too.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// # Panics
    /// When it cannot be made.
    pub(crate) fn new() -> Self {
        let mut base = env::temp_dir();
        // Of root's own it may be, and the other roles would not get there.
        if geteuid().is_root() && !is_for_all(&base) {
            base = "/tmp".into();
        }
        let path = (0..10_000)
            .map(|number| base.join(format!("ns-testbed-{}-{number}", std::process::id())))
            .find(|path| made(path))
            .expect("a name that is free");
        fs::set_permissions(&path, Permissions::from_mode(0o1777)).expect("open it to all");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// # Panics
    /// When something is in it.
    pub(crate) fn finish(self) {
        let files = fs::read_dir(&self.0).expect("list");
        let files: Vec<_> = files.map(|file| file.expect("an entry").file_name()).collect();
        assert!(files.is_empty(), "left in the temporary folder: {files:?}");
    }
}

/// A name that no other test process has, for what lies outside the temporary folder.
///
/// # Panics
/// Outside a body declared with [`run_as!`](crate::run_as!).
pub fn own_name() -> String {
    let folder = env::temp_dir();
    folder.file_name().expect("the test's own").to_string_lossy().into_owned()
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// False where the name is taken.
fn made(path: &Path) -> bool {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
        result => {
            result.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            true
        }
    }
}

/// Whether another user gets as far as this folder.
fn is_for_all(folder: &Path) -> bool {
    let may_search = |folder: &Path| {
        fs::metadata(folder).is_ok_and(|folder| folder.permissions().mode() & 0o001 != 0)
    };
    folder.ancestors().all(|folder| folder.as_os_str().is_empty() || may_search(folder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::catch_unwind;

    #[test]
    fn each_has_one_of_its_own_and_leaves_nothing() {
        let (one, other) = (Scratch::new(), Scratch::new());
        assert_ne!(one.path(), other.path());
        let mode = fs::metadata(one.path()).expect("stat").permissions().mode();
        assert_eq!(mode & 0o7777, 0o1777);
        let path = one.path().to_owned();
        fs::write(path.join("file"), "").expect("write");
        assert!(catch_unwind(|| one.finish()).is_err(), "a file passed");
        assert!(!path.exists());
        other.finish();
    }

    #[test]
    fn a_folder_below_a_closed_one_is_not_for_all() {
        let scratch = Scratch::new();
        let (closed, below) = (scratch.path().join("closed"), scratch.path().join("closed/below"));
        fs::create_dir_all(&below).expect("mkdir");
        let with_mode = |mode| {
            fs::set_permissions(&closed, Permissions::from_mode(mode)).expect("chmod");
            is_for_all(&below)
        };
        assert!(!with_mode(0o700));
        assert_eq!(with_mode(0o755), is_for_all(&env::temp_dir()));
    }
}
