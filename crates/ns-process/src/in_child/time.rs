//! The time namespace that the child created with unshare(2).
//!
//! unshare(2) creates it for the children only; the child itself joins with setns(2). The clock offsets must be
//! written before any process is in the namespace (time_namespaces(7)).
#![allow(unsafe_code, reason = "opens and closes a raw descriptor")]

use core::ffi::CStr;

use ns_sys::child::{self, Mode, OFlags};
use ns_sys::fd::BorrowedFd;
use ns_sys::{Errno, Namespace, setns};

use super::cwd::cwd;
use super::handshake::Report;
use super::plan::ChildPlan;
use crate::step::Step;

/// Joins the namespace.
pub(super) fn join(plan: &ChildPlan<'_>) -> Result<(), Report> {
    let Some(file) = plan.time_namespace else { return Ok(()) };
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
