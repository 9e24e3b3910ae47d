//! A program in a root of its own.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::prelude::rust_2024::*;

use ns_sys::Namespace;

use super::{Builder, kind};

/// Starts a program with a directory as its root.
///
/// A [`Container`](crate::Container) with new user and mount namespaces and a
/// [`rootdir`](Builder::rootdir). A caller who is root may do without the user namespace:
/// `without(Namespace::User)`. All setters are those of [`Builder`].
///
/// A program that is linked dynamically needs its loader and its libraries inside the root. When
/// execve(2) says `ENOENT` although the file exists, it is its interpreter that is missing, and the
/// error's hint names it.
///
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
    /// A program of the new root, by path or by a name that is looked up there.
    pub fn new(root: impl Into<PathBuf>, program: impl AsRef<OsStr>) -> Self {
        let mut chroot = Self::with_program("chroot", program.as_ref().to_owned());
        chroot.namespace(Namespace::User).namespace(Namespace::Mnt).rootdir(root);
        chroot
    }
}
