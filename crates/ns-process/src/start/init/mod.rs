//! The built-in init: a separate static program.
//!
//! An init does not execute another program. If it ran in the caller's memory, it would stay there
//! as long as it lives, and a copy of the memory would be kept as long. So the init is a separate
//! program: it is built here from assembly, and executed from an unnamed file. Its algorithm:
//!
//! ```text
//! prctl(PR_SET_NAME, argv[0])
//! for each signal, by rt_sigtimedwait(all):            # all signals are blocked from the start
//!     if it is SIGCHLD:
//!         for each terminated child, by wait4(-1, WNOHANG | __WALL):
//!             if it is argv[1]:
//!                 write(3, [wait status, 1])            # two ints, to an eventfd
//!                 exit_group(the exit code, or 128 + the signal)
//!     else:
//!         kill(argv[1], the signal)
//! ```
//!
//! If a seccomp filter forbids rt_sigtimedwait(2), the init only waits for children. If the filter
//! forbids wait4(2) too, the init exits.
#![allow(unsafe_code, reason = "takes the instructions of the architecture")]

#[cfg(target_arch = "aarch64")]
mod aarch64;
mod builtin;
mod file;
mod process;
#[cfg(target_arch = "riscv64")]
mod riscv64;
#[cfg(target_arch = "x86_64")]
mod x86_64;

use std::prelude::rust_2024::*;

use super::static_program;
#[cfg(target_arch = "aarch64")]
use aarch64 as machine;
#[cfg(target_arch = "riscv64")]
use riscv64 as machine;
#[cfg(target_arch = "x86_64")]
use x86_64 as machine;

pub(super) use process::InitProcess;

/// The executable file of the built-in init.
fn executable() -> Vec<u8> {
    // SAFETY: `code` returns two such addresses.
    let instructions = unsafe { static_program::instructions(machine::code()) };
    static_program::file(instructions, &[])
}
