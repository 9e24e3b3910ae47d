//! Gives the cgroup to the root user of a container.

use std::fs;

use anyhow::{Context, Result};
use rustix::fs::{AtFlags, Gid, Uid, chownat};
use rustix::io::Errno;

use super::Cgroup;

/// The files that a container with a cgroup of its own may write, one a line. Since Linux 4.15.
const DELEGATED: &str = "/sys/kernel/cgroup/delegate";

/// Those of older kernels.
const OLDER: &str = "cgroup.procs\ncgroup.subtree_control\ncgroup.threads\n";

impl Cgroup {
    /// Makes this user the owner of the directory of version 2, so that a container can make cgroups below.
    ///
    /// For a container with user and cgroup namespaces. The files with the limits keep their owner. Version 1 has no
    /// safe way to do this.
    pub(crate) fn give(&self, uid: u32, gid: u32) -> Result<()> {
        let Some(place) = self.version_2() else { return Ok(()) };
        let directory = place.open()?;
        let files = fs::read_to_string(DELEGATED).unwrap_or_else(|_| OLDER.to_owned());
        for file in std::iter::once(".").chain(files.lines()) {
            let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
            let flags = AtFlags::SYMLINK_NOFOLLOW;
            match chownat(&directory, file, Some(uid), Some(gid), flags) {
                // The list has files of all controllers.
                Ok(()) | Err(Errno::NOENT) => {}
                Err(errno) => {
                    let file = directory.file(file);
                    return Err(errno).with_context(|| {
                        format!("give {file} to user {uid} of the container: needs CAP_CHOWN")
                    });
                }
            }
        }
        Ok(())
    }
}
