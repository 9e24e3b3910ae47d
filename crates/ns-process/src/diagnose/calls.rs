//! The newer system calls, each tried with arguments that change nothing.

use std::prelude::rust_2024::*;

use ns_sys::child::{AtFlags, Mode, MountAttr, OFlags, ResolveFlags};
use ns_sys::fd::AsFd;
use ns_sys::{Errno, Namespace, NamespaceFd, child};

use super::Finding;

/// A system call, and what happens without it.
struct Call {
    name: &'static str,
    since: &'static str,
    without: &'static str,
    exists: bool,
}

pub(super) fn all() -> impl Iterator<Item = Finding> {
    let own = ns_sys::pidfd_open(std::process::id());
    let of_own = |query: &dyn Fn(&ns_sys::fd::OwnedFd) -> Result<(), Errno>| {
        own.as_ref().map_err(|errno| *errno).and_then(query).is_ok()
    };
    let info = of_own(&|own| ns_sys::pidfd_get_info(own).map(drop));
    let namespace = of_own(&|own| NamespaceFd::from_pidfd(own, Namespace::Mnt).map(drop));
    let calls = [
        call("pidfd_open", "5.3", "no start", own.is_ok()),
        call(
            "openat2",
            "5.6",
            "mount targets are resolved one component at a time",
            is_known(openat2()),
        ),
        call(
            "mount_setattr",
            "5.12",
            "a remount for one mount, refused for a tree",
            is_known(attr()),
        ),
        call("pidfd_open of a thread", "6.9", "a word that the kernel clears", thread().is_ok()),
        call("namespaces by pidfd", "6.11", "the files of /proc/PID/ns", namespace),
        call("PIDFD_GET_INFO", "6.13", "a status that another waiter took is lost", info),
    ];
    calls.into_iter().map(Call::finding)
}

fn call(name: &'static str, since: &'static str, without: &'static str, exists: bool) -> Call {
    Call { name, since, without, exists }
}

impl Call {
    fn finding(self) -> Finding {
        let missing = std::format!("missing; instead: {}", self.without);
        let detail = if self.exists { "there".to_owned() } else { missing };
        Finding::new(self.name, self.exists, detail)
            .advise(std::format!("Linux {}, or a filter that allows it", self.since))
    }
}

fn is_known(answer: Result<(), Errno>) -> bool {
    answer != Err(Errno::NOSYS)
}

fn openat2() -> Result<(), Errno> {
    let how = ResolveFlags::IN_ROOT;
    child::openat2(rustix::fs::CWD.as_fd(), c"", OFlags::PATH, Mode::empty(), how).map(drop)
}

fn attr() -> Result<(), Errno> {
    child::mount_setattr(rustix::fs::CWD.as_fd(), c"", AtFlags::empty(), &MountAttr::default())
}

fn thread() -> Result<(), Errno> {
    let own = rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs();
    ns_sys::pidfd_open_thread(own).map(drop)
}
