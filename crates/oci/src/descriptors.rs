//! The caller's descriptors that a program receives.

use std::fs;
use std::os::fd::{OwnedFd, RawFd};

use anyhow::{Context, Result, ensure};
use ns_process::Builder;
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

/// The descriptors from 3 on that `--preserve-fds` passes.
pub(crate) struct Preserved(Vec<OwnedFd>);

impl Preserved {
    /// Takes them. Must be called before this process opens a file, which could have one of the numbers.
    pub(crate) fn take(count: u16) -> Result<Self> {
        let numbers = 3..3 + RawFd::from(count);
        for number in numbers.clone() {
            let is_open = fs::symlink_metadata(format!("/proc/self/fd/{number}")).is_ok();
            ensure!(is_open, "--preserve-fds {count}: descriptor {number} is not open");
        }
        if count == 0 {
            return Ok(Self(Vec::new()));
        }
        let own = pidfd_open(getpid(), PidfdFlags::empty()).context("--preserve-fds")?;
        // Duplicates, because no `OwnedFd` of this process owns the originals.
        let taken = numbers.map(|number| pidfd_getfd(&own, number, PidfdGetfdFlags::empty()));
        let taken = taken.collect::<Result<_, _>>();
        Ok(Self(taken.context("--preserve-fds: pidfd_getfd")?))
    }

    /// Passes them to a program, with their numbers.
    pub(crate) fn pass<Kind>(self, builder: &mut Builder<Kind>) {
        for (number, file) in (3..).zip(self.0) {
            builder.fd(number, file);
        }
    }
}
