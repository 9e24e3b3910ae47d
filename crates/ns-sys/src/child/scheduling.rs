//! The scheduling policy, the CPU affinity, the I/O priority and the personality.
#![allow(unsafe_code, reason = "system calls")]

use core::mem::size_of_val;

use linux_raw_sys::general::{
    __NR_ioprio_set, __NR_personality, __NR_sched_setaffinity, __NR_sched_setattr,
};

use crate::Result;
use crate::arch::syscall;

/// A scheduling policy with its parameters, for [`sched_setattr`]. By default it is `SCHED_OTHER` with the
/// nice value 0.
///
/// # References
/// sched_setattr(2), sched(7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SchedAttr {
    /// `SCHED_*`.
    pub policy: u32,
    /// `SCHED_FLAG_*`.
    pub flags: u64,
    /// The nice value of `SCHED_OTHER` and `SCHED_BATCH`.
    pub nice: i32,
    /// The priority of `SCHED_FIFO` and `SCHED_RR`, 1 to 99; otherwise 0.
    pub priority: u32,
    /// The runtime of `SCHED_DEADLINE` in nanoseconds.
    pub runtime: u64,
    /// The deadline of `SCHED_DEADLINE` in nanoseconds.
    pub deadline: u64,
    /// The period of `SCHED_DEADLINE` in nanoseconds.
    pub period: u64,
}

/// `struct sched_attr` of include/uapi/linux/sched/types.h, first version.
#[repr(C)]
struct Attr {
    size: u32,
    policy: u32,
    flags: u64,
    nice: i32,
    priority: u32,
    runtime: u64,
    deadline: u64,
    period: u64,
}

/// `SCHED_ATTR_SIZE_VER0`.
const ATTR_SIZE: u32 = 48;
const _: () = assert!(size_of::<Attr>() == ATTR_SIZE as usize);

/// `sched_setattr(0, attr, 0)` — set the scheduling policy of the calling thread.
///
/// # Errors
/// - `EPERM`: the caller lacks `CAP_SYS_NICE` in the initial user namespace, and `RLIMIT_RTPRIO` or
///   `RLIMIT_NICE` does not allow the change; or the affinity excludes CPUs, with `SCHED_DEADLINE`.
/// - `EBUSY`: the CPUs have too little bandwidth left for the `SCHED_DEADLINE` parameters.
/// - `EINVAL`: the policy or a parameter is invalid.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 3.14.
///
/// # Examples
/// ```
/// use ns_sys::child::{SchedAttr, sched_setattr};
///
/// // `SCHED_IDLE`. Only the new thread changes.
/// let idle = SchedAttr { policy: 5, ..SchedAttr::default() };
/// std::thread::spawn(move || sched_setattr(&idle)).join().expect("join")?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
/// sched_setattr(2), sched(7); kernel/sched/syscalls.c.
pub fn sched_setattr(attr: &SchedAttr) -> Result<()> {
    let SchedAttr { policy, flags, nice, priority, runtime, deadline, period } = *attr;
    let size = ATTR_SIZE;
    let attr = Attr { size, policy, flags, nice, priority, runtime, deadline, period };
    // SAFETY: the struct has the size that its first field names, and outlives the call.
    unsafe { syscall(__NR_sched_setattr, [0, (&raw const attr).expose_provenance(), 0]) }.map(drop)
}

/// `sched_setaffinity(0, mask)` — set the CPUs on which the calling thread may run.
///
/// Bit `n` of the mask, counted over all its words, is CPU `n`. CPUs beyond the mask are excluded. CPUs that
/// do not exist or that the cpuset excludes are ignored.
///
/// # Errors
/// - `EINVAL`: no CPU is left.
/// - `EBUSY`: the thread has the policy `SCHED_DEADLINE`, and the CPUs have too little bandwidth.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.5.8.
///
/// # Examples
/// ```
/// use ns_sys::Errno;
/// use ns_sys::child::sched_setaffinity;
///
/// // Every CPU that exists. Only the new thread changes.
/// std::thread::spawn(|| sched_setaffinity(&[usize::MAX; 16])).join().expect("join")?;
/// assert_eq!(sched_setaffinity(&[]), Err(Errno::INVAL));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
/// sched_setaffinity(2), cpuset(7); kernel/sched/syscalls.c.
pub fn sched_setaffinity(mask: &[usize]) -> Result<()> {
    let arguments = [0, size_of_val(mask), mask.as_ptr().expose_provenance()];
    // SAFETY: the kernel reads at most the length of the slice, which outlives the call.
    unsafe { syscall(__NR_sched_setaffinity, arguments) }.map(drop)
}

/// `ioprio_set(IOPRIO_WHO_PROCESS, 0, priority)` — set the I/O class and priority of the calling thread.
///
/// The class is in the bits from 13 on: 1 realtime, 2 best-effort, 3 idle. The level is in the bits below,
/// 0 to 7; 0 is the highest.
///
/// # Errors
/// - `EPERM`: the realtime class needs `CAP_SYS_ADMIN` or `CAP_SYS_NICE` in the initial user namespace.
/// - `EINVAL`: the class or the level is invalid.
/// - `ENOSYS`: the kernel was built without block devices.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 2.6.13.
///
/// # Examples
/// ```
/// // The idle class. Only the new thread changes.
/// std::thread::spawn(|| ns_sys::child::ioprio_set(3 << 13)).join().expect("join")?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
/// ioprio_set(2); block/ioprio.c.
pub fn ioprio_set(priority: u32) -> Result<()> {
    const WHO_PROCESS: usize = 1;
    // SAFETY: the call takes numbers only.
    unsafe { syscall(__NR_ioprio_set, [WHO_PROCESS, 0, priority as usize]) }.map(drop)
}

/// `personality(persona)` — set the execution domain of the calling thread, and return the previous one.
///
/// `0xffffffff` changes nothing.
///
/// # Errors
/// None; a seccomp filter may forbid the call.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 1.1.20.
///
/// # Examples
/// ```
/// use ns_sys::child::personality;
///
/// let current = personality(0xffff_ffff)?;
/// assert_eq!(personality(current)?, current);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # References
/// personality(2); kernel/exec_domain.c.
pub fn personality(persona: u32) -> Result<u32> {
    // SAFETY: the call takes a number only.
    unsafe { syscall(__NR_personality, [persona as usize]) }.map(|previous| previous as u32)
}
