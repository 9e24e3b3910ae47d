//! Paths that are resolved while another thread renames directories and links.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use linux_raw_sys::general::__NR_openat2;
use ns_fs::{FileType, make_in_root, resolve_in_root};
use ns_sys::Errno;
use ns_testbed::refuse;
use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::fixture::TempDir;

/// The device and inode of a file.
type Id = (u64, u64);

/// A tree in `inside`, and files in `outside` and above, none of which may be reached.
struct Hostile {
    dir: TempDir,
    outside: BTreeSet<Id>,
}

impl Hostile {
    fn new() -> Self {
        let dir = TempDir::with(
            "races",
            &["inside/a/b/c", "inside/spare/b", "outside/a/b/c", "outside/b"],
        );
        let at = |name: &str| dir.path().join(name);
        for file in ["inside/a/b/file", "outside/a/b/file", "outside/b/file", "outside/file"] {
            fs::write(at(file), "").expect("write");
        }
        symlink(at("outside"), at("inside/absolute")).expect("symlink");
        symlink("../outside/a", at("inside/upward")).expect("symlink");
        symlink("/a/b", at("inside/inner")).expect("symlink");
        symlink("../../..", at("inside/a/up")).expect("symlink");
        let mut outside = BTreeSet::new();
        dir.path().ancestors().for_each(|path| _ = outside.insert(id(path)));
        add(&at("outside"), &mut outside);
        Self { dir, outside }
    }

    /// One turn of the other thread: exchanges directories with links, and moves a directory out and back.
    fn swap(&self) {
        let at = |name: &str| self.dir.path().join(name);
        let exchange = |one: &str, two: &str| {
            renameat_with(CWD, at(one), CWD, at(two), RenameFlags::EXCHANGE).expect("exchange");
        };
        let swaps = [
            ("inside/a", "inside/absolute"),
            ("inside/a", "inside/upward"),
            ("inside/a/b", "inside/inner"),
            ("inside/a", "inside/spare"),
        ];
        for (one, two) in swaps {
            exchange(one, two);
            exchange(one, two);
        }
        for (one, two) in [("inside/a/b", "outside/moved"), ("inside/a", "outside/moved")] {
            fs::rename(at(one), at(two)).expect("move out");
            // What is made meanwhile takes its place.
            while fs::rename(at(two), at(one)).is_err() {
                // Fails if more is made meanwhile.
                let _ = fs::remove_dir_all(at(one));
            }
        }
    }
}

fn id(path: &Path) -> Id {
    let data = fs::symlink_metadata(path).expect("stat");
    (data.dev(), data.ino())
}

fn add(path: &Path, ids: &mut BTreeSet<Id>) {
    ids.insert(id(path));
    if path.is_dir() {
        fs::read_dir(path).expect("list").for_each(|entry| add(&entry.expect("entry").path(), ids));
    }
}

const PATHS: [&str; 8] = [
    "a/b/file",
    "/a/b/c/../../b/file",
    "a/b/../../../outside/file",
    "absolute/file",
    "upward/b/file",
    "a/up/outside",
    "inner/c/../../../..",
    "spare/../a/b/../..",
];

/// What is made below a directory that another thread exchanges with a link.
const NEW: [(&str, FileType); 4] = [
    ("a/b/new/file", FileType::RegularFile),
    ("a/new", FileType::Directory),
    ("absolute/new/b", FileType::Directory),
    ("upward/file", FileType::RegularFile),
];

/// Counts what was found and what was refused.
fn count(
    hostile: &Hostile,
    turns: usize,
    one: impl Fn(usize) -> io::Result<OwnedFd>,
) -> [usize; 2] {
    let mut counts = [0, 0];
    for turn in 0..turns {
        let found = one(turn);
        counts[usize::from(found.is_err())] += 1;
        if let Ok(file) = found {
            let data = File::from(file).metadata().expect("stat");
            let id = (data.dev(), data.ino());
            assert!(!hostile.outside.contains(&id), "turn {turn} is outside: {data:?}");
        }
    }
    counts
}

/// No path leads out while another thread swaps what is on it, with openat2(2) and without.
#[test]
fn d13_resolving_in_a_tree_that_changes() {
    ns_testbed::run_as!([Root, User], {
        let hostile = Hostile::new();
        let turns = if std::env::var_os("NS_STRESS").is_some() { 1_000_000 } else { 25_000 };
        let stop = AtomicBool::new(false);
        let root = File::open(hostile.dir.path().join("inside")).expect("open");
        let resolve = |turn: usize| resolve_in_root(&root, PATHS[turn % PATHS.len()]);
        let make = |turn: usize| {
            let (path, file_type) = NEW[turn % NEW.len()];
            make_in_root(&root, path, file_type)
        };
        let counts = thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    hostile.swap();
                }
            });
            let here = || [count(&hostile, turns, resolve), count(&hostile, turns, make)];
            // The filter is that of the thread.
            let older = move || {
                refuse(__NR_openat2, Errno::NOSYS);
                here()
            };
            let counts = [scope.spawn(here).join(), scope.spawn(older).join()];
            stop.store(true, Ordering::Relaxed);
            counts.map(|counts| counts.expect("none is outside"))
        });
        let mut now = BTreeSet::new();
        hostile.dir.path().ancestors().for_each(|path| _ = now.insert(id(path)));
        add(&hostile.dir.path().join("outside"), &mut now);
        assert_eq!(now, hostile.outside, "nothing is made outside");
        let [[resolved, made], [walked, walk_made]] = counts;
        for [found, refused] in [resolved, made, walked, walk_made] {
            assert!(found > 0 && refused > 0, "{counts:?}");
        }
        println!(
            "shown: {} paths in a tree that changes, none outside: resolved {resolved:?}, made {made:?}, without \
             openat2 {walked:?} and {walk_made:?}, found and refused",
            4 * turns
        );
    });
}
