//! A program with another root directory.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::prelude::rust_2024::*;

use ns_sys::Namespace;

use super::{Builder, kind};

/// Starts a program with a directory as its root.
///
/// A `Chroot` is a [`Container`](crate::Container) with new user and mount namespaces and a
/// [`rootdir`](Builder::rootdir). If the caller is root, it can omit the user namespace by
/// `without(Namespace::User)`. The setters are listed at [`Builder`].
///
/// A dynamically linked program needs its loader and its libraries inside the root. If execve(2)
/// fails with `ENOENT` although the file exists, its interpreter is missing, and the error's hint
/// names the interpreter.
///
/// # Examples
/// ```no_run
/// use ns_process::Chroot;
///
/// let process = Chroot::new("rootfs", "/bin/ls").arg("/home").start()?;
/// assert!(process.join()?.success());
/// # Ok::<(), ns_process::Error>(())
/// ```
///
/// # References
/// chroot(2), pivot_root(2).
pub type Chroot = Builder<kind::Chroot>;

impl Chroot {
    /// Creates a builder that starts `program`: a path, or a name to search in `PATH`, in the new
    /// root.
    pub fn new(root: impl Into<PathBuf>, program: impl AsRef<OsStr>) -> Self {
        let mut chroot = Self::with_program("chroot", program.as_ref().to_owned());
        chroot.namespace(Namespace::User).namespace(Namespace::Mnt).rootdir(root);
        chroot
    }
}
