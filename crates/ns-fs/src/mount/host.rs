//! The programs of the host, as mounts.

use std::fs;
use std::path::Path;
use std::prelude::rust_2024::*;
use std::vec;

use super::Mount;

/// The directories in which programs, their libraries and settings lie; those of Nix and Guix too.
const PROGRAMS: [&str; 11] = [
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt", "/nix", "/gnu",
];

impl Mount {
    /// Returns mounts that make a root with only the programs of the host.
    ///
    /// - An empty tmpfs, which is the root.
    /// - `/usr`, `/bin`, `/sbin`, `/lib…`, `/etc`, `/opt`, `/nix` and `/gnu`, as far as the host has them,
    ///   read-only with the mounts below them. Symbolic links stay links.
    /// - [`Mount::proc`] on `/proc`, and [`Mount::dev`] on `/dev`.
    /// - An empty tmpfs on `/tmp`, and the directories `/run`, `/var/tmp` and `/root`.
    ///
    /// The process sees no home directory and no process of the host. Add binds for its working files, and
    /// mask files of `/etc` that it must not read. Needs new mnt and pid namespaces, and Linux 5.12.
    ///
    /// Calls lstat(2) and readlink(2) on these directories.
    ///
    /// # Examples
    /// ```
    /// use ns_fs::{Mount, Root, RootPlan, Workdir};
    ///
    /// let root = Mount::host_root().into_iter().fold(Root::current(), Root::mount);
    /// let root = root.mount(Mount::bind("/srv/project", "/project").create()).read_only();
    /// let plan = RootPlan::new(root, Workdir::new("/project"))?;
    /// # assert!(plan.describe().to_string().contains("/usr"));
    /// # Ok::<(), ns_fs::RootError>(())
    /// ```
    pub fn host_root() -> Vec<Self> {
        let mut mounts = vec![Self::tmpfs("/").data("mode=755")];
        mounts.extend(PROGRAMS.iter().filter_map(|path| program_directory(Path::new(path))));
        mounts.extend([
            Self::proc("/proc").create(),
            Self::dev("/dev").create(),
            Self::tmpfs("/tmp").data("mode=1777").create(),
            Self::directory("/run"),
            Self::directory("/var/tmp").mode(0o1777),
            Self::directory("/root").mode(0o700),
        ]);
        mounts
    }
}

fn program_directory(path: &Path) -> Option<Mount> {
    let file = fs::symlink_metadata(path).ok()?;
    if file.is_symlink() {
        return Some(Mount::symlink(fs::read_link(path).ok()?, path));
    }
    file.is_dir().then(|| Mount::bind(path, path).recursive().read_only().create())
}
