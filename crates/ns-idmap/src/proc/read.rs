//! Reads the map of a process.

use std::os::fd::AsFd;

use super::read_text;
use crate::{IdKind, IdMap, ProcError};

impl<K: IdKind> IdMap<K> {
    /// Reads the map of the process whose `/proc/PID` is open as `proc_dir`; `None` if it has none.
    ///
    /// The outside IDs are those of the *caller's* user namespace or, if the process is in the same
    /// user namespace, those of its parent.
    ///
    /// # Errors
    /// The call that failed, or that the caller's user namespace does not map the outside IDs.
    ///
    /// # Examples
    /// ```
    /// use ns_idmap::UidMap;
    ///
    /// let own = UidMap::read(std::fs::File::open("/proc/self")?)?;
    /// assert!(own.is_some_and(|map| map.contains(0)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read(proc_dir: impl AsFd) -> Result<Option<Self>, ProcError> {
        let text = read_text(proc_dir.as_fd(), K::FILE)?;
        Self::from_shown(&text).map_err(|source| ProcError::Shown { file: K::FILE, source })
    }
}
