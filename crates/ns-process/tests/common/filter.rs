//! Programs for seccomp(2).

use ns_process::{BpfInstruction, Errno};

/// `BPF_LD | BPF_W | BPF_ABS`, `BPF_JMP | BPF_JEQ | BPF_K`, `BPF_ALU | BPF_AND | BPF_K` and
/// `BPF_RET | BPF_K` of filter.h.
const LOAD: u16 = 0x20;
const JUMP_IF_EQUAL: u16 = 0x15;
const AND: u16 = 0x54;
const RETURN: u16 = 0x06;

/// Loads the word at `offset` of `struct seccomp_data`; the system call number is at 0.
pub(crate) fn load(offset: u32) -> BpfInstruction {
    BpfInstruction { code: LOAD, jt: 0, jf: 0, k: offset }
}

/// Skips `jt` instructions if the loaded word is `k`, else `jf`.
pub(crate) fn jump_if_equal(k: u32, jt: u8, jf: u8) -> BpfInstruction {
    BpfInstruction { code: JUMP_IF_EQUAL, jt, jf, k }
}

/// Clears the bits of the loaded word that are not in `mask`.
pub(crate) fn and(mask: u32) -> BpfInstruction {
    BpfInstruction { code: AND, jt: 0, jf: 0, k: mask }
}

/// Ends the program with a `SECCOMP_RET_*` action.
pub(crate) fn action(action: u32) -> BpfInstruction {
    BpfInstruction { code: RETURN, jt: 0, jf: 0, k: action }
}

/// The action that makes the call fail with `errno`.
pub(crate) fn fail(errno: Errno) -> u32 {
    libc::SECCOMP_RET_ERRNO | errno.raw_os_error().unsigned_abs()
}

/// A system call number as the filter compares it.
pub(crate) fn number(call: i64) -> u32 {
    u32::try_from(call).expect("a system call number")
}

/// A filter that allows every call.
pub(crate) fn allow_all() -> [BpfInstruction; 1] {
    [action(libc::SECCOMP_RET_ALLOW)]
}

/// A filter with `verdict` for the system call `call`, which allows all others.
pub(crate) fn for_call(call: i64, verdict: u32) -> [BpfInstruction; 4] {
    [load(0), jump_if_equal(number(call), 0, 1), action(verdict), action(libc::SECCOMP_RET_ALLOW)]
}
