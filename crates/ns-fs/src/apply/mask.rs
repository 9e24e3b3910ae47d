//! Masks: an empty read-only file system over a directory, `/dev/null` over another file.

use ns_sys::child::FileType;
use ns_sys::fd::AsFd;

use super::attributes::TreeAttributes;
use super::bind::{attach, is_directory};
use super::entry::open_null;
use super::mount_step::NewFs;
use super::new_fs::mount_on;
use super::root::Root;
use super::source::{Slot, clone_tree};
use super::target::Target;
use crate::{Step, StepError};

/// `empty` is the file system that covers a directory; `slot` may hold `/dev/null`.
pub(super) fn mask(
    plan: Root<'_>,
    empty: NewFs,
    target: Target<'_>,
    slot: Option<&Slot>,
) -> Result<(), StepError> {
    let place = target.open_to_cover(|| Ok(FileType::Directory))?;
    let failed = Step::Mount(target.index).failed();
    if is_directory(place.as_fd()).map_err(&failed)? {
        return mount_on(plan, empty, &place).map_err(failed);
    }
    let null = slot.and_then(Slot::take).map_or_else(open_null, Ok);
    let null = null.and_then(|null| clone_tree(null.as_fd(), c"", false));
    let null = null.map_err(Step::MountSource { mount: target.index, source: 0 }.failed())?;
    attach(&null, &place, TreeAttributes::default(), false, || target.reopen()).map_err(failed)
}
