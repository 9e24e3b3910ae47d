//! The hierarchies of this machine.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use rustix::fs::{Access, AtFlags, CWD, accessat, statfs};

use super::directory::{CGROUP2_SUPER_MAGIC, read_file};
use super::place::Version;

/// Where every distribution mounts them.
const USUAL: &str = "/sys/fs/cgroup";

/// A hierarchy that is mounted, and the cgroup of this process in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hierarchy {
    pub(super) version: Version,
    /// Those of version 1, with `name=` for a hierarchy without controllers.
    pub(super) controllers: Vec<String>,
    pub(super) mount: PathBuf,
    /// The cgroup that is mounted.
    pub(super) root: PathBuf,
    /// The cgroup of this process, below the mount point.
    pub(super) own: PathBuf,
}

/// Finds the hierarchies that runc and crun use: if version 2 is mounted at the usual place it is the only one, else
/// all of version 1, and version 2 if it is mounted below.
pub(super) fn hierarchies() -> Result<Vec<Hierarchy>> {
    let own = read_file("/proc/self/cgroup")?;
    if statfs(USUAL).is_ok_and(|fs| fs.f_type == CGROUP2_SUPER_MAGIC) {
        return Ok(vec![unified(&own)]);
    }
    Ok(from_texts(&own, &read_file("/proc/self/mountinfo")?))
}

/// Version 2 at the usual place, without a look at all mounts.
fn unified(own: &str) -> Hierarchy {
    let path = lines(own).find(|line| line.controllers.is_empty()).map(|line| line.path);
    // In a container without a cgroup namespace the mount shows a part of the hierarchy only.
    let below = path.and_then(below_root).filter(|below| exists(&Path::new(USUAL).join(below)));
    Hierarchy {
        version: Version::Two,
        controllers: Vec::new(),
        mount: USUAL.into(),
        root: "/".into(),
        own: below.unwrap_or_default(),
    }
}

fn exists(path: &Path) -> bool {
    accessat(CWD, path, Access::EXISTS, AtFlags::empty()).is_ok()
}

/// The path without the first slash, unless it leaves the root of the cgroup namespace.
fn below_root(path: &str) -> Option<PathBuf> {
    let path = path.strip_prefix('/')?;
    (!path.split('/').any(|part| part == "..")).then(|| path.into())
}

/// The hierarchies according to `/proc/self/cgroup` and `/proc/self/mountinfo`.
pub(super) fn from_texts(own: &str, mountinfo: &str) -> Vec<Hierarchy> {
    let mounts: Vec<Mount> = mountinfo.lines().filter_map(Mount::parse).collect();
    let directory = directory_of(&mounts);
    let mounts: Vec<Mount> =
        mounts.into_iter().filter(|mount| mount.path.starts_with(&directory)).collect();
    let mut found: Vec<_> = lines(own).filter_map(|line| line.hierarchy(&mounts)).collect();
    found.sort_by_key(|hierarchy| hierarchy.version);
    found
}

/// The directory in which the hierarchies are mounted.
fn directory_of(mounts: &[Mount]) -> PathBuf {
    let usual = mounts.iter().any(|mount| mount.path.starts_with(USUAL));
    let parent = mounts.first().and_then(|mount| mount.path.parent());
    parent.filter(|_| !usual).unwrap_or(Path::new(USUAL)).into()
}

/// A line of `/proc/self/cgroup`, such as `3:cpu,cpuacct:/a`.
struct Line<'a> {
    controllers: Vec<&'a str>,
    path: &'a str,
}

fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    text.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?);
        let controllers = controllers.split(',').filter(|name| !name.is_empty()).collect();
        Some(Line { controllers, path })
    })
}

impl Line<'_> {
    fn hierarchy(&self, mounts: &[Mount]) -> Option<Hierarchy> {
        let mount = mounts.iter().find(|mount| self.is_of(mount))?;
        let own = Path::new(self.path).strip_prefix(&mount.root).ok();
        let own = own.and_then(|below| below_root(&format!("/{}", below.display())));
        Some(Hierarchy {
            version: mount.version,
            controllers: self.controllers.iter().copied().map(str::to_owned).collect(),
            mount: mount.path.clone(),
            root: mount.root.clone(),
            own: own.unwrap_or_default(),
        })
    }

    fn is_of(&self, mount: &Mount) -> bool {
        match mount.version {
            Version::Two => self.controllers.is_empty(),
            Version::One => {
                let has = |name: &&str| mount.options.iter().any(|option| option == name);
                !self.controllers.is_empty() && self.controllers.iter().all(has)
            }
        }
    }
}

/// A mount of a hierarchy.
struct Mount {
    version: Version,
    root: PathBuf,
    path: PathBuf,
    options: Vec<String>,
}

impl Mount {
    /// Parses `36 35 0:4 /root /where rw shared:1 - cgroup cgroup rw,cpu`.
    fn parse(line: &str) -> Option<Self> {
        let (mount, file_system) = line.split_once(" - ")?;
        let mut file_system = file_system.split(' ');
        let version = match file_system.next()? {
            "cgroup" => Version::One,
            "cgroup2" => Version::Two,
            _ => return None,
        };
        let options = file_system.nth(1)?.split(',').map(str::to_owned).collect();
        let mut fields = mount.split(' ').skip(3);
        let (root, path) = (unescaped(fields.next()?), unescaped(fields.next()?));
        Some(Self { version, root, path, options })
    }
}

/// Decodes the bytes that are escaped as three octal digits.
fn unescaped(field: &str) -> PathBuf {
    let mut parts = field.split('\\');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let digits = part.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match digits {
            Some(byte) => {
                bytes.push(byte);
                bytes.extend_from_slice(&part.as_bytes()[3..]);
            }
            None => bytes.extend_from_slice(&[b"\\", part.as_bytes()].concat()),
        }
    }
    OsString::from_vec(bytes).into()
}
