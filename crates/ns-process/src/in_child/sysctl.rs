//! Kernel parameters of the child's namespaces.

use core::ffi::CStr;

use ns_sys::fd::BorrowedFd;

use super::handshake::Report;
use super::write_file::write_file;
use crate::step::Step;

/// The parameters to write, below an open `/proc/sys`. The kernel shows there the parameters of the namespaces of the
/// process that opens a file.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sysctls<'a> {
    pub(crate) dir: Option<BorrowedFd<'a>>,
    /// The path of each parameter, and its value.
    pub(crate) values: &'a [(&'a CStr, &'a [u8])],
}

#[inline]
pub(super) fn set(config: Sysctls<'_>) -> Result<(), Report> {
    let Some(dir) = config.dir else { return Ok(()) };
    for (index, (path, value)) in (0..).zip(config.values) {
        let written = write_file(dir, path, value);
        written.map_err(|errno| Report { step: Step::Sysctl, errno, index })?;
    }
    Ok(())
}
