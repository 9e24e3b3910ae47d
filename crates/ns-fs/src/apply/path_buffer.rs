//! A path split into C strings, on the stack.

use core::ffi::CStr;

use ns_sys::{Errno, Result};

/// `PATH_MAX` of include/uapi/linux/limits.h, the final NUL included.
pub(super) const PATH_MAX: usize = 4096;

/// A copy of a path that yields one name after the other.
pub(super) struct PathBuffer {
    bytes: [u8; PATH_MAX],
    /// The offset of the next name.
    start: usize,
    /// The length of the path.
    length: usize,
}

impl PathBuffer {
    pub(super) fn new(path: &CStr) -> Result<Self> {
        let path = path.to_bytes_with_nul();
        let mut bytes = [0; PATH_MAX];
        bytes.get_mut(..path.len()).ok_or(Errno::NAMETOOLONG)?.copy_from_slice(path);
        Ok(Self { bytes, start: 0, length: path.len().saturating_sub(1) })
    }

    /// Returns the next name; it is empty between two slashes.
    pub(super) fn next_name(&mut self) -> Option<&CStr> {
        let (start, end) = self.cut()?;
        self.string(start, end)
    }

    /// Returns what follows the names so far.
    pub(super) fn rest(&self) -> Option<&CStr> {
        self.string(self.start, self.length)
    }

    /// Returns the path up to and including the next name, that name, and whether it is the last one.
    pub(super) fn next_prefix(&mut self) -> Option<(&CStr, &CStr, bool)> {
        // Restores the slash that the previous call replaced by a NUL.
        if let Some(cut) = self.start.checked_sub(1).and_then(|cut| self.bytes.get_mut(cut)) {
            *cut = b'/';
        }
        let (start, end) = self.cut()?;
        Some((self.string(0, end)?, self.string(start, end)?, end >= self.length))
    }

    /// Ends the next name with a NUL, and returns the offsets of its start and of the NUL.
    fn cut(&mut self) -> Option<(usize, usize)> {
        let start = self.start;
        let rest = self.bytes.get(start..self.length).filter(|rest| !rest.is_empty())?;
        let length = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
        let end = start.checked_add(length)?;
        *self.bytes.get_mut(end)? = 0;
        self.start = end.checked_add(1)?;
        Some((start, end))
    }

    fn string(&self, start: usize, end: usize) -> Option<&CStr> {
        CStr::from_bytes_with_nul(self.bytes.get(start..=end)?).ok()
    }
}
