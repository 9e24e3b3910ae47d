//! Namespaces that the child creates with unshare(2), in its own copy of the memory.
//!
//! libc's fork creates no namespaces. unshare(2) creates a time namespace for the children only, so the child joins it
//! with setns(2). The clock offsets must be written before any process is in that namespace (time_namespaces(7)).
#![allow(unsafe_code, reason = "opens and closes a raw descriptor")]

use core::ffi::CStr;

use ns_sys::child::{self, Mode, OFlags};
use ns_sys::fd::BorrowedFd;
use ns_sys::{Errno, Namespace, NamespaceFlags, setns, unshare};

use super::cwd::cwd;
use super::handshake::{Handshake, Report};
use crate::step::Step;

/// Creates the namespaces. From then on the caller can write their maps and clock offsets.
#[inline]
pub(super) fn make(kinds: NamespaceFlags, handshake: &Handshake) -> Result<(), Report> {
    if kinds.is_empty() {
        return Ok(());
    }
    let only_time = kinds == NamespaceFlags::TIME;
    let step = if only_time { Step::TimeNamespace } else { Step::Clone };
    unshare(kinds.into()).map_err(|errno| Report::new(step, errno))?;
    handshake.set_made();
    Ok(())
}

/// Creates the namespaces that depend on the cgroup to which the child has moved itself.
#[inline]
pub(super) fn make_after_move(kinds: NamespaceFlags) -> Result<(), Report> {
    if kinds.is_empty() {
        return Ok(());
    }
    unshare(kinds.into()).map_err(|errno| Report::new(Step::Clone, errno))
}

/// Creates namespaces again if a hook of the caller has moved the child to another cgroup.
#[inline]
pub(super) fn make_again(kinds: NamespaceFlags, handshake: &Handshake) -> Result<(), Report> {
    if kinds.is_empty() || !handshake.has_moved() {
        return Ok(());
    }
    unshare(kinds.into()).map_err(|errno| Report::new(Step::Clone, errno))
}

/// Joins the time namespace that the child has created.
#[inline]
pub(super) fn join_time(file: Option<&CStr>) -> Result<(), Report> {
    let Some(file) = file else { return Ok(()) };
    join_file(file).map_err(|errno| Report::new(Step::TimeNamespace, errno))
}

fn join_file(file: &CStr) -> Result<(), Errno> {
    let number = child::openat(cwd(), file, OFlags::CLOEXEC, Mode::empty())?;
    // SAFETY: openat(2) has just returned it, and only the end of this function closes it.
    let namespace = unsafe { BorrowedFd::borrow_raw(number) };
    let joined = setns(namespace, Some(Namespace::Time));
    // SAFETY: this function opened the descriptor; `namespace` is not used again.
    let _ = unsafe { child::close(number) };
    joined
}
