//! One mount of a plan, below the directory that becomes the root.

use ns_sys::Errno;
use ns_sys::child::{self, FileType, MountFlags, OFlags};
use ns_sys::fd::{AsFd, AsRawFd};

use super::attributes::{change_mounted, present_flags, present_fs_flags, propagation_only};
use super::bind::bind;
use super::entry::make_entry;
use super::fd_path::FdPath;
use super::handle::{CWD, Handle, open_path};
use super::mask::mask;
use super::mount_step::{Kind, MountStep, Reconfigure, Source};
use super::new_fs::{create, mount_configured, mount_new};
use super::root::Root;
use super::source::Slot;
use super::target::{Target, TargetRoot};
use crate::{Step, StepError};

type Outcome = Result<(), StepError>;

/// Makes a mount or an entry. The target is resolved inside `root`: no symbolic link leads out. A relative
/// source starts at the working directory, which does not change.
pub(super) fn mount(
    plan: Root<'_>,
    root: TargetRoot<'_>,
    step: &MountStep,
    slot: Option<&Slot>,
) -> Outcome {
    match make(plan, root, step, slot) {
        Err(StepError {
            step: Step::MountTarget(_) | Step::MountSource { .. },
            errno: Errno::NOENT,
        }) if step.optional => Ok(()),
        other => other,
    }
}

fn make(plan: Root<'_>, root: TargetRoot<'_>, step: &MountStep, slot: Option<&Slot>) -> Outcome {
    let MountStep { index, create, .. } = *step;
    let target = Target { root, path: plan.strings.get(step.target), create, index };
    let failed = Step::Mount(index).failed();
    match step.kind {
        Kind::Bind(source) => bind(plan, source, target, slot),
        Kind::New(new) => mount_new(plan, new, target),
        Kind::Configured(fs) => mount_configured(plan, fs, target, slot),
        Kind::Mask(empty) => mask(plan, empty, target),
        Kind::Attributes { attributes, recursive } => {
            change_mounted(&target.open()?, attributes, recursive).map_err(failed)
        }
        Kind::Reconfigure(changes) => reconfigure(plan, &target.open()?, changes).map_err(failed),
        Kind::Entry { name, entry } => {
            let directory = target.open_or_make(|| FileType::Directory)?;
            make_entry(plan, directory.as_fd(), plan.strings.get(name), entry, index)
        }
    }
}

/// `mount(NULL, target, NULL, MS_REMOUNT | …, data)` — changes a file system and its mount. The call sets
/// each attribute of the mount, so it repeats the present ones, and the flags that statfs(2) shows.
fn reconfigure(plan: Root<'_>, mounted: &Handle, changes: Reconfigure) -> ns_sys::Result<()> {
    const MS_REMOUNT: MountFlags = MountFlags::from_bits_retain(32);
    let Reconfigure { flags, clear_flags, data, attributes, recursive } = changes;
    let present = present_flags(mounted.as_fd(), attributes.top)?;
    let kept = present_fs_flags(mounted.as_fd())?.difference(clear_flags);
    let flags = flags.union(present.difference(clear_flags)).union(kept).union(MS_REMOUNT);
    let (path, data) = (FdPath::new(mounted.as_raw_fd()), data.map(|data| plan.strings.get(data)));
    child::mount(None, path.as_c_str(), None, flags, data)?;
    // The call changes neither the mounts below nor the propagation.
    let rest = if recursive { attributes } else { propagation_only(attributes) };
    if rest.is_empty() { Ok(()) } else { change_mounted(mounted, rest, recursive) }
}

/// Opens the sources that an earlier mount could hide, before the first mount.
pub(super) fn open_early(plan: Root<'_>) -> Outcome {
    for (step, slot) in plan.mounts.iter().zip(plan.slots) {
        let opened = match step.kind {
            Kind::Bind(bind) => match bind.source {
                Source::Path(path) => open_path(CWD, plan.strings.get(path), OFlags::empty())
                    .map(Some)
                    .map_err(Step::MountSource { mount: step.index, source: 0 }.failed()),
                Source::InRoot(_) | Source::Tree(..) => Ok(None),
            },
            Kind::Configured(fs) => create(plan, fs, step.index),
            _ => Ok(None),
        };
        match opened {
            Ok(Some(handle)) => slot.store(handle),
            Ok(None) => {}
            Err(StepError { errno: Errno::NOENT, .. }) if step.optional => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Closes the descriptors of [`open_early`] that no mount has used, after an error.
pub(super) fn close_early(plan: Root<'_>) {
    plan.slots.iter().for_each(|slot| drop(slot.take()));
}
