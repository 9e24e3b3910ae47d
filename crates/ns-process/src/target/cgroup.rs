//! The cgroups of a target that the caller is not in.

use std::borrow::ToOwned;
use std::format;
use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::prelude::rust_2024::*;
use std::string::ToString;

use ns_sys::Errno;
use rustix::fs::{CWD, Mode, OFlags, openat};

use super::{OpenTarget, TargetSpec};
use crate::error::Error;
use crate::mountinfo;
use crate::proc_dir::ProcDir;
use crate::step::Step;

/// The `cgroup.procs` files, one per hierarchy, with their paths.
#[derive(Debug, Default)]
pub(super) struct Cgroups(Vec<(PathBuf, OwnedFd)>);

impl Cgroups {
    pub(super) fn files(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.0.iter().map(|(_, file)| file.as_fd())
    }
}

impl OpenTarget {
    /// Moves the child into the target's cgroups, if requested.
    ///
    /// The files take a process ID, which may be reused once the process is reaped. So `pid`, which fails for a process
    /// that may have been reaped, is called right before each write to shorten this race, and right after it to detect
    /// the race.
    pub(crate) fn move_to_cgroups(
        &self,
        spec: TargetSpec<'_>,
        pid: impl Fn() -> Result<u32, Error>,
    ) -> Result<(), Error> {
        self.from_target.cgroups.0.iter().try_for_each(|(path, file)| {
            let written = rustix::io::write(file, pid()?.to_string().as_bytes());
            pid()?;
            written.map(drop).map_err(|errno| spec.move_error(path, errno))
        })
    }
}

/// A line of `/proc/PID/cgroup`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Membership {
    /// The controllers of a version 1 hierarchy; empty for version 2.
    controllers: String,
    path: String,
}

impl TargetSpec<'_> {
    /// Opens the files of the target's cgroups, without those that the caller is in.
    pub(super) fn cgroups(self, pidfd: &OwnedFd, dir: &ProcDir) -> Result<Cgroups, Error> {
        let errno = |error: &io::Error| Errno::from_io_error(error).unwrap_or(Errno::IO);
        let target =
            dir.read("cgroup").map_err(|error| self.read_error(pidfd, "cgroup", errno(&error)))?;
        let own = |path: &str| {
            let path = self.proc.join("self").join(path);
            fs::read(&path).map_err(|error| {
                self.error(Step::Prepare)
                    .with_errno(errno(&error))
                    .with_object(path.display().to_string())
            })
        };
        let own_cgroups = own("cgroup")?;
        let own_cgroups = memberships(&String::from_utf8_lossy(&own_cgroups));
        let mounts = own("mountinfo")?;
        let mut files = Vec::new();
        for cgroup in
            memberships(&target).into_iter().filter(|cgroup| !own_cgroups.contains(cgroup))
        {
            let path = procs_path(&cgroup, &mounts).ok_or_else(|| self.not_mounted(&cgroup))?;
            let flags = OFlags::WRONLY | OFlags::CLOEXEC;
            let file = openat(CWD, &path, flags, Mode::empty());
            files.push((path.clone(), file.map_err(|errno| self.move_error(&path, errno))?));
        }
        Ok(Cgroups(files))
    }

    fn not_mounted(self, cgroup: &Membership) -> Error {
        let Membership { controllers, path } = cgroup;
        let object =
            format!("{path} of {}", if controllers.is_empty() { "cgroup2" } else { controllers });
        let hint = "its hierarchy is not mounted here, or shows another part of it";
        self.error(Step::Cgroup).with_errno(Errno::NOENT).with_object(object).with_hint(Some(hint))
    }

    fn move_error(self, path: &Path, errno: Errno) -> Error {
        let hint = match errno {
            Errno::PERM | Errno::ACCESS => {
                Some("needs permission to write this file, and the one of the cgroup above both")
            }
            Errno::BUSY => Some("the cgroup has controllers enabled for its children"),
            Errno::OPNOTSUPP => Some("the cgroup is threaded"),
            _ => None,
        };
        let object = path.display().to_string();
        self.error(Step::Cgroup).with_errno(errno).with_object(object).with_hint(hint)
    }
}

/// Parses lines such as `4:memory:/jobs/1` and `0::/jobs/1`.
fn memberships(text: &str) -> Vec<Membership> {
    let line = |line: &str| {
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        Some(Membership { controllers: controllers.to_owned(), path: path.to_owned() })
    };
    text.lines().filter_map(line).collect()
}

/// The path of the `cgroup.procs` of a cgroup, if a mount shows it.
fn procs_path(cgroup: &Membership, mounts: &[u8]) -> Option<PathBuf> {
    let mounts = mountinfo::mounts(mounts).filter(|mount| match &cgroup.controllers[..] {
        "" => mount.kind == b"cgroup2",
        controllers => mount.kind == b"cgroup" && mount.has_option(controllers),
    });
    let mut paths = mounts.filter_map(|mount| {
        let below = Path::new(&cgroup.path).strip_prefix(mount.root()).ok()?;
        // The path of a cgroup outside the root of the caller's cgroup namespace begins with `/..`.
        let is_below = below.components().all(|part| part != std::path::Component::ParentDir);
        is_below.then(|| mount.path().join(below).join("cgroup.procs"))
    });
    paths.next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn membership(controllers: &str, path: &str) -> Membership {
        Membership { controllers: controllers.to_owned(), path: path.to_owned() }
    }

    const MOUNTS: &[u8] = b"1 0 0:1 / / rw - ext4 /dev/vda rw\n\
        2 1 0:2 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n\
        3 1 0:3 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
        4 1 0:4 /docker/1 /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
        5 1 0:5 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n";

    #[test]
    fn finds_the_path_in_the_mount_of_the_hierarchy() {
        let text =
            "9:name=systemd:/a\n4:memory:/docker/1/job\n3:cpu,cpuacct:/b:c\n0::/\nnonsense\n";
        let found: Vec<_> = memberships(text).iter().map(|one| procs_path(one, MOUNTS)).collect();
        let paths = ["systemd/a", "memory/job", "cpu,cpuacct/b:c", "unified"];
        let paths =
            paths.map(|path| Some(PathBuf::from(format!("/sys/fs/cgroup/{path}/cgroup.procs"))));
        assert_eq!(found, paths);
    }

    #[test]
    fn finds_no_path_if_no_mount_shows_the_cgroup() {
        for (controllers, path) in [
            ("memory", "/other"),
            ("", "/../up"),
            ("pids", "/"),
            ("name=elogind", "/"),
            ("cp", "/"),
        ] {
            assert_eq!(
                procs_path(&membership(controllers, path), MOUNTS),
                None,
                "{controllers} {path}"
            );
        }
    }
}
