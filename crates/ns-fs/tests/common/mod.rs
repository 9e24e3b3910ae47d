//! What several tests of this crate need.
#![allow(dead_code, reason = "no test needs all of it")]
#![allow(unsafe_code, reason = "seccomp filters, and descriptors by number")]

use std::os::fd::{BorrowedFd, RawFd};

use ns_sys::Errno;
use ns_sys::child::{BpfInstruction, seccomp_set_filter};

/// Borrows a number.
pub(crate) fn borrow(number: RawFd) -> BorrowedFd<'static> {
    // SAFETY: the tests own their numbers, and close none while it is borrowed.
    unsafe { BorrowedFd::borrow_raw(number) }
}

/// From here on, system call `number` fails with `errno` in this process, as on a kernel without it.
pub(crate) fn refuse(number: u32, errno: Errno) {
    let instruction = |code, jt, jf, k| BpfInstruction { code, jt, jf, k };
    let told = errno.raw_os_error().unsigned_abs();
    let filter = [
        // Load the number; compare; fail; allow.
        instruction(0x20, 0, 0, 0),
        instruction(0x15, 0, 1, number),
        instruction(0x06, 0, 0, 0x0005_0000 | told),
        instruction(0x06, 0, 0, 0x7fff_0000),
    ];
    rustix::thread::set_no_new_privs(true).expect("no_new_privs");
    seccomp_set_filter(0, &filter).expect("seccomp");
}
