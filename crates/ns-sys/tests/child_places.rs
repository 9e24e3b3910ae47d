//! The calls of a child that place it: descriptors, directories, mounts, and the program.
#![allow(unsafe_code, reason = "the calls under test")]

use std::ffi::CStr;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::MetadataExt;
use std::ptr;

use ns_sys::child::{self, CloseRangeFlags, MountAttr};
use ns_sys::{Errno, UnshareFlags, unshare};
use ns_testbed::forked;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags};
use rustix::mount::{
    MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags,
};

/// Owns a descriptor that a child call opened, for the test's own end.
fn owned(fd: RawFd) -> OwnedFd {
    // SAFETY: just opened by the call under test, nobody else's.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

fn is_open(fd: RawFd) -> bool {
    fs::exists(format!("/proc/self/fd/{fd}")).expect("look")
}

fn target(fd: &OwnedFd) -> String {
    let link = fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd())).expect("read the link");
    link.to_string_lossy().into_owned()
}

/// In a forked child: a mount namespace with a fresh tmpfs as working directory.
fn in_tmpfs(body: impl FnOnce()) {
    let code = forked(|| {
        unshare(UnshareFlags::NEWNS).expect("unshare");
        child::mount_change(c"/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
            .expect("private");
        let flags = MountFlags::NOSUID;
        child::mount(Some(c"none"), c"/tmp", Some(c"tmpfs"), flags, Some(c"mode=755"))
            .expect("tmpfs");
        child::chdir(c"/tmp").expect("chdir");
        body();
        0
    });
    assert_eq!(code, 0);
}

fn mount_options(path: &str) -> Option<String> {
    let info = fs::read_to_string("/proc/self/mountinfo").expect("read mountinfo");
    let mut fields = info.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    fields.find(|line| line[4] == path).map(|line| line[5].to_owned())
}

/// Opened as asked, and below the given directory only.
#[test]
fn openat_and_openat2() {
    ns_testbed::run_as!([Root, User, Nested], {
        let read = OFlags::RDONLY | OFlags::CLOEXEC;
        let root = owned(child::openat(CWD, c"/", read, Mode::empty()).expect("openat"));
        assert_eq!(target(&root), "/");
        assert_eq!(child::openat(CWD, c"/nope", read, Mode::empty()), Err(Errno::NOENT));

        let proc = owned(child::openat(root.as_fd(), c"proc", read, Mode::empty()).expect("proc"));
        // Any mount of another test that runs meanwhile makes `..` unsure.
        let resolve = |path, how| loop {
            match child::openat2(proc.as_fd(), path, read, Mode::empty(), how) {
                Err(Errno::AGAIN) => {}
                told => break told,
            }
        };
        let inside = owned(resolve(c"self/status", ResolveFlags::BENEATH).expect("beneath"));
        assert!(target(&inside).starts_with("/proc/"));
        assert_eq!(resolve(c"../etc", ResolveFlags::BENEATH), Err(Errno::XDEV));
        let held = owned(resolve(c"../..", ResolveFlags::IN_ROOT).expect("in root"));
        assert_eq!(target(&held), "/proc");
    });
}

/// Moved, marked and closed by number.
#[test]
fn descriptors_by_number() {
    ns_testbed::run_as!([Root, User], {
        let code = forked(|| {
            let (mut reader, writer) = std::io::pipe().expect("pipe");
            // SAFETY: nobody owns 100 and 101 in this process.
            unsafe { child::dup3(writer.as_fd(), 100, true) }.expect("dup3");
            let hundred = unsafe_borrow(100);
            assert_eq!(rustix::io::fcntl_getfd(hundred), Ok(rustix::io::FdFlags::CLOEXEC));
            child::fcntl_setfd(hundred, false).expect("setfd");
            assert_eq!(rustix::io::fcntl_getfd(hundred), Ok(rustix::io::FdFlags::empty()));
            // SAFETY: as above.
            assert_eq!(unsafe { child::dup3(hundred, 100, false) }, Err(Errno::INVAL));
            let copy = child::fcntl_dupfd_cloexec(hundred, 200).expect("dupfd");
            assert!(copy >= 200);
            assert_eq!(child::write(hundred, b"through"), Ok(7));
            // SAFETY: made above, nobody owns them.
            unsafe { child::close(copy) }.expect("close");
            // SAFETY: as above.
            assert_eq!(unsafe { child::close(copy) }, Err(Errno::BADF));
            // SAFETY: as above.
            unsafe { child::close_range(100, 100, CloseRangeFlags::empty()) }.expect("close_range");
            assert!(!is_open(100));
            drop(writer);
            let mut text = String::new();
            reader.read_to_string(&mut text).expect("read");
            assert_eq!(text, "through");
            0
        });
        assert_eq!(code, 0);
    });
}

/// Borrows a number that the test knows to be open.
fn unsafe_borrow(fd: RawFd) -> BorrowedFd<'static> {
    // SAFETY: open until the test closes it, and not used after that.
    unsafe { BorrowedFd::borrow_raw(fd) }
}

