//! What the tables of the crate `syscalls` lack, and what they have too much.

use super::processor::Processor;

/// The number of the first system call that only x32 has.
pub(super) const X32_FIRST_OWN: u32 = 512;

/// The system calls for which x32 has its own numbers, in their order.
pub(super) const X32_OWN: &[&str] = &[
    "rt_sigaction",
    "rt_sigreturn",
    "ioctl",
    "readv",
    "writev",
    "recvfrom",
    "sendmsg",
    "recvmsg",
    "execve",
    "ptrace",
    "rt_sigpending",
    "rt_sigtimedwait",
    "rt_sigqueueinfo",
    "sigaltstack",
    "timer_create",
    "mq_notify",
    "kexec_load",
    "waitid",
    "set_robust_list",
    "get_robust_list",
    "vmsplice",
    "move_pages",
    "preadv",
    "pwritev",
    "rt_tgsigqueueinfo",
    "recvmmsg",
    "sendmmsg",
    "process_vm_readv",
    "process_vm_writev",
    "setsockopt",
    "getsockopt",
    "io_setup",
    "io_submit",
    "execveat",
    "preadv2",
    "pwritev2",
];

/// The numbers of x86_64 that x32 does not have.
pub(super) const ABSENT_ON_X32: &[u32] = &[134, 156, 174, 177, 178, 180, 205, 211, 214, 215, 236];

/// The numbers that the crate gives to calls of 32-bit processors, and 79 under a wrong name.
pub(super) const AARCH64_ABSENT: &[u32] = &[
    79, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 416, 417, 418, 419, 420, 421,
    422, 423,
];

pub(super) const MISSING: &[(Processor, &str, u32)] = &[
    (Processor::X86, "break", 17),
    (Processor::Arm, "breakpoint", 0xf0001),
    (Processor::Arm, "cacheflush", 0xf0002),
    (Processor::Arm, "usr26", 0xf0003),
    (Processor::Arm, "usr32", 0xf0004),
    (Processor::Arm, "set_tls", 0xf0005),
    (Processor::Arm, "get_tls", 0xf0006),
    (Processor::Aarch64, "newfstatat", 79),
];

/// System calls of newer kernels.
pub(super) const MISSING_ON_ALL: &[(&str, u32)] = &[("listns", 470), ("rseq_slice_yield", 471)];
