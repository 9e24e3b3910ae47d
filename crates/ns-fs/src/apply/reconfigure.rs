//! Changing the options of a mounted file system.

use ns_sys::child::{self, FsPickFlags, MountFlags};
use ns_sys::fd::{AsFd, AsRawFd};
use ns_sys::{Errno, Result};

use super::attributes::{change_mounted, present_flags, present_fs_flags, propagation_only};
use super::fd_path::FdPath;
use super::handle::Handle;
use super::mount_step::Reconfigure;
use super::new_fs::set_option;
use super::root::Root;

/// The flags of mount(2) for which fsconfig(2) has no option: `MS_POSIXACL` and `MS_I_VERSION`.
const WITHOUT_OPTION: MountFlags = MountFlags::from_bits_retain(1 << 16 | 1 << 23);

/// `fspick`, `fsconfig(FSCONFIG_CMD_RECONFIGURE)`, or before Linux 5.2 a remount.
pub(super) fn reconfigure(plan: Root<'_>, mounted: &Handle, changes: Reconfigure) -> Result<()> {
    let Reconfigure { attributes, recursive, .. } = changes;
    let named = changes.flags.union(changes.clear_flags);
    // No kernel changes it, and mount(2) would ignore it.
    if named.contains(MountFlags::DIRSYNC) {
        return Err(Errno::INVAL);
    }
    let changed = if named.intersects(WITHOUT_OPTION) {
        Err(Errno::NOSYS)
    } else {
        by_options(plan, mounted, changes)
    };
    match changed {
        Err(Errno::NOSYS) => {
            by_remount(plan, mounted, changes)?;
            // The remount changes neither the mounts below nor the propagation.
            let rest = if recursive { attributes } else { propagation_only(attributes) };
            if rest.is_empty() { Ok(()) } else { change_mounted(mounted, rest, recursive) }
        }
        Ok(()) if attributes.is_empty() => Ok(()),
        other => other.and_then(|()| change_mounted(mounted, attributes, recursive)),
    }
}

/// Changes what is named, and nothing else.
fn by_options(plan: Root<'_>, mounted: &Handle, changes: Reconfigure) -> Result<()> {
    let flags = FsPickFlags::FSPICK_CLOEXEC.union(FsPickFlags::FSPICK_EMPTY_PATH);
    let context = Handle::new(child::fspick(mounted.as_fd(), c"", flags)?);
    for option in plan.options_in(changes.options) {
        set_option(plan, context.as_fd(), *option)?;
    }
    child::fsconfig_reconfigure(context.as_fd())
}

/// `mount(NULL, target, NULL, MS_REMOUNT | …, data)` sets each attribute of the mount, so it repeats the present
/// ones, and the flags that statfs(2) shows.
fn by_remount(plan: Root<'_>, mounted: &Handle, changes: Reconfigure) -> Result<()> {
    const MS_REMOUNT: MountFlags = MountFlags::from_bits_retain(32);
    let Reconfigure { flags, clear_flags, data, attributes, .. } = changes;
    let present = present_flags(mounted.as_fd(), attributes.top)?;
    // To repeat it would make the file system read-only everywhere, if only this mount is.
    let is_named = flags.union(clear_flags).contains(MountFlags::RDONLY);
    if present.contains(MountFlags::RDONLY) && !is_named {
        return Err(Errno::NOSYS);
    }
    let kept = present_fs_flags(mounted.as_fd())?.difference(clear_flags);
    let flags = flags.union(present.difference(clear_flags)).union(kept).union(MS_REMOUNT);
    let (path, data) = (FdPath::new(mounted.as_raw_fd()), data.map(|data| plan.strings.get(data)));
    child::mount(None, path.as_c_str(), None, flags, data)
}
