//! Reading maps back.

use std::io::Read;
use std::os::fd::AsFd;

use crate::{IdKind, IdMap, ProcError, proc_dir};

impl<K: IdKind> IdMap<K> {
    /// Reads the map of the process whose `/proc/PID` is open as `proc_dir`; `None` while it has
    /// none.
    ///
    /// The outside ids are as the *caller's* namespace sees them, or, when the process shares it,
    /// as its parent does.
    ///
    /// ```
    /// use ns_idmap::UidMap;
    /// let own = UidMap::read(std::fs::File::open("/proc/self")?)?;
    /// assert!(own.is_some_and(|map| map.contains(0)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Which call failed; or that the caller's namespace does not have the ids.
    pub fn read(proc_dir: impl AsFd) -> Result<Option<Self>, ProcError> {
        let file = K::FILE;
        let mut text = String::new();
        proc_dir::open_for_reading(proc_dir.as_fd(), file)?
            .read_to_string(&mut text)
            .map_err(|source| ProcError::Read { file, source })?;
        Self::from_shown(&text).map_err(|source| ProcError::Shown { file, source })
    }
}
