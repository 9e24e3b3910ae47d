//! New entries of directories: links, files, directories and devices.

use core::ffi::CStr;

use ns_sys::child::{self, FileType, Mode, OFlags};
use ns_sys::fd::{AsFd, BorrowedFd};
use ns_sys::{Errno, Result};

use super::attributes::TreeAttributes;
use super::bind::attach;
use super::copy_up::write_all;
use super::handle::{CWD, Handle, open_path};
use super::in_root::create_file;
use super::mount_step::{Device, Entry};
use super::path_buffer::PATH_MAX;
use super::root::Root;
use super::source::{Opened, Slot, clone_tree};
use crate::{Step, StepError};

/// Makes an entry of an open directory.
pub(super) fn make_entry(
    plan: Root<'_>,
    directory: BorrowedFd<'_>,
    name: &CStr,
    (entry, slot): (Entry, Option<&Slot>),
    index: u32,
) -> core::result::Result<(), StepError> {
    let made = match entry {
        Entry::Link { to } => link(plan.strings.get(to), directory, name),
        Entry::File { contents, mode } => {
            write_new(directory, name, plan.strings.bytes(contents), mode)
        }
        Entry::Directory { mode } => make_directory(directory, name, mode),
        Entry::Device(device) => match node(directory, name, device) {
            Err(Errno::PERM) => {
                let host = slot.and_then(Slot::take);
                let source = open_device(plan, device, host);
                let source =
                    source.map_err(Step::MountSource { mount: index, source: 0 }.failed())?;
                bind_device(directory, name, &source)
            }
            other => other,
        },
    };
    made.map_err(Step::Mount(index).failed())
}

/// It is no error if the link exists already.
fn link(to: &CStr, directory: BorrowedFd<'_>, name: &CStr) -> Result<()> {
    match child::symlinkat(to, directory, name) {
        Err(Errno::EXIST) => {
            let mut present = [0; PATH_MAX];
            let length = child::readlinkat(directory, name, &mut present);
            let is_same = length.is_ok_and(|length| present.get(..length) == Some(to.to_bytes()));
            if is_same { Ok(()) } else { Err(Errno::EXIST) }
        }
        other => other,
    }
}

/// Creates a file with these contents.
pub(super) fn write_new(
    directory: BorrowedFd<'_>,
    name: &CStr,
    contents: &[u8],
    mode: u32,
) -> Result<()> {
    let file = with_mode(mode, |mode| create_file(directory, name, mode))?;
    write_all(file.as_fd(), contents).inspect_err(|_| {
        // A part of a file would be in the way of the next attempt.
        let _ = child::unlinkat(directory, name);
    })
}

/// The bits of a set-user-ID and a set-group-ID file.
pub(crate) const SET_ID: u32 = 0o6000;

/// It is no error if the directory exists already.
fn make_directory(parent: BorrowedFd<'_>, name: &CStr, mode: u32) -> Result<()> {
    let open = || open_path(parent, name, OFlags::DIRECTORY.union(OFlags::NOFOLLOW));
    let has_set_id = mode & SET_ID != 0;
    let first = if has_set_id { 0o700 } else { mode };
    match with_mode(first, |mode| child::mkdirat(parent, name, mode)) {
        Err(Errno::EXIST) => open().map(drop).map_err(|_| Errno::EXIST),
        // mkdirat(2) ignores these bits.
        Ok(()) if has_set_id => {
            child::fchmodat(open()?.as_fd(), c".", Mode::from_bits_truncate(mode))
        }
        other => other,
    }
}

/// It is no error if the device exists already.
fn node(directory: BorrowedFd<'_>, name: &CStr, device: Device) -> Result<()> {
    let make = |mode| child::mknodat(directory, name, device.file_type, mode, device.number);
    match with_mode(device.mode, make) {
        Err(Errno::EXIST) => {
            let present = open_path(directory, name, OFlags::NOFOLLOW)?;
            match child::file_id(present.as_fd())?.file_type {
                _ if is_device(present.as_fd(), device) => Ok(()),
                // An earlier process has bound the device on this file.
                FileType::RegularFile => Err(Errno::PERM),
                _ => Err(Errno::EXIST),
            }
        }
        Ok(()) => match device.owner {
            Some((uid, gid)) => child::fchownat(directory, name, uid, gid),
            None => Ok(()),
        },
        other => other,
    }
}

/// Opens the caller's device, of which `host` is a descriptor if it was opened before.
fn open_device(plan: Root<'_>, device: Device, host: Option<Handle>) -> Result<Opened<'static>> {
    let source = match host {
        Some(host) => clone_tree(host.as_fd(), c"", false),
        None => clone_tree(CWD, plan.strings.get(device.host), false),
    }?;
    if is_device(source.as_fd(), device) { Ok(source) } else { Err(Errno::NODEV) }
}

/// Binds a device on an empty file, which is created if it is missing.
fn bind_device(directory: BorrowedFd<'_>, name: &CStr, source: &Opened<'_>) -> Result<()> {
    let open = || open_path(directory, name, OFlags::NOFOLLOW);
    create_file(directory, name, Mode::from_bits_truncate(0o644))
        .or_else(|errno| if errno == Errno::EXIST { open() } else { Err(errno) })
        .and_then(|_| open())
        .and_then(|target| attach(source, &target, TreeAttributes::default(), false, open))
}

/// Whether an open file is this device.
pub(super) fn is_device(file: BorrowedFd<'_>, device: Device) -> bool {
    let id = child::file_id(file);
    id.is_ok_and(|id| (id.file_type, id.rdev) == (device.file_type, device.number))
}

/// Calls `make` with this mode and without a umask.
pub(super) fn with_mode<T>(mode: u32, make: impl FnOnce(Mode) -> T) -> T {
    let previous = child::umask(Mode::empty());
    let made = make(Mode::from_bits_truncate(mode));
    child::umask(previous);
    made
}

/// `/dev/null`.
const NULL: (FileType, (u32, u32)) = (FileType::CharacterDevice, (1, 3));

/// Opens the caller's `/dev/null`.
///
/// # Errors
/// `ENODEV`: it does not exist, or is another file.
pub(super) fn open_null() -> Result<Handle> {
    let null = match open_path(CWD, c"/dev/null", OFlags::empty()) {
        Err(Errno::NOENT) => return Err(Errno::NODEV),
        other => other?,
    };
    let id = child::file_id(null.as_fd())?;
    if (id.file_type, id.rdev) == NULL { Ok(null) } else { Err(Errno::NODEV) }
}
