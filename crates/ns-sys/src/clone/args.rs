//! The arguments of clone3(2).

use core::ffi::c_void;
use core::mem::{offset_of, size_of};
use core::ptr::NonNull;
use core::sync::atomic::{AtomicI32, AtomicU32};

use rustix::fd::{AsRawFd, BorrowedFd};

use crate::flags::CloneFlags;

/// `struct clone_args` of include/uapi/linux/sched.h.
///
/// Always passed whole: an older kernel takes a longer struct whose unknown tail is zero.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Raw {
    pub(super) flags: u64,
    pub(super) pidfd: u64,
    pub(super) child_tid: u64,
    pub(super) parent_tid: u64,
    pub(super) exit_signal: u64,
    pub(super) stack: u64,
    pub(super) stack_size: u64,
    pub(super) tls: u64,
    pub(super) set_tid: u64,
    pub(super) set_tid_size: u64,
    pub(super) cgroup: u64,
}

// CLONE_ARGS_SIZE_VER0 (Linux 5.3), VER1 (5.5) and VER2 (5.7).
const _: () = assert!(offset_of!(Raw, set_tid) == 64);
const _: () = assert!(offset_of!(Raw, cgroup) == 80);
const _: () = assert!(size_of::<Raw>() == 88);

/// What clone3(2) is asked for: `struct clone_args`, field by field.
///
/// A setter whose field the kernel reads only under a flag sets that flag too. `child_tid` is read
/// under two, so there the caller says which.
///
/// ```
/// use ns_sys::{CloneArgs, CloneFlags};
///
/// let broken = CloneArgs::new(CloneFlags::NEWUSER | CloneFlags::FS).validate();
/// assert_eq!(broken.unwrap_err().to_string(), "CLONE_NEWUSER excludes CLONE_FS");
/// ```
///
/// # Kernel support
/// Linux 5.3; `set_tid` 5.5, `cgroup` 5.7.
///
/// # References
/// clone(2); include/uapi/linux/sched.h.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloneArgs<'a> {
    pub(super) raw: Raw,
    pub(super) tids: &'a [u32],
}

impl<'a> CloneArgs<'a> {
    /// A child with `flags`, no exit signal, and the caller's own stack, copied or shared.
    pub fn new(flags: CloneFlags) -> Self {
        let raw = Raw { flags: flags.bits(), ..Raw::default() };
        Self { raw, tids: &[] }
    }

    /// The size in bytes of what [`CloneArgs::as_ptr`] leads to.
    pub const SIZE: usize = size_of::<Raw>();

    /// The kernel's own form, for those who make the call themselves.
    pub fn as_ptr(&self) -> *const c_void {
        (&raw const self.raw).cast()
    }

    /// The flags, with those that setters added.
    pub fn flags(&self) -> CloneFlags {
        CloneFlags::from_bits_retain(self.raw.flags)
    }

    /// Where the kernel stores a descriptor of the child, close-on-exec; sets `PIDFD`.
    ///
    /// The slot is the creator's: a child with memory of its own reads the old value.
    pub fn pidfd(&mut self, slot: &'a AtomicI32) -> &mut Self {
        self.raw.pidfd = address(slot.as_ptr());
        self.with(CloneFlags::PIDFD)
    }

    /// Where the kernel stores the child's id before clone3 returns to either side; sets
    /// `PARENT_SETTID`.
    pub fn parent_tid(&mut self, slot: &'a AtomicU32) -> &mut Self {
        self.raw.parent_tid = address(slot.as_ptr());
        self.with(CloneFlags::PARENT_SETTID)
    }

    /// The word in the child's memory that `CHILD_SETTID` fills and `CHILD_CLEARTID` clears.
    pub fn child_tid(&mut self, word: &'a AtomicU32) -> &mut Self {
        self.raw.child_tid = address(word.as_ptr());
        self
    }

    /// The signal that tells the parent of the child's end, 0 to 64; 0, the default, is none, and
    /// then only a wait with `__WCLONE` or `__WALL` sees the child until it executes a program.
    pub fn exit_signal(&mut self, signal: u32) -> &mut Self {
        self.raw.exit_signal = signal.into();
        self
    }

    /// The child's stack, by its lowest byte and its size in bytes.
    pub fn stack(&mut self, lowest: NonNull<u8>, size: usize) -> &mut Self {
        self.raw.stack = address(lowest.as_ptr());
        self.raw.stack_size = size as u64;
        self
    }

    /// The thread-local storage descriptor, of the architecture's own form; sets `SETTLS`.
    pub fn tls(&mut self, descriptor: *mut c_void) -> &mut Self {
        self.raw.tls = address(descriptor);
        self.with(CloneFlags::SETTLS)
    }

    /// The ids the child shall have, from its own pid namespace outwards.
    pub fn set_tid(&mut self, tids: &'a [u32]) -> &mut Self {
        self.raw.set_tid = if tids.is_empty() { 0 } else { address(tids.as_ptr()) };
        self.raw.set_tid_size = tids.len() as u64;
        self.tids = tids;
        self
    }

    /// A directory of a version 2 cgroup, in which the child begins; sets `INTO_CGROUP`.
    pub fn cgroup(&mut self, directory: BorrowedFd<'a>) -> &mut Self {
        // A BorrowedFd is never negative.
        self.raw.cgroup = u64::from(directory.as_raw_fd().unsigned_abs());
        self.with(CloneFlags::INTO_CGROUP)
    }

    /// These without `flags`; what only they make the kernel read stays, unread.
    #[must_use]
    pub fn without(&self, flags: CloneFlags) -> Self {
        let raw = Raw { flags: self.raw.flags & !flags.bits(), ..self.raw };
        Self { raw, tids: self.tids }
    }

    fn with(&mut self, flag: CloneFlags) -> &mut Self {
        self.raw.flags |= flag.bits();
        self
    }
}

fn address<T>(pointer: *const T) -> u64 {
    pointer.expose_provenance() as u64
}
