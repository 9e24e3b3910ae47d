//! New file systems: by mount(2), or option by option.

use core::ffi::CStr;

use ns_sys::child::{
    self, FileType, FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, OFlags,
};
use ns_sys::fd::{AsFd, AsRawFd, BorrowedFd};
use ns_sys::{Errno, Result};

use super::attributes::{
    Attributes, RDONLY, TreeAttributes, after_mount, change_mounted, new_flags,
};
use super::bind::move_to;
use super::copy_up::copy_up;
use super::entry::with_mode;
use super::fd_path::FdPath;
use super::handle::{CWD, Handle, open_path};
use super::mount_step::{Configured, CopyUp, FsOption, FsValue, NewFs, UserXattr};
use super::namespace::is_in_user_namespace;
use super::root::Root;
use super::source::Slot;
use super::target::Target;
use crate::{Step, StepError};

type Outcome<T = ()> = core::result::Result<T, StepError>;

/// Mounts by mount(2).
pub(super) fn mount_new(plan: Root<'_>, new: NewFs, target: Target<'_>) -> Outcome {
    let place = target.open_to_cover(|| Ok(FileType::Directory))?;
    mount_on(plan, new, &place)
        .and_then(|()| finish(left_after_mount(new.attributes), || target.reopen()))
        .map_err(Step::Mount(target.index).failed())
}

/// Mounts option by option; before Linux 6.15, and for options that do not fit, by mount(2).
pub(super) fn mount_configured(
    plan: Root<'_>,
    fs: Configured,
    target: Target<'_>,
    slot: Option<&Slot>,
) -> Outcome {
    let tree = match slot.and_then(Slot::take) {
        Some(tree) => Some(tree),
        None => create(plan, fs, target.index)?,
    };
    let place = target.open_to_cover(|| Ok(FileType::Directory))?;
    let mounted = match tree {
        Some(tree) => fill(fs, &place, &tree)
            .and_then(|()| move_to(tree.as_fd(), place.as_fd()))
            .and_then(|()| finish(fs.late_attributes(), || Ok(tree))),
        None => mount_on(plan, fs.here(), &place)
            .and_then(|()| finish(left_after_mount(fs.new.attributes), || target.reopen())),
    };
    mounted.map_err(Step::Mount(target.index).failed())
}

/// Nothing leads to the detached tree yet, so that no other process changes the copy.
fn fill(fs: Configured, place: &Handle, tree: &Handle) -> Result<()> {
    match fs.copy_up {
        Some(copy) => copy_up(place.as_fd(), tree.as_fd(), copy == CopyUp::Whole),
        None => Ok(()),
    }
}

impl Configured {
    /// The attributes that are set once it is mounted: fsmount(2) does not set the propagation type, and
    /// a copy needs a writable mount.
    pub(crate) fn late_attributes(self) -> TreeAttributes {
        let TreeAttributes { all, top } = left_after_mount(self.new.attributes);
        let read_only = if self.copy_up.is_some() { self.set() & RDONLY } else { 0 };
        TreeAttributes { all, top: Attributes { set: top.set | read_only, ..top } }
    }

    /// The option that the file system needs in the present user namespace.
    fn userxattr_here(self) -> Option<UserXattr> {
        self.userxattr.filter(|_| is_in_user_namespace())
    }

    /// The file system as mount(2) can mount it in the present user namespace.
    pub(super) fn here(self) -> NewFs {
        match self.userxattr_here() {
            Some(UserXattr { data }) => NewFs { data, ..self.new },
            None => self.new,
        }
    }

    /// Whether the file system itself is made read-only, as mount(2) does it: a read-only disk cannot be mounted
    /// otherwise.
    pub(crate) fn is_read_only(self) -> bool {
        self.set() & RDONLY != 0 && self.copy_up.is_none()
    }

    /// The attributes that fsmount(2) sets.
    pub(crate) fn early_attributes(self) -> u64 {
        self.set() & !self.late_attributes().top.set
    }

    fn set(self) -> u64 {
        let TreeAttributes { all, top } = self.new.attributes;
        all.set | top.set
    }
}

/// Creates the file system as a detached mount; `None` if the kernel cannot do that.
pub(super) fn create(plan: Root<'_>, fs: Configured, index: u32) -> Outcome<Option<Handle>> {
    let mut sources = 0;
    if fs.new.has_device {
        let device = open_path(CWD, plan.strings.get(fs.new.source), OFlags::empty());
        device.map_err(Step::MountSource { mount: index, source: 0 }.failed())?;
    }
    for option in plan.options_of(fs) {
        if let FsValue::Directory(path) = option.value {
            let step = Step::MountSource { mount: index, source: sources };
            open_path(CWD, plan.strings.get(path), OFlags::DIRECTORY).map_err(step.failed())?;
            sources = sources.saturating_add(1);
        }
    }
    match try_create(plan, fs) {
        Ok(None) if fs.copy_up.is_some() || plan.has_tmpfs(fs) => Err(Errno::NOSYS),
        Ok(None) if !fs.fits_mount => Err(Errno::TOOBIG),
        other => other,
    }
    .map_err(Step::Mount(index).failed())
}

