//! A mount that becomes the root.

use ns_sys::fd::{AsFd, AsRawFd};
use ns_sys::{Errno, child};

use super::attributes::{TreeAttributes, change, change_mounted};
use super::bind::open_source;
use super::fd_path::FdPath;
use super::handle::{CWD, open_path};
use super::mount_step::{Bind, Configured, RootMount};
use super::new_fs::{create, finish, left_after_mount, mount_at};
use super::new_root::{TOP, bind_on_root, enter_tree};
use super::root::Root;
use super::source::Opened;
use crate::{Step, StepError};

/// Mounts it on `/`, and enters it. Paths that begin with `/` still lead to the current root.
pub(super) fn enter_root_mount(plan: Root<'_>, mount: RootMount) -> Result<(), StepError> {
    match mount {
        RootMount::Bind(bind) => enter_bind(plan, bind),
        RootMount::Configured(fs) => enter_new(plan, fs),
    }
}

/// The position in the caller's list.
const FIRST: u32 = 0;

fn enter_bind(plan: Root<'_>, bind: Bind) -> Result<(), StepError> {
    let source = Step::MountSource { mount: FIRST, source: 0 };
    let opened = open_source(plan, bind, None, None).map_err(source.failed())?;
    let entered = match &opened {
        Opened::File(file) => {
            let path = FdPath::new(file.as_raw_fd());
            bind_on_root(path.as_c_str(), bind.recursive)
                .and_then(|()| change_here(bind.attributes, bind.recursive))
        }
        Opened::Callers(_) => enter_tree(opened.as_fd()),
        Opened::Tree(_) => match change(opened.as_fd(), bind.attributes, None, bind.recursive) {
            Err(Errno::NOSYS) => enter_tree(opened.as_fd())
                .and_then(|()| change_here(bind.attributes, bind.recursive)),
            other => other.and_then(|()| enter_tree(opened.as_fd())),
        },
    };
    entered.map_err(Step::Mount(FIRST).failed())
}

/// Changes the mount whose root is the working directory.
fn change_here(attributes: TreeAttributes, recursive: bool) -> ns_sys::Result<()> {
    if attributes.is_empty() {
        return Ok(());
    }
    let here = open_path(CWD, c".", child::OFlags::DIRECTORY)?;
    change_mounted(&here, attributes, recursive)
}

fn enter_new(plan: Root<'_>, fs: Configured) -> Result<(), StepError> {
    let entered = match create(plan, fs, FIRST)? {
        Some(tree) => {
            enter_tree(tree.as_fd()).and_then(|()| finish(fs.late_attributes(), || Ok(tree)))
        }
        None => mount_at(plan, fs.here(), c"/")
            .and_then(|()| child::chdir(TOP))
            .and_then(|()| change_here(left_after_mount(fs.new.attributes), false)),
    };
    entered.map_err(Step::Mount(FIRST).failed())
}
