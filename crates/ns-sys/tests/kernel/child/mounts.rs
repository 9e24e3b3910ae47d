//! Mounts, root, working directory and umask.

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

use ns_sys::child::{self, MountAttr};
use ns_sys::{Errno, UnshareFlags, unshare};
use ns_testbed::forked;
use rustix::fs::{AtFlags, CWD, Mode};
use rustix::mount::{
    MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags,
};

use super::owned;

/// Runs `body` in a forked child, in a new mount namespace with a new tmpfs as working directory.
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

/// The options of the mount at `path`, if there is one.
fn mount_options(path: &str) -> Option<String> {
    let info = fs::read_to_string("/proc/self/mountinfo").expect("read mountinfo");
    let mut fields = info.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    fields.find(|line| line[4] == path).map(|line| line[5].to_owned())
}

/// chroot changes the root only, and a descriptor leads out of it.
#[test]
fn d01_chroot_does_not_change_the_working_directory() {
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
            assert!(fs::exists("new root").expect("check"), "the working directory is unchanged");
            child::chdir(c"/").expect("chdir");
            assert_eq!(fs::read_dir("..").expect("list").count(), 0, ".. at the root is the root");
            child::fchdir(outside.as_fd()).expect("fchdir");
            assert!(fs::exists("proc").expect("check"), "a descriptor leads out of the root");
        });
    });
}

/// Mounts are bound, changed, copied and unmounted.
#[test]
fn mounts_are_bound_changed_copied_and_unmounted() {
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
            assert!(fs::exists("c/b").expect("check"));
            child::umount2(c"c", UnmountFlags::DETACH).expect("umount2");
            assert_eq!(child::umount2(c"c", UnmountFlags::empty()), Err(Errno::INVAL));

            let shared = MountPropagationFlags::SHARED;
            assert_eq!(child::mount_change(c"c", shared), Err(Errno::INVAL), "not a mount point");
            child::mount_change(c"a", shared).expect("shared");
        });
    });
}

/// After `pivot_root(".", ".")` and an unmount, only the new root is left.
#[test]
fn d05_stacked_pivot_root_leaves_one_root() {
    ns_testbed::run_as!([Root, Nested], {
        in_tmpfs(|| {
            fs::create_dir_all("root/inside").expect("mkdir");
            assert_eq!(child::pivot_root(c"root", c"root"), Err(Errno::INVAL), "not a mount point");
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