/// Reaches what lies above a lowered limit, and marks without closing.
#[test]
fn e01_close_range_ignores_the_limit() {
    ns_testbed::run_as!([Root, User], {
        let code = forked(|| {
            // Closed by number below, so no owner may think it is open.
            let file = std::mem::ManuallyDrop::new(File::open("/dev/null").expect("open"));
            // SAFETY: nobody owns 900.
            unsafe { child::dup3(file.as_fd(), 900, false) }.expect("dup3");
            child::prlimit(libc::RLIMIT_NOFILE, 64, 64).expect("prlimit");
            // SAFETY: marks only.
            unsafe { child::close_range(3, u32::MAX, CloseRangeFlags::CLOEXEC) }.expect("mark");
            assert!(is_open(900));
            // SAFETY: this child ends without using any of them.
            unsafe { child::close_range(3, u32::MAX, CloseRangeFlags::UNSHARE) }.expect("close");
            i32::from(is_open(900))
        });
        assert_eq!(code, 0);
    });
}

/// With `UNSHARE` nobody who shared the table loses a descriptor.
#[test]
fn e01_close_range_unshares_first() {
    ns_testbed::run_as!([Root, User], {
        let held = File::open("/dev/null").expect("open");
        let number = held.as_raw_fd().unsigned_abs();
        std::thread::spawn(move || {
            // SAFETY: in a table of this thread's own, which ends.
            unsafe { child::close_range(number, number, CloseRangeFlags::UNSHARE) }.expect("close");
        })
        .join()
        .expect("join");
        assert!(held.metadata().is_ok());
    });
}

/// Directories, umask and root.
#[test]
fn d01_directories() {
    ns_testbed::run_as!([Root, Nested], {
        in_tmpfs(|| {
            assert_eq!(child::umask(Mode::from_bits_truncate(0o077)).bits() & !0o777, 0);
            child::mkdirat(CWD, c"new root", Mode::from_bits_truncate(0o777)).expect("mkdirat");
            assert_eq!(child::mkdirat(CWD, c"new root", Mode::empty()), Err(Errno::EXIST));
            assert_eq!(fs::metadata("new root").expect("stat").mode() & 0o777, 0o700);
            assert_eq!(child::umask(Mode::empty()), Mode::from_bits_truncate(0o077));
            assert_eq!(child::chdir(c"nope"), Err(Errno::NOENT));

            let outside = File::open("/").expect("open");
            child::chroot(c"new root").expect("chroot");
            assert!(fs::exists("new root").expect("look"), "chroot leaves the directory");
            child::chdir(c"/").expect("chdir");
            assert_eq!(fs::read_dir("..").expect("list").count(), 0, "the root has no outside");
            child::fchdir(outside.as_fd()).expect("fchdir");
            assert!(fs::exists("proc").expect("look"), "a descriptor leads out");
        });
    });
}

