//! Sending a list of system calls to a gate.

use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;
use std::prelude::rust_2024::*;
use std::time::Instant;

use ns_sys::Errno;
use rustix::event::{PollFd, PollFlags};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, send, sendmsg};

use crate::process::poll_until;
use crate::start::gate::MAX_DESCRIPTORS;

/// Sends the list and the descriptors.
///
/// # Errors
/// `ETIMEDOUT`: the gate has not received it by the deadline. `EPIPE`, `ECONNRESET`: it has exited.
pub(super) fn send_list(
    gate: BorrowedFd<'_>,
    list: &[u8],
    files: &[BorrowedFd<'_>],
    deadline: Option<Instant>,
) -> Result<(), Errno> {
    let header = [list.len() as u64, 0].map(u64::to_le_bytes).concat();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !files.is_empty() && !control.push(SendAncillaryMessage::ScmRights(files)) {
        return Err(Errno::INVAL);
    }
    // A part of the list goes along, so that nearly always one call is enough.
    let parts = [IoSlice::new(&header), IoSlice::new(list)];
    let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
    let sent = loop {
        match sendmsg(gate, &parts, &mut control, flags) {
            Err(Errno::AGAIN) => wait_writable(gate, deadline)?,
            Err(Errno::INTR) => {}
            sent => break sent?,
        }
    };
    // The header is never alone: a message is split only if it is long.
    let rest = list.get(sent.saturating_sub(header.len())..);
    send_bytes(gate, rest.unwrap_or_default(), deadline)
}

/// Sends the bytes.
///
/// # Errors
/// As [`send_list`].
pub(super) fn send_bytes(
    gate: BorrowedFd<'_>,
    mut bytes: &[u8],
    deadline: Option<Instant>,
) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match send(gate, bytes, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
            Ok(sent) => bytes = bytes.get(sent..).unwrap_or_default(),
            Err(Errno::AGAIN) => wait_writable(gate, deadline)?,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

fn wait_writable(gate: BorrowedFd<'_>, deadline: Option<Instant>) -> Result<(), Errno> {
    let is_writable = poll_until(&mut [PollFd::from_borrowed_fd(gate, PollFlags::OUT)], deadline)?;
    if is_writable { Ok(()) } else { Err(Errno::TIMEDOUT) }
}
