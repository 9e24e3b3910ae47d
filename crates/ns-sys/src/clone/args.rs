//! The arguments of clone3(2).

use core::ffi::c_void;
use core::mem::{offset_of, size_of};
use core::ptr::NonNull;
use core::sync::atomic::{AtomicI32, AtomicU32};

use rustix::fd::{AsRawFd, BorrowedFd};

use crate::Signal;
use crate::flags::CloneFlags;

/// `struct clone_args` of include/uapi/linux/sched.h.
///
/// It is always passed whole: an older kernel accepts a longer struct if the fields that it does not
/// know are zero.
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

/// The arguments of clone3(2): `struct clone_args`, field by field.
///
/// If the kernel reads a field only with one flag, the setter of the field also sets that flag. The
/// kernel reads `child_tid` with two flags, so the caller chooses which of them to set.
///
/// ```
/// use ns_sys::{CloneArgs, CloneFlags};
///
/// let broken = CloneArgs::new(CloneFlags::NEWUSER | CloneFlags::FS).validate();
/// assert_eq!(broken.unwrap_err().to_string(), "CLONE_NEWUSER excludes CLONE_FS");
/// ```
///
/// # Async-signal-safety
/// All methods may be called between clone and exec.
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
    /// Arguments for a child with `flags` and no exit signal, on the caller's stack.
    pub fn new(flags: CloneFlags) -> Self {
        let raw = Raw { flags: flags.bits(), ..Raw::default() };
        Self { raw, tids: &[] }
    }

    /// The size in bytes of the struct that [`CloneArgs::as_ptr`] points to.
    pub const SIZE: usize = size_of::<Raw>();

    /// A pointer to the kernel's `struct clone_args`, for a direct system call.
    pub fn as_ptr(&self) -> *const c_void {
        (&raw const self.raw).cast()
    }

    /// The flags, including those that setters added.
    pub fn flags(&self) -> CloneFlags {
        CloneFlags::from_bits_retain(self.raw.flags)
    }

    /// Set where the kernel stores a pidfd of the child, close-on-exec; sets `PIDFD`.
    ///
    /// This is for a slot in memory that several processes share. [`clone3_pidfd`](crate::clone3_pidfd)
    /// returns an owned pidfd, and needs no slot.
    ///
    /// The kernel writes to the caller's memory. A child with its own copy of the memory reads the old
    /// value. If the call fails, the slot may contain the number of a descriptor that is closed again.
    pub fn pidfd(&mut self, slot: &'a AtomicI32) -> &mut Self {
        self.raw.pidfd = address(slot.as_ptr());
        self.with(CloneFlags::PIDFD)
    }

    /// Set where the kernel stores the child's thread ID before clone3 returns in either process;
    /// sets `PARENT_SETTID`.
    pub fn parent_tid(&mut self, slot: &'a AtomicU32) -> &mut Self {
        self.raw.parent_tid = address(slot.as_ptr());
        self.with(CloneFlags::PARENT_SETTID)
    }

    /// Set the word in the child's memory in which `CHILD_SETTID` stores the thread ID and which
    /// `CHILD_CLEARTID` clears.
    pub fn child_tid(&mut self, word: &'a AtomicU32) -> &mut Self {
        self.raw.child_tid = address(word.as_ptr());
        self
    }

    /// Set the signal that the parent receives when the child terminates.
    ///
    /// The default is no signal. Then the parent must wait with `__WCLONE` or `__WALL` until the
    /// child has executed a program.
    pub fn exit_signal(&mut self, signal: Signal) -> &mut Self {
        self.raw.exit_signal = u64::from(signal.as_raw().unsigned_abs());
        self
    }

    /// Set the child's stack, by its lowest byte and its size in bytes.
    pub fn stack(&mut self, lowest: NonNull<u8>, size: usize) -> &mut Self {
        self.raw.stack = address(lowest.as_ptr());
        self.raw.stack_size = size as u64;
        self
    }

    /// Set the child's thread-local storage descriptor, which depends on the architecture; sets
    /// `SETTLS`.
    pub fn tls(&mut self, descriptor: *mut c_void) -> &mut Self {
        self.raw.tls = address(descriptor);
        self.with(CloneFlags::SETTLS)
    }

    /// Set the child's process IDs, one per pid namespace, from the innermost outwards.
    pub fn set_tid(&mut self, tids: &'a [u32]) -> &mut Self {
        self.raw.set_tid = if tids.is_empty() { 0 } else { address(tids.as_ptr()) };
        self.raw.set_tid_size = tids.len() as u64;
        self.tids = tids;
        self
    }

    /// Set the version 2 cgroup in which the child starts, by its directory; sets `INTO_CGROUP`.
    pub fn cgroup(&mut self, directory: BorrowedFd<'a>) -> &mut Self {
        // A BorrowedFd is never negative.
        self.raw.cgroup = u64::from(directory.as_raw_fd().unsigned_abs());
        self.with(CloneFlags::INTO_CGROUP)
    }

    /// A copy of these arguments without `flags`.
    ///
    /// The fields that the kernel reads only with those flags keep their values, and the kernel
    /// ignores them.
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
