//! Host name and domain name of a uts namespace, and the loopback interface of a network namespace.
#![allow(unsafe_code, reason = "ioctl(2) with a struct, and a raw descriptor")]

use ns_sys::fd::BorrowedFd;
use ns_sys::{Errno, child};

use super::handshake::Report;
use crate::step::Step;

const AF_INET: u32 = 2;
const SOCK_DGRAM_CLOEXEC: u32 = 0o2_000_002;
const SIOCGIFFLAGS: u32 = 0x8913;
const SIOCSIFFLAGS: u32 = 0x8914;
const IFF_UP: u16 = 1;

/// The requested settings.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Names<'a> {
    pub(crate) hostname: Option<&'a [u8]>,
    pub(crate) domainname: Option<&'a [u8]>,
    /// Whether to bring up `lo`.
    pub(crate) loopback: bool,
}

/// `struct ifreq` of netdevice(7), with `ifr_flags`.
#[repr(C)]
struct Interface {
    name: [u8; 16],
    flags: u16,
    rest: [u8; 22],
}

#[inline]
pub(super) fn set(names: Names<'_>) -> Result<(), Report> {
    if let Some(name) = names.hostname {
        child::sethostname(name).map_err(|errno| Report::new(Step::Hostname, errno))?;
    }
    if let Some(name) = names.domainname {
        child::setdomainname(name).map_err(|errno| Report::new(Step::Domainname, errno))?;
    }
    if names.loopback {
        loopback_up().map_err(|errno| Report::new(Step::Loopback, errno))?;
    }
    Ok(())
}

fn loopback_up() -> Result<(), Errno> {
    let number = child::socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0)?;
    // SAFETY: socket(2) has just returned it, and only the end of this function closes it.
    let socket = unsafe { BorrowedFd::borrow_raw(number) };
    let done = up(socket);
    // SAFETY: this function opened the descriptor; `socket` is not used again.
    let _ = unsafe { child::close(number) };
    done
}

fn up(socket: BorrowedFd<'_>) -> Result<(), Errno> {
    let mut current = Interface::lo(0);
    let argument = (&raw mut current).expose_provenance();
    // SAFETY: the argument points to a whole `struct ifreq`, which the kernel reads and writes.
    unsafe { child::ioctl(socket, SIOCGIFFLAGS, argument) }?;
    let changed = Interface::lo(current.flags | IFF_UP);
    // SAFETY: the argument points to a whole `struct ifreq`, which the kernel reads.
    unsafe { child::ioctl(socket, SIOCSIFFLAGS, (&raw const changed).expose_provenance()) }?;
    Ok(())
}

impl Interface {
    const fn lo(flags: u16) -> Self {
        Self { name: *b"lo\0\0\0\0\0\0\0\0\0\0\0\0\0\0", flags, rest: [0; 22] }
    }
}
