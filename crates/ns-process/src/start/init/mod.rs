//! The built-in init: a static program of its own.
//!
//! It never executes another program, so that it cannot stay in the caller's memory, and a copy of that
//! would be kept for as long as it lives. So it is a program, made here from the assembly of this
//! processor, and executed from a file without a name. What it does:
//!
//! ```text
//! prctl(PR_SET_NAME, argv[0])
//! for each signal, by rt_sigtimedwait(all):            # it begins with all of them blocked
//!     if it is SIGCHLD:
//!         for each child that has ended, by wait4(-1, WNOHANG | __WALL):
//!             if it is argv[1]:
//!                 write(3, [its status, 1])            # two ints, to an eventfd
//!                 exit_group(its code, or 128 + its signal)
//!     else:
//!         kill(argv[1], the signal)
//! ```
//!
//! Where a filter forbids to wait for signals it waits for children only, and where it forbids that too
//! it leaves.

#[cfg(target_arch = "aarch64")]
mod aarch64;
mod builtin;
mod executable;
mod file;
mod process;
#[cfg(target_arch = "riscv64")]
mod riscv64;
#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(target_arch = "aarch64")]
use aarch64 as machine;
#[cfg(target_arch = "riscv64")]
use riscv64 as machine;
#[cfg(target_arch = "x86_64")]
use x86_64 as machine;

pub(crate) use executable::executable;
pub(super) use process::InitProcess;
