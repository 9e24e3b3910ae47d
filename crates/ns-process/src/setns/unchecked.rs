//! Running a closure in a child of a program with threads.
#![allow(unsafe_code, reason = "the caller's contract is passed on")]

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
        let start = StartFunctions {
            // SAFETY: the contract of this function.
            inject: |builder| unsafe { builder.start_unchecked() },
            // SAFETY: as above.
            container: |builder| unsafe { builder.start_unchecked() },
        };
        self.run_by(body, &start)
    }
}
