//! Resource limits, niceness and the file mode mask.

use std::prelude::rust_2024::*;

use super::Builder;
use crate::resource::Resource;

/// What was asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Limits {
    /// Resource, soft limit, hard limit; the last of each resource holds.
    pub(crate) resources: Vec<(Resource, u64, u64)>,
    pub(crate) nice: Option<i32>,
    pub(crate) umask: Option<u32>,
}

impl<Kind> Builder<Kind> {
    /// What the program may use of a resource: what it is held to, and up to where it may raise that
    /// itself. `u64::MAX` is no limit. By default both are the caller's.
    ///
    /// ```
    /// use ns_process::{Container, Resource};
    ///
    /// let output = Container::new("sh")
    ///     .args(["-c", "ulimit -S -n; ulimit -H -n"])
    ///     .rlimit(Resource::Nofile, 20, 30)
    ///     .output()?;
    /// assert_eq!(output.stdout, b"20\n30\n");
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Step::Rlimit`](crate::Step::Rlimit), `EPERM`: the hard limit is above the caller's.
    ///
    /// # References
    /// getrlimit(2).
    pub fn rlimit(&mut self, resource: Resource, soft: u64, hard: u64) -> &mut Self {
        self.limits.resources.retain(|(known, ..)| *known != resource);
        self.limits.resources.push((resource, soft, hard));
        self
    }

    /// The niceness, from -20 to 19; by default the caller's.
    ///
    /// # Errors
    /// [`Step::Nice`](crate::Step::Nice), `EACCES`: lower than the caller's needs `CAP_SYS_NICE` in the
    /// initial user namespace, or `RLIMIT_NICE`.
    ///
    /// # References
    /// setpriority(2).
    pub fn nice(&mut self, nice: i32) -> &mut Self {
        self.limits.nice = Some(nice);
        self
    }

    /// The permissions that new files of the program lack; by default the caller's.
    ///
    /// # Examples
    /// ```
    /// use ns_process::Container;
    ///
    /// let output = Container::new("sh").args(["-c", "umask"]).umask(0o027).output()?;
    /// assert_eq!(output.stdout, b"0027\n");
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    ///
    /// # References
    /// umask(2).
    pub fn umask(&mut self, mask: u32) -> &mut Self {
        self.limits.umask = Some(mask);
        self
    }

    /// The limits that were set: resource, soft and hard.
    pub fn get_rlimits(&self) -> &[(Resource, u64, u64)] {
        &self.limits.resources
    }

    /// The niceness, if one is set.
    pub fn get_nice(&self) -> Option<i32> {
        self.limits.nice
    }

    /// The file mode mask, if one is set.
    pub fn get_umask(&self) -> Option<u32> {
        self.limits.umask
    }
}
