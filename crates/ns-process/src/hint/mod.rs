//! Hints: what to do about an errno, from the state of the machine.

mod child;
mod clone;
mod exec;
mod interpreter;
pub(crate) mod machine;

pub(crate) use child::{for_step, in_user_namespace};
pub(crate) use clone::for_clone;
pub(crate) use exec::{for_exec, for_exec_search, for_exec_unseen};

use ns_sys::Errno;

/// The hint for a descriptor that could not be created.
pub(crate) fn for_descriptors(errno: Errno) -> Option<&'static str> {
    match errno {
        Errno::MFILE => Some("RLIMIT_NOFILE is reached"),
        Errno::NFILE => Some("the machine has no more open files: see /proc/sys/fs/file-max"),
        _ => None,
    }
}
