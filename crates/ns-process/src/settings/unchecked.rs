//! The descriptors that a closure keeps.
#![allow(unsafe_code, reason = "the caller vouches for the closure")]

use std::os::fd::RawFd;
use std::prelude::rust_2024::*;

use super::Builder;

/// # Descriptors of a closure
///
/// The descriptors that a closure inherits, for a caller that can list them.
impl<Kind> Builder<Kind> {
    /// Closes all descriptors in the child of a closure except 0, 1, 2 and these; by default it
    /// inherits all.
    ///
    /// # Safety
    /// The closure must not use any other descriptor: it will be closed and its number may be
    /// reused.
    ///
    /// # References
    /// close_range(2).
    pub unsafe fn close_except(&mut self, kept: impl IntoIterator<Item = RawFd>) -> &mut Self {
        self.streams.close_except = Some(kept.into_iter().collect());
        self
    }
}
