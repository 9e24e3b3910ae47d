//! Read the working directory, links, directory entries and file systems.

use std::fs::{self, File};
use std::os::fd::AsFd;

use ns_sys::Errno;
use ns_sys::child;
use ns_testbed::forked;
use rustix::fs::{CWD, Mode, OFlags};

/// `PROC_SUPER_MAGIC`.
const PROC: u64 = 0x9fa0;

/// The path begins with `/` inside the root and with `(unreachable)` outside.
#[test]
fn d14_getcwd_marks_an_unreachable_directory() {
    ns_testbed::run_as!([Root, Nested], {
        let code = forked(|| {
            let mut buffer = [0; 4096];
            child::chdir(c"/proc").expect("chdir");
            assert_eq!(child::getcwd(&mut buffer), Ok(c"/proc"));
            assert_eq!(child::getcwd(&mut buffer[..3]), Err(Errno::RANGE));
            let outside = File::open("/").expect("open");
            child::chroot(c"/proc/sys").expect("chroot");
            child::fchdir(outside.as_fd()).expect("fchdir");
            let path = child::getcwd(&mut buffer).expect("getcwd");
            i32::from(!path.to_bytes().starts_with(b"(unreachable)"))
        });
        assert_eq!(code, 0);
    });
}

/// A symbolic link is created and read; other files are rejected.
#[test]
fn symbolic_links_are_created_and_read() {
    ns_testbed::run_as!([Root, User, Nested], {
        let path = std::env::temp_dir().join(format!("ns-sys-links-{}", std::process::id()));
        fs::create_dir(&path).expect("mkdir");
        let dir = File::open(&path).expect("open");
        child::symlinkat(c"some where", dir.as_fd(), c"link").expect("symlinkat");
        assert_eq!(child::symlinkat(c"x", dir.as_fd(), c"link"), Err(Errno::EXIST));
        let mut buffer = [0; 4];
        assert_eq!(child::readlinkat(dir.as_fd(), c"link", &mut buffer), Ok(4));
        assert_eq!(&buffer, b"some");
        assert_eq!(child::readlinkat(CWD, c"/proc", &mut buffer), Err(Errno::INVAL));
        fs::remove_dir_all(&path).expect("remove");
    });
}

/// A large directory is read in several parts, and the last call returns 0.
#[test]
fn directory_entries_are_read_in_parts() {
    ns_testbed::run_as!([Root, User], {
        let dir = File::open("/proc/self").expect("open");
        let (mut all, mut buffer) = (Vec::new(), [0; 512]);
        loop {
            match child::getdents64(dir.as_fd(), &mut buffer).expect("getdents64") {
                0 => break,
                read => all.extend_from_slice(&buffer[..read]),
            }
        }
        assert!(all.len() > buffer.len(), "more than one part");
        assert!(all.windows(10).any(|bytes| bytes == b"mountinfo\0"));
        assert_eq!(child::getdents64(dir.as_fd(), &mut buffer[..3]), Ok(0));
        let file = File::open("/proc/self/status").expect("open");
        assert_eq!(child::getdents64(file.as_fd(), &mut buffer), Err(Errno::NOTDIR));
    });
}

/// fstatfs reports the magic number of proc, and the flags of a mount.
#[test]
fn a15_fstatfs_identifies_proc() {
    ns_testbed::run_as!([Root, User, Nested], {
        let proc = child::fstatfs(File::open("/proc").expect("open").as_fd()).expect("fstatfs");
        assert_eq!(proc.magic, PROC);
        let root = child::fstatfs(File::open("/").expect("open").as_fd()).expect("fstatfs");
        assert_ne!(root.magic, PROC);
        assert_eq!(root.flags, rustix::fs::statvfs("/").expect("statvfs").f_flag.bits() | 0x20);
    });
}

/// Two paths of one file have the same identity; files and mounts are distinguished.
#[test]
fn file_id_distinguishes_files_and_mounts() {
    ns_testbed::run_as!([Root, User, Nested], {
        let file_id = |path: &str| {
            let file = File::open(path).expect("open");
            child::file_id(file.as_fd()).expect("statx")
        };
        let (root, again, proc) = (file_id("/"), file_id("/."), file_id("/proc"));
        assert_eq!(root, again);
        assert!(root.mount.is_some() && root.mount != proc.mount, "{root:?} {proc:?}");
        assert_ne!(file_id("/proc/self").inode, proc.inode);
    });
}

/// The mode and the owner, as std reports them; also of an `O_PATH` descriptor of a symbolic link.
#[test]
fn permissions_are_those_of_the_file() {
    use std::os::unix::fs::MetadataExt;

    ns_testbed::run_as!([Root, User, Nested], {
        for path in ["/", "/dev/null", "/tmp", "/proc/self"] {
            let flags = OFlags::PATH | OFlags::NOFOLLOW;
            let file = rustix::fs::open(path, flags, Mode::empty()).expect("open");
            let permissions = child::permissions(file.as_fd()).expect("statx");
            let expected = fs::symlink_metadata(path).expect("stat");
            assert_eq!(permissions.mode.bits(), expected.mode() & 0o7777, "{path}");
            assert_eq!((permissions.uid, permissions.gid), (expected.uid(), expected.gid()));
        }
    });
}

/// fchown changes the owner or the group of an open file, and leaves the other.
#[test]
fn fchown_changes_one_owner() {
    ns_testbed::run_as!([Root], {
        let path = std::env::temp_dir().join(format!("ns-sys-owner-{}", std::process::id()));
        let file = File::create(&path).expect("create");
        let owners = || {
            let found = child::permissions(file.as_fd()).expect("statx");
            (found.uid, found.gid)
        };
        let (_, gid) = owners();
        child::fchown(file.as_fd(), 5, u32::MAX).expect("fchown");
        assert_eq!(owners(), (5, gid));
        child::fchown(file.as_fd(), u32::MAX, 6).expect("fchown");
        assert_eq!(owners(), (5, 6));
        fs::remove_file(&path).expect("remove");
    });
}
