//! A directory for the files of one test process.

use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::{env, io};

use rustix::process::geteuid;

/// A temporary directory that every user may write, as `/tmp`. It is empty at first and must be at the end.
///
/// In a common directory the tests could not name their files by process IDs, which are not unique across pid
/// namespaces.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// # Panics
    /// The directory cannot be made.
    pub(crate) fn new() -> Self {
        let mut base = env::temp_dir();
        // A directory of root may be out of reach for the other roles.
        if geteuid().is_root() && !is_reachable_for_all(&base) {
            base = "/tmp".into();
        }
        let path = (0..10_000)
            .map(|number| base.join(format!("ns-testbed-{}-{number}", std::process::id())))
            .find(|path| made(path))
            .expect("a free name");
        fs::set_permissions(&path, Permissions::from_mode(0o1777)).expect("chmod");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// # Panics
    /// The directory is not empty.
    pub(crate) fn finish(self) {
        let files = fs::read_dir(&self.0).expect("list");
        let files: Vec<_> = files.map(|file| file.expect("an entry").file_name()).collect();
        assert!(files.is_empty(), "left in the temporary directory: {files:?}");
    }
}

/// A name that no other test process has, for objects outside the temporary directory.
///
/// # Panics
/// It is called outside a body of [`run_as!`](crate::run_as!).
pub fn own_name() -> String {
    let directory = env::temp_dir();
    directory.file_name().expect("the directory of the test").to_string_lossy().into_owned()
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Makes the directory. Returns false if the name exists.
fn made(path: &Path) -> bool {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
        result => {
            result.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            true
        }
    }
}

/// Whether every user can search this directory and its ancestors.
fn is_reachable_for_all(directory: &Path) -> bool {
    let may_search = |path: &Path| {
        fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o001 != 0)
    };
    directory.ancestors().all(|path| path.as_os_str().is_empty() || may_search(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::catch_unwind;

    #[test]
    fn each_directory_is_new_and_removed() {
        let (one, other) = (Scratch::new(), Scratch::new());
        assert_ne!(one.path(), other.path());
        let mode = fs::metadata(one.path()).expect("stat").permissions().mode();
        assert_eq!(mode & 0o7777, 0o1777);
        let path = one.path().to_owned();
        fs::write(path.join("file"), "").expect("write");
        assert!(catch_unwind(|| one.finish()).is_err(), "a file was accepted");
        assert!(!path.exists());
        other.finish();
    }

    #[test]
    fn a_directory_below_a_private_one_is_out_of_reach() {
        let scratch = Scratch::new();
        let (private, below) =
            (scratch.path().join("private"), scratch.path().join("private/below"));
        fs::create_dir_all(&below).expect("mkdir");
        let with_mode = |mode| {
            fs::set_permissions(&private, Permissions::from_mode(mode)).expect("chmod");
            is_reachable_for_all(&below)
        };
        assert!(!with_mode(0o700));
        assert_eq!(with_mode(0o755), is_reachable_for_all(&env::temp_dir()));
    }
}
