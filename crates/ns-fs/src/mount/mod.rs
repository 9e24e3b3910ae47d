//! Mounts below a root: their settings, and the steps made from them.

mod check;
mod compile;
mod dev;
mod fs_options;
mod host;
mod kinds;
mod names;
mod options;
mod overlay;

use std::ffi::OsString;
use std::path::PathBuf;
use std::prelude::rust_2024::*;
use std::sync::Arc;

use ns_sys::child::{FileType, MountFlags};

use crate::apply::TargetLimit;
use crate::attributes::Changes;
use crate::{Propagation, Tree};

pub(crate) use compile::Compiler;
pub use kinds::DeviceKind;

/// One mount below a root, or one file or directory: what it is, its target, and its attributes.
///
/// A target is a path of the new root and is resolved inside it: no symbolic link leads out. A source is a path of the
/// caller; a relative one starts at the caller's working directory at the time the plan is made. Mounts are made in the
/// order in which they are added. Their sources are opened before the first mount, so that no mount hides them; for an
/// overlay only since Linux 6.15.
///
/// If the first mount is a file system, bind, tree or overlay with the target `/`, it becomes the root.
///
/// `read_only`, `nosuid`, `nodev` and `noexec` are for the mount and, if it is recursive, for all mounts below
/// it, as [`set_all`](Self::set_all) is. [`set`](Self::set) is for the topmost mount only.
///
/// An option that a mount does not have is an error of the plan.
///
/// # Examples
/// ```
/// use ns_fs::Mount;
///
/// let mounts = [
///     Mount::proc("/proc"),
///     Mount::dev("/dev").create(),
///     Mount::tmpfs("/tmp").data("size=16m,mode=1777"),
///     Mount::bind("/usr", "/usr").recursive().read_only().create(),
///     Mount::mask("/proc/kcore"),
/// ];
/// # assert_eq!(mounts.len(), 5);
/// ```
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "one for each option")]
pub struct Mount {
    target: PathBuf,
    create: bool,
    optional: bool,
    limit: TargetLimit,
    kind: Kind,
    recursive: bool,
    source_in_root: bool,
    changes: Changes,
    flags: MountFlags,
    clear_flags: MountFlags,
    copy_up: bool,
    data: Option<OsString>,
    mode: Option<u32>,
    owner: Option<(u32, u32)>,
}

/// What receives the changes of an overlay.
#[derive(Clone, Debug)]
enum Upper {
    /// Nothing: it is read-only.
    Nothing,
    Directory {
        upper: PathBuf,
        work: PathBuf,
    },
    /// A new tmpfs(5), which is mounted nowhere else.
    Tmpfs,
}

#[derive(Clone, Debug)]
enum Kind {
    New { fs_type: OsString, source: OsString },
    Bind { source: PathBuf },
    Tree(Arc<Tree>),
    Overlay { lower: Vec<PathBuf>, upper: Upper },
    Dev,
    Remount,
    Propagation(Propagation),
    Mask,
    ReadOnlyPath,
    Directory,
    Symlink { to: PathBuf },
    File { contents: Vec<u8> },
    Bytes { contents: Vec<u8> },
    Device { file_type: FileType, number: (u32, u32) },
}
