//! The steps of a start: one table that encodes, decodes and names them.

use core::fmt;

/// The process that a step belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The calling process.
    Parent,
    /// The started process.
    Child,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Parent => "parent",
            Self::Child => "child",
        })
    }
}

macro_rules! steps {
    ($($(#[$doc:meta])* $step:ident = $number:literal, $side:ident, $name:literal;)+) => {
        /// A step of a start, or of an operation on a process. Their order has no meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        #[repr(u32)]
        pub enum Step {
            $($(#[$doc])* $step = $number,)+
        }

        impl Step {
            /// Every step.
            pub const ALL: &[Self] = &[$(Self::$step,)+];

            /// The process that executes the step.
            pub const fn side(self) -> Side {
                match self {
                    $(Self::$step => Side::$side,)+
                }
            }

            /// Its name in error messages.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$step => $name,)+
                }
            }

            /// Whether the step is a hook of the caller in the child.
            pub(crate) const fn is_hook(self) -> bool {
                matches!(self, Self::Preup | Self::Postup | Self::Preexec)
            }

            /// The step with this number in the child's report.
            pub(crate) const fn decode(number: u32) -> Option<Self> {
                match number {
                    $($number => Some(Self::$step),)+
                    _ => None,
                }
            }
        }
    };
}

// The next free number is 79.
steps! {
    /// The settings were checked; no system call that changes anything was made.
    Check = 1, Parent, "check";
    /// A stack, files and shared state were prepared.
    Prepare = 2, Parent, "prepare";
    /// clone3(2).
    Clone = 3, Parent, "clone3";
    /// The child's uid_map was written.
    UidMap = 4, Parent, "uid_map";
    /// The child's gid_map, and setgroups before it.
    GidMap = 5, Parent, "gid_map";
    /// The clocks of the child's time namespace were set.
    TimeOffsets = 6, Parent, "time_offsets";
    /// A `before_go` hook.
    BeforeGo = 7, Parent, "before_go";
    /// The time limit of the start expired.
    StartTimeout = 8, Parent, "start_timeout";
    /// The record lock (fcntl(2) `F_SETLK`) and the name (prctl(2) `PR_SET_NAME`) that show whether the child still
    /// uses the caller's memory.
    MemoryLock = 64, Child, "memory lock";
    /// Disabling core dumps of the caller's memory.
    NoCore = 9, Child, "no_core";
    /// Moving itself into a cgroup of version 1.
    CgroupTasks = 79, Child, "cgroup tasks";
    /// Joining namespaces: setns(2).
    Join = 44, Child, "setns";
    /// The target process has exited.
    TargetGone = 45, Parent, "target gone";
    /// A closure was refused because the caller has several threads.
    MultiThreaded = 54, Parent, "multithreaded";
    /// Creating and joining a time namespace in the child.
    TimeNamespace = 50, Child, "time namespace";
    /// Changing to user and group 0 if the caller's IDs have no mapping.
    BecomeZero = 10, Child, "become_zero";
    /// A `preup` hook.
    Preup = 51, Child, "preup";
    /// Writing the label for a security module.
    ExecLabel = 11, Child, "exec_label";
    /// setsid(2).
    Session = 12, Child, "session";
    /// setpgid(2).
    ProcessGroup = 13, Child, "process_group";
    /// Setting the controlling terminal.
    Terminal = 14, Child, "terminal";
    /// Setting the propagation of mounts.
    Propagation = 15, Child, "propagation";
    /// Opening the new root.
    OpenRoot = 16, Child, "new root";
    /// Opening the target of a mount.
    MountTarget = 17, Child, "mount target";
    /// Opening a source of a mount.
    MountSource = 65, Child, "mount source";
    /// A mount.
    Mount = 18, Child, "mount";
    /// A `before_pivot` hook.
    BeforePivot = 76, Parent, "before_pivot";
    /// Making the new root read-only.
    ReadOnlyRoot = 19, Child, "read-only root";
    /// pivot_root(2).
    PivotRoot = 20, Child, "pivot_root";
    /// umount2(2) of the old root.
    DetachOldRoot = 21, Child, "umount of the old root";
    /// chroot(2).
    Chroot = 22, Child, "chroot";
    /// Changing the working directory.
    Workdir = 23, Child, "workdir";
    /// Opening a new pseudo-terminal in the root.
    Console = 73, Child, "console";
    /// Mounting the new terminal on `/dev/console`.
    MountConsole = 74, Child, "mount_console";
    /// Sending the master of the new terminal: sendmsg(2).
    SendConsole = 75, Child, "console socket";
    /// Placing a descriptor: dup3(2).
    PlaceFd = 24, Child, "descriptor";
    /// sethostname(2).
    Hostname = 25, Child, "hostname";
    /// setdomainname(2).
    Domainname = 26, Child, "domainname";
    /// Bringing up the loopback interface.
    Loopback = 27, Child, "loopback";
    /// Joining a session keyring: keyctl(2).
    SessionKeyring = 77, Child, "session keyring";
    /// A `postup` hook.
    Postup = 52, Child, "postup";
    /// A `preexec` hook.
    Preexec = 53, Child, "preexec";
    /// Setting a resource limit.
    Rlimit = 28, Child, "rlimit";
    /// Setting the adjustment of the OOM score.
    OomScoreAdj = 66, Child, "oom_score_adj";
    /// Setting the niceness.
    Nice = 29, Child, "nice";
    /// Setting the scheduling policy: sched_setattr(2).
    Scheduler = 67, Child, "scheduler";
    /// ioprio_set(2).
    IoPriority = 68, Child, "io_priority";
    /// sched_setaffinity(2).
    Affinity = 69, Child, "affinity";
    /// personality(2).
    Personality = 70, Child, "personality";
    /// Setting a kernel parameter.
    Sysctl = 71, Child, "sysctl";
    /// setgroups(2).
    Groups = 30, Child, "groups";
    /// setresgid(2).
    Gid = 31, Child, "gid";
    /// setresuid(2).
    Uid = 32, Child, "uid";
    /// Setting `no_new_privs`.
    NoNewPrivs = 33, Child, "no_new_privs";
    /// Setting the parent-death signal.
    DieWithParent = 34, Child, "die_with_parent";
    /// Closing all other descriptors.
    CloseRest = 35, Child, "close_range";
    /// Changing capabilities.
    Capabilities = 36, Child, "capabilities";
    /// Setting the signal mask of the program.
    SignalMask = 37, Child, "signal_mask";
    /// Setting the core limit of the program.
    CoreLimit = 38, Child, "core_limit";
    /// Installing the seccomp filter.
    Seccomp = 39, Child, "seccomp";
    /// Sending the listener of the filter: sendmsg(2).
    SendListener = 78, Child, "seccomp listener";
    /// Executing the init as process 1: execveat(2).
    Init = 46, Child, "init";
    /// execve(2).
    Exec = 40, Child, "execve";
    /// Releasing a parked process.
    Release = 72, Parent, "release";
    /// Waiting for the exit of the process.
    Wait = 41, Parent, "wait";
    /// Sending a signal.
    Signal = 42, Parent, "signal";
    /// Transferring the input and the output of a program, or reading the value of a closure.
    Output = 43, Parent, "output";
    /// Binding a namespace to a file, or unbinding it.
    Bind = 60, Parent, "bind";
    /// Listing the namespaces of the machine.
    List = 61, Parent, "list";
    /// Moving the child into a cgroup.
    Cgroup = 62, Parent, "cgroup";
    /// Changing to the target's root and working directory.
    FollowRoot = 63, Child, "follow_root";
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
