//! A root with mounts, by mount(2).

use std::ffi::{CStr, CString};
use std::fs;
use std::path::{Path, PathBuf};

use ns_sys::child::{
    FileType, Mode, MountFlags, MountPropagationFlags, UnmountFlags, chdir, mkdirat, mknodat,
    mount, mount_change, pivot_root, symlinkat, umount2,
};
use rustix::fs::{CWD, StatVfsMountFlags, statvfs};

/// The number of binds.
const BINDS: usize = 10;

const DEVICES: [(&CStr, &CStr); 6] = [
    (c"/dev/null", c"dev/null"),
    (c"/dev/zero", c"dev/zero"),
    (c"/dev/full", c"dev/full"),
    (c"/dev/random", c"dev/random"),
    (c"/dev/urandom", c"dev/urandom"),
    (c"/dev/tty", c"dev/tty"),
];

const LINKS: [(&CStr, &CStr); 5] = [
    (c"pts/ptmx", c"dev/ptmx"),
    (c"/proc/self/fd", c"dev/fd"),
    (c"/proc/self/fd/0", c"dev/stdin"),
    (c"/proc/self/fd/1", c"dev/stdout"),
    (c"/proc/self/fd/2", c"dev/stderr"),
];

/// Directories for ten read-only binds, a tmpfs, proc and a minimal `/dev` in a new root.
#[derive(Debug)]
pub struct RootDirectories {
    base: PathBuf,
    root: CString,
    sources: Vec<(CString, CString)>,
    /// The attributes of the file systems of the sources and of `/dev`, which a remount repeats.
    flags: (MountFlags, MountFlags),
}

impl RootDirectories {
    /// Creates them in the temporary directory.
    ///
    /// # Panics
    /// If they cannot be created.
    pub fn new() -> Self {
        let base = std::env::temp_dir().join(format!("benches root {}", std::process::id()));
        for name in ["root/tmp", "root/proc", "root/dev"] {
            fs::create_dir_all(base.join(name)).expect("mkdir");
        }
        let sources = (0..BINDS).map(|number| {
            let name = format!("s{number}");
            for directory in [base.join(&name), base.join("root").join(&name)] {
                fs::create_dir_all(directory).expect("mkdir");
            }
            (string(&base.join(&name)), CString::new(name).expect("no NUL byte"))
        });
        let sources = sources.collect();
        let flags = (present_flags(&base), present_flags(Path::new("/dev/null")));
        Self { root: string(&base.join("root")), sources, flags, base }
    }

    /// The new root.
    pub fn root(&self) -> PathBuf {
        self.base.join("root")
    }

    /// The sources, each with its target.
    pub fn binds(&self) -> impl Iterator<Item = (PathBuf, String)> {
        let names = (0..BINDS).map(|number| format!("s{number}"));
        names.map(|name| (self.base.join(&name), name))
    }

    /// Makes the mounts and changes the root, in a mount namespace of the process.
    ///
    /// # Panics
    /// If a system call fails.
    pub fn enter(&self) {
        let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
        mount_change(c"/", private).expect("private");
        bind(&self.root, &self.root, MountFlags::REC);
        chdir(&self.root).expect("chdir");
        let read_only = self.flags.0 | MountFlags::RDONLY;
        for (source, target) in &self.sources {
            bind(source, target, MountFlags::empty());
            remount(target, read_only);
        }
        let closed = MountFlags::NOSUID | MountFlags::NODEV;
        new(c"tmpfs", c"tmp", closed, None);
        new(c"proc", c"proc", closed | MountFlags::NOEXEC, None);
        self.dev();
        pivot_root(c".", c".").expect("pivot_root");
        let slave = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
        mount_change(c"..", slave).expect("slave");
        umount2(c".", UnmountFlags::DETACH).expect("umount2");
        chdir(c"/").expect("chdir");
    }

    fn dev(&self) {
        let no_programs = MountFlags::NOSUID | MountFlags::NOEXEC;
        new(c"tmpfs", c"dev", no_programs, Some(c"mode=755"));
        for (source, target) in DEVICES {
            let mode = Mode::from_bits_truncate(0o644);
            mknodat(CWD, target, FileType::RegularFile, mode, (0, 0)).expect("mknodat");
            bind(source, target, MountFlags::empty());
            remount(target, self.flags.1 | no_programs);
        }
        for directory in [c"dev/pts", c"dev/shm"] {
            mkdirat(CWD, directory, Mode::from_bits_truncate(0o755)).expect("mkdirat");
        }
        let options = c"newinstance,ptmxmode=0666,mode=0620";
        new(c"devpts", c"dev/pts", no_programs, Some(options));
        new(c"tmpfs", c"dev/shm", no_programs | MountFlags::NODEV, Some(c"mode=1777"));
        for (to, link) in LINKS {
            symlinkat(to, CWD, link).expect("symlinkat");
        }
    }
}

impl Default for RootDirectories {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for RootDirectories {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.base);
    }
}

fn bind(source: &CStr, target: &CStr, tree: MountFlags) {
    mount(Some(source), target, None, MountFlags::BIND | tree, None).expect("bind");
}

fn remount(target: &CStr, flags: MountFlags) {
    const MS_REMOUNT: MountFlags = MountFlags::from_bits_retain(32);
    mount(None, target, None, MS_REMOUNT | MountFlags::BIND | flags, None).expect("remount");
}

fn new(fs_type: &CStr, target: &CStr, flags: MountFlags, data: Option<&CStr>) {
    mount(Some(fs_type), target, Some(fs_type), flags, data).expect("mount");
}

fn present_flags(path: &Path) -> MountFlags {
    let present = statvfs(path).expect("statvfs").f_flag;
    [
        (StatVfsMountFlags::RDONLY, MountFlags::RDONLY),
        (StatVfsMountFlags::NOSUID, MountFlags::NOSUID),
        (StatVfsMountFlags::NODEV, MountFlags::NODEV),
        (StatVfsMountFlags::NOEXEC, MountFlags::NOEXEC),
        (StatVfsMountFlags::NOATIME, MountFlags::NOATIME),
        (StatVfsMountFlags::RELATIME, MountFlags::RELATIME),
    ]
    .into_iter()
    .filter(|(flag, _)| present.contains(*flag))
    .fold(MountFlags::empty(), |flags, (_, flag)| flags | flag)
}

fn string(path: &Path) -> CString {
    CString::new(path.to_str().expect("UTF-8")).expect("no NUL byte")
}
