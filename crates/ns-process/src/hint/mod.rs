//! Hints: what to do about an errno, from the state of the machine.

mod child;
mod clone;
mod exec;
mod interpreter;
pub(crate) mod machine;

pub(crate) use child::{KILLED_IN_CGROUP, for_step, in_user_namespace};
pub(crate) use clone::for_clone;
pub(crate) use exec::{Place, for_exec, for_exec_fd, for_exec_search};

use std::os::fd::AsFd;

use ns_sys::Errno;

/// The hint for a descriptor that could not be created.
pub(crate) fn for_descriptors(errno: Errno) -> Option<&'static str> {
    match errno {
        Errno::MFILE => Some("RLIMIT_NOFILE is reached"),
        Errno::NFILE => Some("the machine has no more open files: see /proc/sys/fs/file-max"),
        _ => None,
    }
}

/// The hint for the unnamed file of a program of this library.
pub(crate) fn for_program_file(errno: Errno) -> Option<&'static str> {
    match errno {
        Errno::ACCESS => Some("vm.memfd_noexec is 2, and TMPDIR is noexec"),
        Errno::FBIG => Some("RLIMIT_FSIZE is smaller than the file"),
        errno => for_descriptors(errno),
    }
}

/// The hint for a child that has not executed its program in time. `cgroup` is the one it was created in.
pub(crate) fn for_late_start(cgroup: Option<impl AsFd>) -> &'static str {
    if cgroup.is_some_and(machine::is_frozen) {
        "its cgroup is frozen: write 0 to cgroup.freeze, there or in a cgroup above it"
    } else {
        "it was stopped before it executed, or its program is slow to load"
    }
}
