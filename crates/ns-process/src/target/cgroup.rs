//! The cgroups of a target, where they are not the caller's.

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

use super::TargetSpec;
use crate::error::Error;
use crate::mountinfo;
use crate::proc_dir::ProcDir;
use crate::step::Step;

/// Files that take the number of a process, one of each hierarchy, and what they are called.
#[derive(Debug, Default)]
pub(super) struct Cgroups(Vec<(PathBuf, OwnedFd)>);

impl Cgroups {
    pub(super) fn files(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.0.iter().map(|(_, file)| file.as_fd())
    }

    /// Moves a process there. The file takes nothing but a number, so that its `number` is asked for right before:
    /// it may be another process's once this one is reaped. Right after, it is asked for to tell that.
    pub(super) fn take(
        &self,
        spec: TargetSpec<'_>,
        number: impl Fn() -> Result<u32, Error>,
    ) -> Result<(), Error> {
        self.0.iter().try_for_each(|(path, file)| {
            let written = rustix::io::write(file, number()?.to_string().as_bytes());
            number()?;
            written.map(drop).map_err(|errno| spec.unmoved(path, errno))
        })
    }
}

/// A cgroup as `/proc/PID/cgroup` names it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Membership {
    /// Of version 1, which controllers; of version 2, nothing.
    controllers: String,
    path: String,
}

impl TargetSpec<'_> {
    /// Opens them.
    pub(super) fn cgroups(self, pidfd: &OwnedFd, dir: &ProcDir) -> Result<Cgroups, Error> {
        let errno = |error: &io::Error| Errno::from_io_error(error).unwrap_or(Errno::IO);
        let theirs =
            dir.read("cgroup").map_err(|error| self.unread(pidfd, "cgroup", errno(&error)))?;
        let own = |path: &str| {
            let path = self.proc.join("self").join(path);
            fs::read(&path).map_err(|error| {
                self.error(Step::Prepare)
                    .with_errno(errno(&error))
                    .with_object(path.display().to_string())
            })
        };
        let ours = own("cgroup")?;
        let ours = memberships(&String::from_utf8_lossy(&ours));
        let mounts = own("mountinfo")?;
        let mut files = Vec::new();
        for cgroup in memberships(&theirs).into_iter().filter(|cgroup| !ours.contains(cgroup)) {
            let path = place(&cgroup, &mounts).ok_or_else(|| self.unplaced(&cgroup))?;
            let flags = OFlags::WRONLY | OFlags::CLOEXEC;
            let file = openat(CWD, &path, flags, Mode::empty());
            files.push((path.clone(), file.map_err(|errno| self.unmoved(&path, errno))?));
        }
        Ok(Cgroups(files))
    }

    fn unplaced(self, cgroup: &Membership) -> Error {
        let Membership { controllers, path } = cgroup;
        let object =
            format!("{path} of {}", if controllers.is_empty() { "cgroup2" } else { controllers });
        let hint = "its hierarchy is not mounted here, or shows another part of it";
        self.error(Step::Cgroup).with_errno(Errno::NOENT).with_object(object).with_hint(Some(hint))
    }

    fn unmoved(self, path: &Path, errno: Errno) -> Error {
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

/// Lines `4:memory:/jobs/1`, `0::/jobs/1`.
fn memberships(text: &str) -> Vec<Membership> {
    let line = |line: &str| {
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        Some(Membership { controllers: controllers.to_owned(), path: path.to_owned() })
    };
    text.lines().filter_map(line).collect()
}

/// Where its `cgroup.procs` is.
fn place(cgroup: &Membership, mounts: &[u8]) -> Option<PathBuf> {
    let mounts = mountinfo::mounts(mounts).filter(|mount| match &cgroup.controllers[..] {
        "" => mount.kind == b"cgroup2",
        named => mount.kind == b"cgroup" && mount.has_option(named),
    });
    let mut places = mounts.filter_map(|mount| {
        let below = Path::new(&cgroup.path).strip_prefix(mount.root()).ok()?;
        // Outside of the caller's cgroup namespace it begins with `/..`.
        let is_below = below.components().all(|part| part != std::path::Component::ParentDir);
        is_below.then(|| mount.path().join(below).join("cgroup.procs"))
    });
    places.next()
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
    fn a_cgroup_has_its_place() {
        let text =
            "9:name=systemd:/a\n4:memory:/docker/1/job\n3:cpu,cpuacct:/b:c\n0::/\nnonsense\n";
        let places: Vec<_> = memberships(text).iter().map(|one| place(one, MOUNTS)).collect();
        let paths = ["systemd/a", "memory/job", "cpu,cpuacct/b:c", "unified"];
        let paths =
            paths.map(|path| Some(PathBuf::from(format!("/sys/fs/cgroup/{path}/cgroup.procs"))));
        assert_eq!(places, paths);
    }

    #[test]
    fn a_cgroup_that_is_not_shown_has_none() {
        for (controllers, path) in [
            ("memory", "/other"),
            ("", "/../up"),
            ("pids", "/"),
            ("name=elogind", "/"),
            ("cp", "/"),
        ] {
            assert_eq!(place(&membership(controllers, path), MOUNTS), None, "{controllers} {path}");
        }
    }
}
