//! The newer system calls, each tried with arguments that change nothing.

use std::format;
use std::prelude::rust_2024::*;

use ns_sys::child::{AtFlags, Mode, MountAttr, OFlags, ResolveFlags};
use ns_sys::fd::AsFd;
use ns_sys::{Errno, Namespace, NamespaceFd, child};
use rustix::fs::CWD;

use super::Finding;

pub(super) fn all() -> [Finding; 6] {
    let own = ns_sys::pidfd_open(std::process::id());
    let info = own.as_ref().is_ok_and(|own| ns_sys::pidfd_get_info(own).is_ok());
    let namespace =
        own.as_ref().is_ok_and(|own| NamespaceFd::from_pidfd(own, Namespace::Mnt).is_ok());
    let thread = rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs();
    let thread = ns_sys::pidfd_open_thread(thread);
    let how = ResolveFlags::IN_ROOT;
    let opened = child::openat2(CWD.as_fd(), c"", OFlags::PATH, Mode::empty(), how);
    let set = child::mount_setattr(CWD.as_fd(), c"", AtFlags::empty(), &MountAttr::default());
    [
        call("pidfd_open", "5.3", "nothing can be started", own.is_ok()),
        call(
            "openat2",
            "5.6",
            "mount targets are resolved one component at a time",
            opened.err() != Some(Errno::NOSYS),
        ),
        call(
            "mount_setattr",
            "5.12",
            "attributes are changed for one mount, and not for a tree",
            set != Err(Errno::NOSYS),
        ),
        call(
            "pidfd_open of a thread",
            "6.9",
            "a child may not detect that the thread which started it has exited",
            thread.is_ok(),
        ),
        call("namespaces by pidfd", "6.11", "the files of /proc/PID/ns are opened", namespace),
        call("PIDFD_GET_INFO", "6.13", "a status that another waiter has taken is lost", info),
    ]
}

/// Whether a system call exists, since which kernel, and what happens without it.
fn call(name: &str, since: &str, without: &str, exists: bool) -> Finding {
    let detail = if exists { "available".to_owned() } else { format!("missing; {without}") };
    Finding::new(name, exists, detail).advise(format!("Linux {since}, or a filter that allows it"))
}
