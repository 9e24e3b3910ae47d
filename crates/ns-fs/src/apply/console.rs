//! A new pseudo-terminal of the devpts in the root, and its mount on `/dev/console`.

use core::ffi::CStr;

use ns_sys::child::{self, FileType, Mode, OFlags, ResolveFlags};
use ns_sys::fd::{AsFd, BorrowedFd, RawFd};
use ns_sys::{Errno, Result};

use super::attributes::TreeAttributes;
use super::bind::attach;
use super::handle::{CWD, Handle, open_path};
use super::in_root::{NO_LINKS, create_file, resolve_with};
use super::source::clone_tree;
use crate::{Step, StepError};

/// A new pseudo-terminal. The caller closes both descriptors, which are close-on-exec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Console {
    /// The end of the program that shows the terminal.
    pub master: RawFd,
    /// The end that is the terminal of a program.
    pub terminal: RawFd,
    /// Its name in `/dev/pts`.
    pub number: u32,
}

/// `DEVPTS_SUPER_MAGIC` of include/uapi/linux/magic.h.
const DEVPTS: u64 = 0x1cd1;

/// The device number of `/dev/ptmx`.
const PTMX: (u32, u32) = (5, 2);

/// Both ends are opened so: no terminal becomes the controlling one by accident.
const ENDS: OFlags = OFlags::RDWR.union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// `openat2("/dev/pts")`, `openat2("ptmx")`, `ioctl(TIOCSPTLCK)`, `ioctl(TIOCGPTPEER)`, `ioctl(TIOCGPTN)` — opens
/// a new pseudo-terminal of the devpts on `/dev/pts` of the present root.
///
/// No symbolic link is followed, and nothing but the `ptmx` of a devpts is opened, so the files of an untrusted
/// root lead nowhere else. The terminal is opened through its master, not by its path.
///
/// # Errors
/// [`Step::OpenConsole`]:
/// - `ENOENT`, `ENODEV`: no devpts is mounted on `/dev/pts`.
/// - `ELOOP`: `/dev` or `/dev/pts` is a symbolic link.
/// - `EXDEV`: another file is mounted on `/dev/pts/ptmx`.
/// - `EACCES`: the mode of `ptmx` excludes this process; the option `ptmxmode=666` of devpts admits all.
/// - `ENOSPC`: no pseudo-terminal is free: `/proc/sys/kernel/pty/max`, or the option `max` of devpts.
/// - `EINVAL`: before Linux 4.13.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 4.13.
///
/// # References
/// pts(4), TIOCGPTPEER(2const); fs/devpts/inode.c.
pub fn open_console() -> core::result::Result<Console, StepError> {
    open().map_err(Step::OpenConsole.failed())
}

fn open() -> Result<Console> {
    let directory = open_inside(c"dev/pts")?;
    check_devpts(directory.as_fd())?;
    let master = open_ptmx(directory.as_fd())?;
    child::ioctl_tiocsptlck(master.as_fd(), false)?;
    let terminal = child::ioctl_tiocgptpeer(master.as_fd(), ENDS).map(Handle::new)?;
    let number = child::ioctl_tiocgptn(master.as_fd())?;
    Ok(Console { master: master.into_raw(), terminal: terminal.into_raw(), number })
}

/// Opens a path of the root without symbolic links. Mounts are crossed.
fn open_inside(path: &CStr) -> Result<Handle> {
    let root = open_path(CWD, c"/", OFlags::DIRECTORY)?;
    resolve_with(root.as_fd(), path, NO_LINKS)
}

fn check_devpts(file: BorrowedFd<'_>) -> Result<()> {
    if child::fstatfs(file)?.magic == DEVPTS { Ok(()) } else { Err(Errno::NODEV) }
}

/// Only the kernel makes files in a devpts, so its `ptmx` is opened without a check before. A mount on it is not
/// crossed; without openat2(2) it is found afterwards.
fn open_ptmx(devpts: BorrowedFd<'_>) -> Result<Handle> {
    const PATH: &CStr = c"ptmx";
    let flags = ENDS.union(OFlags::NOFOLLOW);
    let how = ResolveFlags::NO_XDEV.union(ResolveFlags::NO_SYMLINKS);
    let opened = match child::openat2(devpts, PATH, flags, Mode::empty(), how) {
        Err(Errno::NOSYS) => child::openat(devpts, PATH, flags, Mode::empty()),
        other => other,
    };
    let master = opened.map(Handle::new)?;
    check_devpts(master.as_fd())?;
    let id = child::file_id(master.as_fd())?;
    if (id.file_type, id.rdev) == (FileType::CharacterDevice, PTMX) {
        Ok(master)
    } else {
        Err(Errno::NODEV)
    }
}

/// `openat2("/dev")`, `openat("console")`, `open_tree(terminal)`, `move_mount` — mounts an open terminal on
/// `/dev/console` of the present root, which is created as an empty file if it is missing.
///
/// No symbolic link is followed, and neither file is named by its path. Call
/// [`propagation`](crate::apply::propagation) first: otherwise the mount may appear in other mount namespaces.
///
/// # Errors
/// [`Step::MountConsole`]:
/// - `ENOENT`: the root has no `/dev`.
/// - `ELOOP`: `/dev` or `/dev/console` is a symbolic link.
/// - `EROFS`, `EACCES`: `/dev/console` is missing and cannot be created.
/// - `EISDIR`: `/dev/console` is a directory.
/// - `EPERM`: no `CAP_SYS_ADMIN` over the mount namespace.
/// - `EINVAL`: the terminal lies in another mount namespace.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 5.2; before, by the paths of both files in `/proc/self/fd`.
///
/// # References
/// open_tree(2), move_mount(2), console(4).
pub fn mount_console(terminal: BorrowedFd<'_>) -> core::result::Result<(), StepError> {
    mount_on_console(terminal).map_err(Step::MountConsole.failed())
}

fn mount_on_console(terminal: BorrowedFd<'_>) -> Result<()> {
    const NAME: &CStr = c"console";
    let directory = open_inside(c"dev")?;
    let place = || open_without_link(directory.as_fd(), NAME);
    let target = match place() {
        Err(Errno::NOENT) => {
            create_file(directory.as_fd(), NAME, Mode::from_bits_truncate(0o644))?;
            place()?
        }
        other => other?,
    };
    let tree = clone_tree(terminal, c"", false)?;
    attach(&tree, &target, TreeAttributes::default(), false, place)
}

/// `O_PATH` with `O_NOFOLLOW` opens a symbolic link itself.
fn open_without_link(directory: BorrowedFd<'_>, name: &CStr) -> Result<Handle> {
    let file = open_path(directory, name, OFlags::NOFOLLOW)?;
    match child::file_id(file.as_fd())?.file_type {
        FileType::Symlink => Err(Errno::LOOP),
        _ => Ok(file),
    }
}