/// Bind, attributes, propagation, detached copies and unmounting.
#[test]
fn mounts() {
    ns_testbed::run_as!([Root, Nested], {
        in_tmpfs(|| {
            fs::create_dir_all("a/b").expect("mkdir");
            child::mount(Some(c"a"), c"a", None, MountFlags::BIND, None).expect("bind");
            let read_only = MountAttr { attr_set: 1, ..MountAttr::default() };
            child::mount_setattr(CWD, c"a", AtFlags::empty(), &read_only).expect("setattr");
            let options = mount_options("/tmp/a").expect("mounted");
            assert!(options.contains("ro") && options.contains("nosuid"), "{options}");
            assert_eq!(
                fs::write("a/file", "").map_err(|error| error.raw_os_error()),
                Err(Some(libc::EROFS))
            );

            let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
            let tree = owned(child::open_tree(CWD, c"a", flags).expect("open_tree"));
            fs::create_dir("c").expect("mkdir");
            let empty = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
            child::move_mount(tree.as_fd(), c"", CWD, c"c", empty).expect("move_mount");
            assert!(fs::exists("c/b").expect("look"));
            child::umount2(c"c", UnmountFlags::DETACH).expect("umount2");
            assert_eq!(child::umount2(c"c", UnmountFlags::empty()), Err(Errno::INVAL));

            let shared = MountPropagationFlags::SHARED;
            assert_eq!(child::mount_change(c"c", shared), Err(Errno::INVAL), "no mount point");
            child::mount_change(c"a", shared).expect("shared");
        });
    });
}

/// The stacked form leaves one root and no way to the old one.
#[test]
fn d05_pivot_root_stacked() {
    ns_testbed::run_as!([Root, Nested], {
        in_tmpfs(|| {
            fs::create_dir_all("root/inside").expect("mkdir");
            assert_eq!(child::pivot_root(c"root", c"root"), Err(Errno::INVAL), "no mount point");
            child::mount(Some(c"root"), c"root", None, MountFlags::BIND, None).expect("bind");
            child::chdir(c"root").expect("chdir");
            child::pivot_root(c".", c".").expect("pivot_root");
            child::umount2(c".", UnmountFlags::DETACH).expect("umount2");
            child::chdir(c"/").expect("chdir");
            let names: Vec<_> = fs::read_dir("/")
                .expect("list")
                .map(|entry| entry.expect("entry").file_name())
                .collect();
            assert_eq!(names, ["inside"]);
        });
    });
}

/// A program replaces the child, by path and by descriptor.
#[test]
fn execve_and_execveat() {
    ns_testbed::run_as!([Root, User, Nested], {
        let argv = [c"sh".as_ptr(), c"-c".as_ptr(), c"exit $CODE".as_ptr(), ptr::null()];
        let envp = [c"CODE=9".as_ptr(), ptr::null()];
        // SAFETY: both arrays end with a null pointer.
        let exec = |path: &CStr| unsafe { child::execve(path, argv.as_ptr(), envp.as_ptr()) };
        assert_eq!(forked(|| exec(c"/bin/sh").raw_os_error()), 9);
        assert_eq!(exec(c"/nope"), Errno::NOENT);
        assert_eq!(exec(c"/etc"), Errno::ACCESS);

        let shell = File::open("/bin/sh").expect("open");
        let empty = AtFlags::EMPTY_PATH;
        // SAFETY: as above.
        let by_fd =
            || unsafe { child::execveat(shell.as_fd(), c"", argv.as_ptr(), envp.as_ptr(), empty) };
        assert_eq!(forked(|| by_fd().raw_os_error()), 9);
    });
}

/// A script executed by a close-on-exec descriptor cannot be opened by its interpreter.
#[test]
fn e07_script_by_descriptor() {
    ns_testbed::run_as!([Root, User], {
        let path = std::env::temp_dir().join(format!("ns-sys-script-{}", std::process::id()));
        File::create(&path).expect("create").write_all(b"#!/bin/sh\nexit 3\n").expect("write");
        rustix::fs::chmod(&path, Mode::from_bits_truncate(0o755)).expect("chmod");
        let script = File::open(&path).expect("open");
        let argv = [c"script".as_ptr(), ptr::null()];
        let exec = || {
            // SAFETY: both arrays end with a null pointer.
            unsafe {
                child::execveat(
                    script.as_fd(),
                    c"",
                    argv.as_ptr(),
                    argv[1..].as_ptr(),
                    AtFlags::EMPTY_PATH,
                )
            }
        };
        assert_eq!(exec(), Errno::NOENT);
        child::fcntl_setfd(script.as_fd(), false).expect("setfd");
        assert_eq!(forked(|| exec().raw_os_error()), 3);
        fs::remove_file(&path).expect("remove");
    });
}
