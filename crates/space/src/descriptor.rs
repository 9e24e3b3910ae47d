//! Descriptors that the caller passes by their number.
#![allow(unsafe_code, reason = "fcntl(2) on the number of a descriptor")]

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::sync::{Mutex, PoisonError};

use rustix::io::Errno;

use crate::failure::errno;
use crate::input;

/// The numbers of the copies so far. The caller has passed no descriptor with such a number.
static COPIES: Mutex<Vec<RawFd>> = Mutex::new(Vec::new());

/// Duplicates a descriptor that the caller has passed.
pub(crate) fn duplicate(number: RawFd) -> io::Result<OwnedFd> {
    let mut copies = COPIES.lock().unwrap_or_else(PoisonError::into_inner);
    if copies.contains(&number) {
        return Err(Errno::BADF.into());
    }
    // SAFETY: the call takes no pointer and changes no existing descriptor.
    let copy = unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, 3) };
    if copy < 0 {
        return Err(io::Error::last_os_error());
    }
    copies.push(copy);
    // SAFETY: fcntl has just returned this descriptor, and nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

/// Reads a descriptor to the end. An error is a message.
///
/// A descriptor that has been read is at its end, so that it would be empty for another option.
pub(crate) fn contents(number: &OsStr) -> Result<Vec<u8>, String> {
    let text = number.to_str().unwrap_or_default();
    let number = parse(text).map_err(|reason| format!("{number:?} is {reason}"))?;
    if !is_first_read(number) {
        return Err(format!("descriptor {number} is read by another option before"));
    }
    let bytes = duplicate(number).and_then(|copy| input::contents(&copy.into()));
    bytes.map_err(|error| format!("descriptor {number}: {}", reason(number, &error)))
}

fn is_first_read(number: RawFd) -> bool {
    static READ: Mutex<BTreeSet<RawFd>> = Mutex::new(BTreeSet::new());
    READ.lock().unwrap_or_else(PoisonError::into_inner).insert(number)
}

/// Returns why a descriptor cannot be used.
pub(crate) fn reason(number: RawFd, error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::EBADF) => {
            format!("EBADF (it is not open: a shell opens it for space with {number}<FILE)")
        }
        _ => errno::text(error),
    }
}

/// Parses the number of a descriptor.
pub(crate) fn parse(text: &str) -> Result<RawFd, &'static str> {
    let number = text.parse().ok().filter(|number| *number >= 0);
    number.ok_or("not a descriptor number")
}
