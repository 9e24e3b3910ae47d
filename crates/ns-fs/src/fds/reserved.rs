//! Descriptor numbers that the plan's own files must not use.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::prelude::rust_2024::*;

use rustix::io::{Errno, fcntl_dupfd_cloexec};

use crate::apply::FdRange;

/// The descriptor numbers in the settings, 0 to 2 among them, in ascending order.
///
/// A file that the plan opens at one of them would be inherited in place of a descriptor that the
/// caller does not have.
pub(super) struct Reserved(pub(super) Vec<u32>);

impl Reserved {
    pub(super) fn contains(&self, fd: RawFd) -> bool {
        u32::try_from(fd).is_ok_and(|fd| self.0.binary_search(&fd).is_ok())
    }

    /// Returns the ranges around all reserved numbers and `more`.
    pub(super) fn ranges_around(&self, more: Option<RawFd>) -> Vec<FdRange> {
        FdRange::around(self.0.iter().copied().chain(more.map(RawFd::unsigned_abs)))
    }

    /// Moves a descriptor to a number that is not reserved and not below `lowest`.
    pub(super) fn avoid(&self, mut file: OwnedFd, lowest: RawFd) -> io::Result<OwnedFd> {
        while file.as_raw_fd() < lowest || self.contains(file.as_raw_fd()) {
            let above = lowest.max(file.as_raw_fd() + 1);
            file = fcntl_dupfd_cloexec(file.as_fd(), above).map_err(|errno| match errno {
                // `above` is not below RLIMIT_NOFILE.
                Errno::INVAL => Errno::MFILE,
                errno => errno,
            })?;
        }
        Ok(file)
    }
}
