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
    // No kernel changes it, and mount(2) would ignore it.
    if changes.named_flags().contains(MountFlags::DIRSYNC) {
        return Err(Errno::INVAL);
    }
    let has_options = changes.has_options();
    match if has_options { by_options(plan, mounted, changes) } else { Err(Errno::NOSYS) } {
        Err(Errno::NOSYS) => {
            by_remount(plan, mounted, changes)?;
            // The remount changes neither the mounts below nor the propagation.
            let rest = if recursive { attributes } else { propagation_only(attributes) };
            change_mounted(mounted, rest, recursive)
        }
        other => other.and_then(|()| change_mounted(mounted, attributes, recursive)),
    }
}

impl Reconfigure {
    /// The flags to set and to clear.
    fn named_flags(self) -> MountFlags {
        self.flags.union(self.clear_flags)
    }

    /// Whether fsconfig(2) has an option for each flag.
    pub(crate) fn has_options(self) -> bool {
        !self.named_flags().intersects(WITHOUT_OPTION)
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
    let is_named = changes.named_flags().contains(MountFlags::RDONLY);
    if present.contains(MountFlags::RDONLY) && !is_named {
        return Err(Errno::NOSYS);
    }
    let kept = present_fs_flags(mounted.as_fd())?.difference(clear_flags);
    let flags = flags.union(present.difference(clear_flags)).union(kept).union(MS_REMOUNT);
    let (path, data) = (FdPath::new(mounted.as_raw_fd()), data.map(|data| plan.strings.get(data)));
    child::mount(None, path.as_c_str(), None, flags, data)
}
