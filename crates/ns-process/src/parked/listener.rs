//! The listening socket that releases a parked process.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{PathBuf, absolute};
use std::prelude::rust_2024::*;

use rustix::net::sockopt::{socket_acceptconn, socket_domain, socket_type};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, getsockname};

/// The number of the socket in the parked process, and its address.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) number: RawFd,
    /// The absolute path.
    pub(super) address: PathBuf,
}

/// The path, if the socket can release a process. A later change of the working directory does not
/// change it.
pub(super) fn address(socket: BorrowedFd<'_>) -> Result<PathBuf, String> {
    if !listens(socket) {
        return Err("park_at: not a listening Unix stream socket".to_owned());
    }
    let address = getsockname(socket.as_fd()).ok();
    let address = address.and_then(|address| SocketAddrUnix::try_from(address).ok());
    let path = address.as_ref().and_then(SocketAddrUnix::path_bytes);
    let path = path.and_then(|path| absolute(OsStr::from_bytes(path)).ok());
    path.ok_or_else(|| "park_at: the socket has no path in the file system".to_owned())
}

fn listens(socket: BorrowedFd<'_>) -> bool {
    socket_domain(socket) == Ok(AddressFamily::UNIX)
        && socket_type(socket) == Ok(SocketType::STREAM)
        && socket_acceptconn(socket) == Ok(true)
}
