//! A time namespace that the child made itself: the kernel lets it in only by way of setns(2), and sets
//! its clocks only before.
#![allow(unsafe_code, reason = "a descriptor of its own")]

use core::ffi::CStr;

use ns_sys::child::{self, Mode, OFlags};
use ns_sys::fd::BorrowedFd;
use ns_sys::{Errno, Namespace, setns};

use super::cwd::here;
use super::handshake::Report;
use crate::step::Step;

/// Enters it.
pub(super) fn enter(file: Option<&CStr>) -> Result<(), Report> {
    let Some(file) = file else { return Ok(()) };
    enter_by(file).map_err(|errno| Report::new(Step::TimeNamespace, errno))
}

fn enter_by(file: &CStr) -> Result<(), Errno> {
    let number = child::openat(here(), file, OFlags::CLOEXEC, Mode::empty())?;
    // SAFETY: the kernel has just returned it, and only the end of this function closes it.
    let namespace = unsafe { BorrowedFd::borrow_raw(number) };
    let entered = setns(namespace, Some(Namespace::Time));
    // SAFETY: as above; `namespace` is not used again.
    let _ = unsafe { child::close(number) };
    entered
}
