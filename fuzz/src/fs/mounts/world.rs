//! A small system of which each file is known: the root that a plan changes, sources, and files that it may not change.

use std::collections::BTreeMap;
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;

use ns_sys::{UnshareFlags, unshare};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind_recursive, mount_change,
    unmount,
};
use rustix::process::{chdir, pivot_root};

use super::mountinfo::Mountinfo;
use crate::fs::tree::Tree;

/// The directory that becomes the root; a file system of its own.
pub(super) const JAIL: &str = "/jail";
/// The sources of mounts, which a plan may change through them; a file system of its own.
pub(super) const SOURCES: &str = "/sources";

const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];
const FLAGS: MountFlags = MountFlags::empty();

/// The host's `/proc`, which remains usable after a root has changed.
pub(super) struct World {
    proc: OwnedFd,
}

impl World {
    /// Moves the calling process into a new mount namespace of shared mounts, and creates the files.
    pub(super) fn enter(tree: &Tree) -> Self {
        unshare(UnshareFlags::NEWNS).expect("unshare");
        let proc = open("/proc");
        mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
            .expect("private");
        mount("fuzz", "/tmp", "tmpfs", FLAGS, None).expect("mount");
        chdir("/tmp").expect("chdir");
        for name in ["proc", "dev", "jail", "sources", "outside", "outside/a", "a"] {
            fs::create_dir(name).expect("mkdir");
        }
        fs::write("outside/file", "canary").expect("write");
        mount_bind_recursive("/proc", "proc").expect("bind");
        for device in DEVICES.map(|name| format!("dev/{name}")) {
            fs::write(&device, "").expect("write");
            mount_bind_recursive(Path::new("/").join(&device), &device).expect("bind");
        }
        for name in ["jail", "sources"] {
            mount("fuzz", name, "tmpfs", FLAGS, None).expect("mount");
        }
        pivot_root(".", ".").expect("pivot_root");
        unmount(".", UnmountFlags::DETACH).expect("umount");
        chdir("/").expect("chdir");
        sources();
        tree.make(Path::new(JAIL)).expect("create the tree");
        for name in ["proc", "dev", "sources"] {
            let inside = Path::new(JAIL).join(name);
            fs::create_dir(&inside).expect("mkdir");
            mount_bind_recursive(Path::new("/").join(name), inside).expect("bind");
        }
        // A mount of the plan that propagates is then seen outside.
        mount_change("/", MountPropagationFlags::SHARED | MountPropagationFlags::REC)
            .expect("shared");
        Self { proc }
    }

    /// The mounts of the namespace of this process.
    pub(super) fn mounts(&self) -> Mountinfo {
        Mountinfo::parse(&self.mountinfo())
    }

    /// All mounts with their attributes and propagation, without the options of the file systems.
    pub(super) fn mount_points(&self) -> Vec<String> {
        let text = self.mountinfo();
        text.lines().filter_map(|line| line.split(" - ").next()).map(str::to_owned).collect()
    }

    fn mountinfo(&self) -> String {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let file = openat(&self.proc, "self/mountinfo", flags, Mode::empty()).expect("open");
        std::io::read_to_string(fs::File::from(file)).expect("read")
    }

    /// The numbers of the open descriptors.
    pub(super) fn descriptors(&self) -> Vec<String> {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = openat(&self.proc, "self/fd", flags, Mode::empty()).expect("open");
        let entries = rustix::fs::Dir::read_from(directory).expect("list");
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// All files that no plan may change: their inodes, modes, sizes and contents.
    pub(super) fn canaries() -> BTreeMap<String, (u64, u32, u64, Vec<u8>)> {
        let mut found = BTreeMap::new();
        let mut directories = vec!["/".to_owned()];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(&directory).expect("list") {
                let path = entry.expect("an entry").path();
                let name = path.to_str().expect("UTF-8").to_owned();
                let data = fs::symlink_metadata(&path).expect("stat");
                let contents =
                    if data.is_file() { fs::read(&path).expect("read") } else { Vec::new() };
                found.insert(name.clone(), (data.ino(), data.mode(), data.len(), contents));
                let is_other = ["/proc", "/dev", JAIL, SOURCES].contains(&name.as_str());
                if data.is_dir() && !is_other {
                    directories.push(name);
                }
            }
        }
        // Their sizes change with what is below.
        found.retain(|name, _| name != JAIL && name != SOURCES && name != "/proc");
        found
    }
}

/// `d` and `e` are directories, `f` a file and `l` a link; `up` and `work` are for an overlay.
fn sources() {
    let at = |name: &str| Path::new(SOURCES).join(name);
    for name in ["d", "d/a", "d/b", "e", "e/c", "up", "work"] {
        fs::create_dir(at(name)).expect("mkdir");
    }
    fs::write(at("f"), "source").expect("write");
    symlink("d", at("l")).expect("symlink");
    mount("fuzz", at("d/b"), "tmpfs", FLAGS, None).expect("mount");
}

fn open(path: &str) -> OwnedFd {
    openat(CWD, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).expect("open")
}
