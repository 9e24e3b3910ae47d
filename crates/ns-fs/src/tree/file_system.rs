//! New file systems of the caller.

use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::prelude::rust_2024::*;

use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsconfig_set_flag,
    fsconfig_set_string, fsmount, fsopen,
};

/// Creates a detached mount. An error names the system call.
pub(super) fn create(
    fs_type: &OsStr,
    source: &OsStr,
    data: &OsStr,
) -> Result<OwnedFd, (&'static str, Errno)> {
    let context =
        fsopen(fs_type, FsOpenFlags::FSOPEN_CLOEXEC).map_err(|errno| ("fsopen", errno))?;
    let context = context.as_fd();
    let set = |errno| ("fsconfig", errno);
    if !source.is_empty() {
        fsconfig_set_string(context, "source", source).map_err(set)?;
    }
    for (key, value) in split_options(data) {
        match value {
            Some(value) => fsconfig_set_string(context, key, value),
            None => fsconfig_set_flag(context, key),
        }
        .map_err(set)?;
    }
    fsconfig_create(context).map_err(set)?;
    let flags = (FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty());
    fsmount(context, flags.0, flags.1).map_err(|errno| ("fsmount", errno))
}

/// Splits options as mount(8) writes them: `key` or `key=value`, separated by commas.
pub(crate) fn split_options(data: &OsStr) -> impl Iterator<Item = (&OsStr, Option<&OsStr>)> {
    let options = data.as_bytes().split(|byte| *byte == b',').filter(|option| !option.is_empty());
    options.map(|option| {
        let mut parts = option.splitn(2, |byte| *byte == b'=').map(OsStr::from_bytes);
        (parts.next().unwrap_or_default(), parts.next())
    })
}
