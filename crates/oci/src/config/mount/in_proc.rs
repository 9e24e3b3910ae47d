//! Mounts below /proc, which could hide files that the runtime or a security module relies on.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use ns_process::{Mount, Tree};
use rustix::fs::{CWD, Mode, OFlags, PROC_SUPER_MAGIC, fstat, fstatfs, openat};

/// What lxcfs replaces: files with figures only.
const ALLOWED: [&str; 10] = [
    "cpuinfo",
    "diskstats",
    "loadavg",
    "meminfo",
    "slabinfo",
    "stat",
    "swaps",
    "uptime",
    "net/dev",
    "sys/kernel/ns_last_pid",
];

/// The inode number of the root of every proc.
const ROOT: u64 = 1;

/// What the target of a mount may be in the root of the container, whose symbolic links belong to the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    None,
    /// A link would redirect the file system, and a process that changes the link could separate it from its masks.
    NoLinks,
    /// A link could lead to a part of /proc.
    OutsideProc,
}

impl Limit {
    pub(super) fn apply(self, mount: Mount) -> Mount {
        match self {
            Self::None => mount,
            Self::NoLinks => mount.target_without_links(),
            Self::OutsideProc => mount.target_outside_proc(),
        }
    }
}

/// Refuses everything but proc on /proc, and everything but files with figures below it.
pub(super) fn check(target: &Path, fs_type: &str) -> Result<Limit> {
    let Ok(below) = target.strip_prefix("/proc") else {
        let is_special = matches!(fs_type, "proc" | "sysfs" | "cgroup" | "cgroup2");
        return Ok(if is_special { Limit::NoLinks } else { Limit::OutsideProc });
    };
    let (is_allowed, limit) = match below.to_str() {
        Some("") => (matches!(fs_type, "proc" | "bind"), Limit::NoLinks),
        Some(name) => (ALLOWED.contains(&name), Limit::None),
        None => (false, Limit::None),
    };
    ensure!(is_allowed, "a mount of type {fs_type:?} may not hide a part of /proc");
    Ok(limit)
}

/// Opens the source of a bind on /proc: only the root of a proc shows what the kernel says.
pub(super) fn open(source: &Path) -> Result<Tree> {
    let name = || source.display().to_string();
    let file = openat(CWD, source, OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
    let file = file.with_context(name)?;
    let is_proc = fstatfs(&file).with_context(name)?.f_type == PROC_SUPER_MAGIC;
    let is_root = fstat(&file).with_context(name)?.st_ino == ROOT;
    ensure!(is_proc && is_root, "{}: only a proc may be bound on /proc", source.display());
    Ok(Tree::from_fd(file)?)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Limit, check, open};

    #[test]
    fn only_files_with_figures_may_be_hidden() {
        for path in ["/proc/self/attr", "/proc/sys", "/proc/1", "/proc/net"] {
            check(Path::new(path), "bind").expect_err(path);
        }
        check(Path::new("/proc"), "tmpfs").expect_err("an empty /proc");
        assert_eq!(check(Path::new("/proc"), "proc").expect("proc"), Limit::NoLinks);
        assert_eq!(check(Path::new("/proc/meminfo"), "bind").expect("lxcfs"), Limit::None);
        let other = check(Path::new("/process"), "tmpfs").expect("another directory");
        assert_eq!(other, Limit::OutsideProc);
    }

    #[test]
    fn only_the_root_of_a_proc_may_be_bound_on_proc() {
        open(Path::new("/proc")).expect("proc");
        for path in ["/", "/proc/sys", "/proc/self"] {
            open(Path::new(path)).expect_err(path);
        }
    }
}
