//! The ID maps of a child, written through /proc.

use std::os::fd::AsFd;

use rustix::fs::{
    CWD, Mode, OFlags, PROC_SUPER_MAGIC, ResolveFlags, fstatfs, openat, openat2, readlinkat,
};

/// Returns maps of the caller's user and group ID to 0.
pub(super) fn own_maps() -> [String; 2] {
    let map = |id: u32| format!("0 {id} 1\n");
    [map(rustix::process::geteuid().as_raw()), map(rustix::process::getegid().as_raw())]
}

/// Checks that /proc shows the process IDs of the caller's pid namespace.
pub(super) fn check_proc() {
    let own = readlinkat(CWD, "/proc/self", Vec::with_capacity(16));
    let own = own.expect("read /proc/self");
    assert_eq!(
        own.to_str().map(str::parse),
        Ok(Ok(std::process::id())),
        "/proc belongs to another pid namespace"
    );
}

pub(super) fn write_maps(pid: u32, [uid, gid]: &[String; 2], privileged: bool) {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = openat(CWD, format!("/proc/{pid}"), flags, Mode::empty()).expect("open");
    let write = |file: &str, text: &str| {
        let flags = OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_XDEV | ResolveFlags::NO_SYMLINKS;
        let file = openat2(&directory, file, flags, Mode::empty(), resolve).expect("open");
        assert_eq!(fstatfs(&file).expect("fstatfs").f_type, PROC_SUPER_MAGIC);
        rustix::io::write(file.as_fd(), text.as_bytes()).expect("write");
    };
    write("uid_map", uid);
    if !privileged {
        write("setgroups", "deny");
    }
    write("gid_map", gid);
}
