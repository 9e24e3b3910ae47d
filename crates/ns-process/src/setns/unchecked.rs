//! Running a closure in a child of a program with threads.
#![allow(unsafe_code, reason = "the caller's contract is passed on")]

use std::os::fd::OwnedFd;
use std::prelude::rust_2024::*;

use super::process::{SetnsProcess, StartFunctions};
use crate::error::Error;

impl SetnsProcess {
    /// As [`run`](Self::run), also in a program with threads.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    ///
    /// # Safety
    /// That of [`start_unchecked`](crate::Builder::start_unchecked).
    pub unsafe fn run_unchecked(
        &self,
        body: impl FnOnce() -> Vec<u8> + Send + 'static,
    ) -> Result<Vec<u8>, Error> {
        // SAFETY: the contract of this function.
        self.run_by(body, &unsafe { unchecked() })
    }

    /// As [`run_fds`](Self::run_fds), also in a program with threads.
    ///
    /// # Errors
    /// As [`run_fds`](Self::run_fds).
    ///
    /// # Safety
    /// That of [`start_unchecked`](crate::Builder::start_unchecked).
    pub unsafe fn run_fds_unchecked(
        &self,
        body: impl FnOnce() -> Vec<OwnedFd> + Send + 'static,
    ) -> Result<Vec<OwnedFd>, Error> {
        // SAFETY: the contract of this function.
        self.run_fds_by(body, &unsafe { unchecked() })
    }
}

/// # Safety
/// For each call of the functions, the contract of [`start_unchecked`](crate::Builder::start_unchecked).
unsafe fn unchecked() -> StartFunctions {
    StartFunctions {
        // SAFETY: the contract of this function.
        inject: |builder| unsafe { builder.start_unchecked() },
        // SAFETY: as above.
        container: |builder| unsafe { builder.start_unchecked() },
    }
}
