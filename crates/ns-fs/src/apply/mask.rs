//! Masks: an empty read-only file system over a directory, `/dev/null` over another file.

use ns_sys::Result;
use ns_sys::child::FileType;
use ns_sys::fd::AsFd;

use super::attributes::TreeAttributes;
use super::bind::{attach, is_directory};
use super::entry::open_null;
use super::handle::Handle;
use super::mount_step::NewFs;
use super::new_fs::mount_on;
use super::root::Root;
use super::source::clone_tree;
use super::target::Target;
use crate::{Step, StepError};

/// `empty` is the file system that covers a directory.
pub(super) fn mask(
    plan: Root<'_>,
    empty: NewFs,
    target: Target<'_>,
) -> core::result::Result<(), StepError> {
    let place = target.open_to_cover(|| FileType::Directory)?;
    let masked = if is_directory(place.as_fd()) {
        mount_on(plan, empty, &place)
    } else {
        cover_file(&place, || target.reopen())
    };
    masked.map_err(Step::Mount(target.index).failed())
}

fn cover_file(file: &Handle, reopen: impl Fn() -> Result<Handle>) -> Result<()> {
    let null = clone_tree(open_null()?.as_fd(), c"", false)?;
    attach(&null, file, TreeAttributes::default(), false, reopen)
}
