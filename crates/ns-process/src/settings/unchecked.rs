//! Descriptors that a closure does not keep.
#![allow(unsafe_code, reason = "the caller vouches for the closure")]

use std::os::fd::RawFd;
use std::prelude::rust_2024::*;

use super::Builder;

impl<Kind> Builder<Kind> {
    /// Closes every descriptor of a closure's child but 0 to 2 and these, which it has otherwise.
    ///
    /// # Safety
    /// Nothing that the closure owns or uses has another descriptor: it would fail, or be that of a file
    /// which the closure opens later.
    ///
    /// # References
    /// close_range(2).
    pub unsafe fn close_except(&mut self, kept: impl IntoIterator<Item = RawFd>) -> &mut Self {
        self.streams.close_except = Some(kept.into_iter().collect());
        self
    }
}
