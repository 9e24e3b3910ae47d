//! A private file system for one thread, with only the files of a test case.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::Path;

use ns_sys::{UnshareFlags, unshare};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use rustix::process::{chdir, pivot_root};

use super::tree::Tree;

/// Descriptors that remain usable after the root has changed.
pub(super) struct IsolatedFs {
    root: OwnedFd,
    proc: OwnedFd,
}

/// The directory that becomes the root. `OUTSIDE` is next to it.
pub(super) const JAIL: &str = "/jail";
const OUTSIDE: [&str; 3] = ["/outside", "/outside/a", "/a"];

impl IsolatedFs {
    /// Moves the calling thread into a new mount namespace whose root is an empty tmpfs, and creates the tree there.
    pub(super) fn enter(tree: &Tree) -> Self {
        unshare(UnshareFlags::FS | UnshareFlags::NEWNS).expect("unshare");
        let proc = open("/proc");
        mount("fuzz", "/tmp", "tmpfs", MountFlags::empty(), None).expect("mount");
        chdir("/tmp").expect("chdir");
        pivot_root(".", ".").expect("pivot_root");
        unmount(".", UnmountFlags::DETACH).expect("umount");
        chdir("/").expect("chdir");
        for path in OUTSIDE.iter().chain(&[JAIL]) {
            fs::create_dir(path).expect("mkdir");
        }
        tree.make(Path::new(JAIL)).expect("create the tree");
        Self { root: open("/"), proc }
    }

    /// Returns the names of all files outside the new root, which a plan must not change.
    pub(super) fn outside(&self) -> Vec<String> {
        let directories = [".", "outside", "outside/a", "a"];
        let mut names: Vec<_> = directories.iter().flat_map(|path| self.names(path)).collect();
        names.sort();
        names
    }

    fn names(&self, path: &str) -> Vec<String> {
        let directory = openat(&self.root, path, OFlags::DIRECTORY, Mode::empty()).expect("open");
        let entries = rustix::fs::Dir::read_from(directory).expect("list");
        let name = |entry: rustix::fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
        entries.map(|entry| format!("{path}/{}", name(entry.expect("read an entry")))).collect()
    }

    /// Returns the mount points below the thread's root, in the order of mounting.
    pub(super) fn mount_points(&self) -> Vec<String> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let file = openat(&self.proc, "thread-self/mountinfo", flags, Mode::empty());
        let text = std::io::read_to_string(fs::File::from(file.expect("open"))).expect("read");
        let point = |line: &str| line.split(' ').nth(4).expect("a mount point").to_owned();
        text.lines().map(point).collect()
    }
}

fn open(path: &str) -> OwnedFd {
    openat(CWD, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).expect("open")
}
