//! Resource limits.

/// A resource that getrlimit(2) limits, by its name there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u32)]
// The numbers of include/uapi/asm-generic/resource.h, which all three architectures have.
pub enum Resource {
    /// `RLIMIT_CPU`: seconds of processor time.
    #[doc(alias = "RLIMIT_CPU")]
    Cpu = 0,
    /// `RLIMIT_FSIZE`: bytes of the largest file it may write.
    #[doc(alias = "RLIMIT_FSIZE")]
    Fsize = 1,
    /// `RLIMIT_DATA`: bytes of data.
    #[doc(alias = "RLIMIT_DATA")]
    Data = 2,
    /// `RLIMIT_STACK`: bytes of stack.
    #[doc(alias = "RLIMIT_STACK")]
    Stack = 3,
    /// `RLIMIT_CORE`: bytes of a core dump.
    #[doc(alias = "RLIMIT_CORE")]
    Core = 4,
    /// `RLIMIT_RSS`: without effect since Linux 2.4.30.
    #[doc(alias = "RLIMIT_RSS")]
    Rss = 5,
    /// `RLIMIT_NPROC`: processes and threads of the user, in its user namespace.
    #[doc(alias = "RLIMIT_NPROC")]
    Nproc = 6,
    /// `RLIMIT_NOFILE`: one more than the highest descriptor.
    #[doc(alias = "RLIMIT_NOFILE")]
    Nofile = 7,
    /// `RLIMIT_MEMLOCK`: bytes of locked memory.
    #[doc(alias = "RLIMIT_MEMLOCK")]
    Memlock = 8,
    /// `RLIMIT_AS`: bytes of address space.
    #[doc(alias = "RLIMIT_AS")]
    As = 9,
    /// `RLIMIT_LOCKS`: without effect since Linux 2.4.25.
    #[doc(alias = "RLIMIT_LOCKS")]
    Locks = 10,
    /// `RLIMIT_SIGPENDING`: queued signals of the user.
    #[doc(alias = "RLIMIT_SIGPENDING")]
    Sigpending = 11,
    /// `RLIMIT_MSGQUEUE`: bytes in message queues of the user.
    #[doc(alias = "RLIMIT_MSGQUEUE")]
    Msgqueue = 12,
    /// `RLIMIT_NICE`: 20 minus the lowest niceness that it may take.
    #[doc(alias = "RLIMIT_NICE")]
    Nice = 13,
    /// `RLIMIT_RTPRIO`: the highest real-time priority.
    #[doc(alias = "RLIMIT_RTPRIO")]
    Rtprio = 14,
    /// `RLIMIT_RTTIME`: microseconds at real-time priority without a blocking call.
    #[doc(alias = "RLIMIT_RTTIME")]
    Rttime = 15,
}