fn try_create(plan: Root<'_>, fs: Configured) -> Result<Option<Handle>> {
    let context = match child::fsopen(plan.strings.get(fs.new.fs_type), FsOpenFlags::FSOPEN_CLOEXEC)
    {
        Ok(context) => Handle::new(context),
        Err(Errno::NOSYS) => return Ok(None),
        Err(errno) => return Err(errno),
    };
    child::fsconfig_set_string(context.as_fd(), c"source", plan.strings.get(fs.new.source))?;
    let tmpfs = if plan.has_tmpfs(fs) { Some(new_tmpfs()?) } else { None };
    for option in plan.options_of(fs) {
        let set = match &tmpfs {
            Some(tmpfs) if option.value == FsValue::NewDirectory => {
                set_new_directory(tmpfs.as_fd(), context.as_fd(), plan.strings.get(option.key))
            }
            _ => set_option(plan, context.as_fd(), *option),
        };
        match set {
            // mount(2) takes paths where this kernel takes no descriptor here, and longer values.
            Err(Errno::INVAL | Errno::BADF) if fs.copy_up.is_none() => return Ok(None),
            other => other?,
        }
    }
    if fs.userxattr_here().is_some() {
        child::fsconfig_set_flag(context.as_fd(), c"userxattr")?;
    }
    if fs.is_read_only() {
        child::fsconfig_set_flag(context.as_fd(), c"ro")?;
    }
    child::fsconfig_create(context.as_fd())?;
    let attrs = MountAttrFlags::from_bits_retain(attribute_bits(fs.early_attributes()));
    let tree = child::fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attrs)?;
    Ok(Some(Handle::new(tree)))
}

/// The bits of fsmount(2), which are 32.
fn attribute_bits(set: u64) -> u32 {
    u32::try_from(set & u64::from(u32::MAX)).unwrap_or_default()
}

/// Creates an empty tmpfs(5) as a detached mount.
pub(super) fn new_tmpfs() -> Result<Handle> {
    let context = Handle::new(child::fsopen(c"tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?);
    child::fsconfig_create(context.as_fd())?;
    let attrs = MountAttrFlags::empty();
    child::fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attrs).map(Handle::new)
}

/// Sets an option to a new directory of this name.
fn set_new_directory(tmpfs: BorrowedFd<'_>, context: BorrowedFd<'_>, key: &CStr) -> Result<()> {
    with_mode(0o755, |mode| child::mkdirat(tmpfs, key, mode))?;
    let directory = open_path(tmpfs, key, OFlags::DIRECTORY)?;
    child::fsconfig_set_fd(context, key, directory.as_fd())
}

pub(super) fn set_option(plan: Root<'_>, context: BorrowedFd<'_>, option: FsOption) -> Result<()> {
    let key = plan.strings.get(option.key);
    match option.value {
        FsValue::None | FsValue::NewDirectory => child::fsconfig_set_flag(context, key),
        FsValue::Text(value) => child::fsconfig_set_string(context, key, plan.strings.get(value)),
        FsValue::Directory(path) => {
            let directory = open_path(CWD, plan.strings.get(path), OFlags::DIRECTORY)?;
            child::fsconfig_set_fd(context, key, directory.as_fd())
        }
    }
}

/// `mount(source, target, …)` on an open target: a path would be resolved again and could lead elsewhere.
pub(super) fn mount_on(plan: Root<'_>, new: NewFs, target: &Handle) -> Result<()> {
    match enter(target) {
        Ok(previous) => {
            let mounted = mount_at(plan, new, c".");
            child::fchdir(previous.as_fd()).and(mounted)
        }
        // fchdir(2) needs search permission on the target and on the working directory; mount(2) needs
        // neither, so that a mount can hide a directory that may not be searched.
        Err(Errno::ACCESS) => mount_at(plan, new, FdPath::new(target.as_raw_fd()).as_c_str()),
        Err(errno) => Err(errno),
    }
}

pub(super) fn mount_at(plan: Root<'_>, new: NewFs, path: &CStr) -> Result<()> {
    let text = |text| plan.strings.get(text);
    let flags = new.mount_flags();
    child::mount(Some(text(new.source)), path, Some(text(new.fs_type)), flags, new.data.map(text))
}

impl NewFs {
    /// The flags of mount(2).
    pub(crate) fn mount_flags(self) -> MountFlags {
        let TreeAttributes { all, top } = self.attributes;
        self.flags.union(new_flags(all)).union(new_flags(top))
    }
}

/// Changes the working directory, and returns the previous one.
fn enter(target: &Handle) -> Result<Handle> {
    let previous = open_path(CWD, c".", OFlags::DIRECTORY)?;
    child::fchdir(target.as_fd()).map(|()| previous)
}

/// Makes the changes that need an attached mount.
pub(super) fn finish(late: TreeAttributes, open: impl FnOnce() -> Result<Handle>) -> Result<()> {
    if late.is_empty() { Ok(()) } else { change_mounted(&open()?, late, false) }
}

/// The attributes that mount(2) does not set.
pub(super) fn left_after_mount(attributes: TreeAttributes) -> TreeAttributes {
    TreeAttributes { all: after_mount(attributes.all), top: after_mount(attributes.top) }
}
