//! A new pseudo-terminal of the program's root, whose master goes to another process.
#![allow(unsafe_code, reason = "descriptors by number, which have no owner in the child")]

use ns_fs::apply;
use ns_sys::child;
use ns_sys::fd::{AsRawFd, BorrowedFd, RawFd};

use super::decimal::Decimal;
use super::handshake::Report;
use super::root::report;
use crate::step::Step;

/// The requested terminal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Console<'a> {
    /// Receives the master. Its number, which is only the child's, is that of the terminal afterwards.
    pub(crate) socket: BorrowedFd<'a>,
    /// Rows and columns.
    pub(crate) size: Option<(u16, u16)>,
    /// The user that owns the terminal, if it is not the one that opens it.
    pub(crate) owner: Option<u32>,
    /// Whether it is mounted on `/dev/console`.
    pub(crate) is_mounted: bool,
}

/// The directory of the terminals.
const DIRECTORY: &[u8] = b"/dev/pts/";

/// Opens a terminal, sends its master, and leaves the terminal at the number of the socket.
#[inline]
pub(super) fn open(console: Option<Console<'_>>) -> Result<(), Report> {
    console.map_or(Ok(()), open_and_send)
}

fn open_and_send(console: Console<'_>) -> Result<(), Report> {
    let opened = apply::open_console().map_err(report)?;
    let (master, terminal) = (borrow(opened.master), borrow(opened.terminal));
    let failed = |errno| Report::new(Step::Console, errno);
    if let Some((rows, columns)) = console.size {
        child::ioctl_tiocswinsz(terminal, rows, columns).map_err(failed)?;
    }
    if let Some(uid) = console.owner {
        child::fchown(terminal, uid, u32::MAX).map_err(failed)?;
    }
    if console.is_mounted {
        apply::mount_console(terminal).map_err(report)?;
    }
    send(console.socket, opened.number, master)?;
    // SAFETY: the number refers to the child's own descriptor table, in which no value owns the socket. Later steps use
    // the number as the terminal.
    unsafe { child::dup3(terminal, console.socket.as_raw_fd(), true) }.map_err(failed)?;
    for number in [opened.master, opened.terminal] {
        // SAFETY: this function opened it, and does not use it again.
        let _ = unsafe { child::close(number) };
    }
    Ok(())
}

/// Sends the master with the name of the terminal.
fn send(socket: BorrowedFd<'_>, number: u32, master: BorrowedFd<'_>) -> Result<(), Report> {
    let digits = Decimal::new(number);
    let mut name = [0; 32];
    let parts = DIRECTORY.iter().chain(digits.as_c_str().to_bytes());
    let mut length = 0_usize;
    for (slot, byte) in name.iter_mut().zip(parts) {
        *slot = *byte;
        length = length.saturating_add(1);
    }
    let name = name.get(..length).unwrap_or_default();
    let sent = child::send_fd(socket, name, master);
    sent.map(drop).map_err(|errno| Report::new(Step::SendConsole, errno))
}

/// Borrows a descriptor that this process has opened.
fn borrow<'a>(number: RawFd) -> BorrowedFd<'a> {
    // SAFETY: a step has opened it, and only `open_and_send` closes it, after the last use.
    unsafe { BorrowedFd::borrow_raw(number) }
}
