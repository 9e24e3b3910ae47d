//! The state that the caller, the intermediate process and the child share.
#![allow(unsafe_code, reason = "maps shared memory")]

use std::ops::Deref;
use std::prelude::rust_2024::*;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicI32, AtomicU8, AtomicU32, AtomicUsize, Ordering};

use ns_sys::Errno;
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};

use crate::in_child::Handshake;

/// A value that no wait status has: the program has executed.
pub(super) const EXECUTED: i32 = -1;

/// The handshakes of all processes of a start, and what the kernel and the child report.
#[derive(Debug)]
pub(super) struct SharedState {
    pub(super) child: Handshake,
    pub(super) intermediate: Handshake,
    /// The process ID of the child that an intermediate process makes, stored by the kernel.
    pub(super) pid: AtomicU32,
    /// The pidfd of that child, stored by the kernel.
    pub(super) pidfd: AtomicI32,
    /// The handshake of the program, if an init runs as pid 1.
    pub(super) program: Handshake,
    /// The process ID of the program in the pid namespace of the init.
    pub(super) program_pid: AtomicU32,
    /// The wait status of the program if it terminated before it executed; [`EXECUTED`] otherwise.
    pub(super) program_ended: AtomicI32,
}

impl SharedState {
    pub(super) fn new(waits_for_release: bool) -> Self {
        Self {
            child: Handshake::new(waits_for_release),
            intermediate: Handshake::new(waits_for_release),
            pid: AtomicU32::new(0),
            pidfd: AtomicI32::new(-1),
            program: Handshake::new(false),
            program_pid: AtomicU32::new(0),
            program_ended: AtomicI32::new(EXECUTED),
        }
    }
}

/// The memory of a [`SharedState`].
#[derive(Debug)]
pub(super) enum StateMemory {
    /// The caller's memory, which the child shares.
    Own(SharedState),
    /// A shared mapping, for a child with copied memory.
    Shared(SharedPage),
}

impl StateMemory {
    pub(super) fn new(waits_for_release: bool, is_copied: bool) -> Result<Self, Errno> {
        let state = SharedState::new(waits_for_release);
        Ok(if is_copied { Self::Shared(SharedPage::new(state)?) } else { Self::Own(state) })
    }

    /// The error message of a hook in the child; `None` in shared memory, where no hook runs.
    pub(super) fn message(&self) -> Option<&Text> {
        match self {
            Self::Own(_) => None,
            Self::Shared(page) => Some(&page.contents().message),
        }
    }
}

impl Deref for StateMemory {
    type Target = SharedState;

    fn deref(&self) -> &SharedState {
        match self {
            Self::Own(shared) => shared,
            Self::Shared(page) => page,
        }
    }
}

/// A [`SharedState`] in a mapping that stays shared when the memory is copied.
#[derive(Debug)]
pub(super) struct SharedPage(NonNull<Contents>);

#[derive(Debug)]
struct Contents {
    state: SharedState,
    message: Text,
}

impl SharedPage {
    pub(super) fn new(state: SharedState) -> Result<Self, Errno> {
        let (protection, length) = (ProtFlags::READ | ProtFlags::WRITE, size_of::<Contents>());
        // SAFETY: a new mapping at an address that the kernel chooses overlaps no other memory.
        let page =
            unsafe { mmap_anonymous(ptr::null_mut(), length, protection, MapFlags::SHARED) }?;
        let pointer = NonNull::new(page.cast::<Contents>()).ok_or(Errno::NOMEM)?;
        // SAFETY: the mapping is page-aligned, writable and at least as large as the value, and
        // nothing else refers to it yet.
        unsafe { pointer.write(Contents { state, message: Text::new() }) };
        Ok(Self(pointer))
    }

    fn contents(&self) -> &Contents {
        // SAFETY: `new` initialized the value, and the mapping lives as long as `self`. Every field
        // that another process or the kernel writes is atomic.
        unsafe { self.0.as_ref() }
    }
}

impl Deref for SharedPage {
    type Target = SharedState;

    fn deref(&self) -> &SharedState {
        &self.contents().state
    }
}

impl Drop for SharedPage {
    fn drop(&mut self) {
        // SAFETY: this is the mapping that `new` made, and no reference into it outlives `self`.
        // Children have their own mappings of the page.
        let _ = unsafe { munmap(self.0.as_ptr().cast(), size_of::<Contents>()) };
    }
}

/// The largest length in bytes. A longer text is truncated.
const LONGEST: usize = 512;

/// The message of an error that the child reports. Only the child writes it, before the report.
#[derive(Debug)]
pub(super) struct Text {
    length: AtomicUsize,
    bytes: [AtomicU8; LONGEST],
}

impl Text {
    pub(super) const fn new() -> Self {
        Self { length: AtomicUsize::new(0), bytes: [const { AtomicU8::new(0) }; LONGEST] }
    }

    pub(super) fn write(&self, text: &str) {
        for (slot, byte) in self.bytes.iter().zip(text.bytes()) {
            slot.store(byte, Ordering::Relaxed);
        }
        self.length.store(text.len().min(LONGEST), Ordering::Release);
    }

    /// The text; `None` if none was written.
    pub(super) fn read(&self) -> Option<String> {
        let length = self.length.load(Ordering::Acquire).min(LONGEST);
        let bytes: Vec<u8> =
            self.bytes.iter().take(length).map(|byte| byte.load(Ordering::Relaxed)).collect();
        (length > 0).then(|| String::from_utf8_lossy(&bytes).into_owned())
    }
}
