//! One mount of a plan, below the directory that becomes the root.

use ns_sys::Errno;
use ns_sys::child::{FileType, OFlags};
use ns_sys::fd::AsFd;

use super::attributes::change_mounted;
use super::bind::bind;
use super::entry::{make_entry, open_null};
use super::handle::{CWD, Handle, open_path};
use super::mask::mask;
use super::mount_step::{Bind, Entry, Kind, MountStep, Source};
use super::new_fs::{create, mount_configured, mount_new};
use super::reconfigure::reconfigure;
use super::root::Root;
use super::source::Slot;
use super::target::{Target, TargetRoot};
use crate::{Step, StepError};

type Outcome<T = ()> = Result<T, StepError>;

/// Makes a mount or an entry, and returns whether it was not skipped. The target is resolved inside `root`: no
/// symbolic link leads out. A relative source starts at the working directory, which does not change.
pub(super) fn mount(
    plan: Root<'_>,
    root: TargetRoot<'_>,
    step: &MountStep,
    slot: Option<&Slot>,
) -> Outcome<bool> {
    if slot.is_some_and(Slot::is_missing) {
        return Ok(false);
    }
    match make(plan, root, step, slot) {
        Err(StepError {
            step: Step::MountTarget(_) | Step::MountSource { .. },
            errno: Errno::NOENT,
        }) if step.optional => Ok(false),
        other => other.map(|()| true),
    }
}

fn make(plan: Root<'_>, root: TargetRoot<'_>, step: &MountStep, slot: Option<&Slot>) -> Outcome {
    let MountStep { index, create, limit, .. } = *step;
    let target = Target { root, path: plan.strings.get(step.target), create, limit, index };
    let failed = Step::Mount(index).failed();
    match step.kind {
        Kind::Bind(source) => bind(plan, source, target, slot),
        Kind::New(new) => mount_new(plan, new, target),
        Kind::Configured(fs) => mount_configured(plan, fs, target, slot),
        Kind::Mask(empty) => mask(plan, empty, target, slot),
        Kind::Attributes { attributes, recursive } => {
            change_mounted(&target.open()?, attributes, recursive).map_err(failed)
        }
        Kind::Reconfigure(changes) => reconfigure(plan, &target.open()?, changes).map_err(failed),
        Kind::Entry { name, entry } => {
            let directory = target.open_or_make(|| Ok(FileType::Directory))?;
            make_entry(plan, directory.as_fd(), plan.strings.get(name), (entry, slot), index)
        }
    }
}

/// Opens the sources that an earlier mount could hide, before the first mount.
pub(super) fn open_early(plan: Root<'_>) -> Outcome {
    plan.slots.iter().for_each(Slot::clear);
    for (step, slot) in plan.mounts.iter().zip(plan.slots) {
        match open_source(plan, step) {
            Ok(Some(handle)) => slot.store(handle),
            Ok(None) => {}
            Err(StepError { errno: Errno::NOENT, .. }) if step.optional => slot.store_missing(),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn open_source(plan: Root<'_>, step: &MountStep) -> Outcome<Option<Handle>> {
    let failed = Step::MountSource { mount: step.index, source: 0 }.failed();
    match step.kind {
        Kind::Bind(Bind { source: Source::Path(path), .. }) => {
            let file = open_path(CWD, plan.strings.get(path), OFlags::empty());
            file.map(Some).map_err(failed)
        }
        Kind::Configured(fs) => create(plan, fs, step.index),
        // Not every mask and device needs its source, so that an error counts later.
        Kind::Mask(_) => Ok(open_null().ok()),
        Kind::Entry { entry: Entry::Device(device), .. } => {
            Ok(open_path(CWD, plan.strings.get(device.host), OFlags::empty()).ok())
        }
        _ => Ok(None),
    }
}

/// Closes the descriptors of [`open_early`] that no mount has used: after an error, and for a mask or device
/// that did not need its source.
pub(super) fn close_early(plan: Root<'_>) {
    plan.slots.iter().for_each(|slot| drop(slot.take()));
}
