//! The memory of other processes, and the dumpable flag, which protects it.

use std::hint::black_box;

/// The word at `address` in the memory of the process `pid`, if this process may read it.
pub(crate) fn read_word(pid: i32, address: usize) -> Option<u64> {
    let mut word = 0_u64;
    let local = libc::iovec { iov_base: (&raw mut word).cast(), iov_len: 8 };
    let remote = libc::iovec { iov_base: std::ptr::without_provenance_mut(address), iov_len: 8 };
    // SAFETY: one buffer of eight bytes, which outlives the call; the kernel checks the other address.
    let read = unsafe { libc::process_vm_readv(pid, &raw const local, 1, &raw const remote, 1, 0) };
    (read == 8).then(|| black_box(word))
}

/// The dumpable flag of this process.
pub(crate) fn dumpable() -> i32 {
    // SAFETY: takes numbers only.
    unsafe { libc::prctl(libc::PR_GET_DUMPABLE) }
}

/// Sets the dumpable flag of this process by the bare system call.
pub(crate) fn prctl_dumpable(value: libc::c_ulong) {
    // SAFETY: takes numbers only.
    assert_eq!(unsafe { libc::prctl(libc::PR_SET_DUMPABLE, value, 0, 0, 0) }, 0);
}
