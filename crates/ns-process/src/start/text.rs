//! A short text from the child for the caller.

use std::prelude::rust_2024::*;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

/// The largest length in bytes. A longer text is truncated.
const LONGEST: usize = 512;

/// The text. Only the child writes it, before it reports its error.
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
