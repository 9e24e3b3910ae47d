//! The steps of a start: one table, which encodes, decodes and names them.

use core::fmt;

/// Which of the two processes a step belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The process that starts the other one.
    Parent,
    /// The process that is being started.
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
        /// A step of a start, in the order in which they are made, or of the handle.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        #[repr(u32)]
        pub enum Step {
            $($(#[$doc])* $step = $number,)+
        }

        impl Step {
            /// Every step.
            pub const ALL: &[Self] = &[$(Self::$step,)+];

            /// The process that makes it.
            pub const fn side(self) -> Side {
                match self {
                    $(Self::$step => Side::$side,)+
                }
            }

            /// Its name in messages.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$step => $name,)+
                }
            }

            /// Whether it is code of the caller's in the child.
            pub(crate) const fn is_hook(self) -> bool {
                matches!(self, Self::Preup | Self::Postup | Self::Preexec)
            }

            /// The step with this number in a child's report.
            pub(crate) const fn decode(number: u32) -> Option<Self> {
                match number {
                    $($number => Some(Self::$step),)+
                    _ => None,
                }
            }
        }
    };
}

steps! {
    /// What was asked for was looked at; nothing has been done.
    Check = 1, Parent, "check";
    /// A stack, files and a place for the report were made.
    Prepare = 2, Parent, "prepare";
    /// clone3(2).
    Clone = 3, Parent, "clone3";
    /// The child's uid_map was written.
    UidMap = 4, Parent, "uid_map";
    /// The child's gid_map, and setgroups before it.
    GidMap = 5, Parent, "gid_map";
    /// The clocks of the child's time namespace were set.
    TimeOffsets = 6, Parent, "time_offsets";
    /// What the caller asked to be done before the child goes on.
    BeforeGo = 7, Parent, "before_go";
    /// The child had no longer than the start's limit.
    StartTimeout = 8, Parent, "start_timeout";
    /// What proves that the child has left the caller's memory: a record lock, fcntl(2) `F_SETLK`, and a name,
    /// prctl(2) `PR_SET_NAME`.
    MemoryLock = 64, Child, "memory lock";
    /// No core dump of the caller's memory.
    NoCore = 9, Child, "no_core";
    /// Namespaces of others were entered: setns(2).
    Join = 44, Child, "setns";
    /// The process to be entered has ended.
    TargetGone = 45, Parent, "target gone";
    /// A closure was refused, because the caller has threads.
    MultiThreaded = 54, Parent, "multithreaded";
    /// A time namespace was made by the child itself, and entered.
    TimeNamespace = 50, Child, "time namespace";
    /// User and group 0, where the caller's own have no mapping.
    BecomeZero = 10, Child, "become_zero";
    /// The hook before the set-up.
    Preup = 51, Child, "preup";
    /// The label of the program, for a security module.
    ExecLabel = 11, Child, "exec_label";
    /// A session of its own: setsid(2).
    Session = 12, Child, "session";
    /// setpgid(2).
    ProcessGroup = 13, Child, "process_group";
    /// The controlling terminal.
    Terminal = 14, Child, "terminal";
    /// How mounts travel between the child's mount namespace and the caller's.
    Propagation = 15, Child, "propagation";
    /// The new root was opened.
    OpenRoot = 16, Child, "new root";
    /// The place for a mount.
    MountTarget = 17, Child, "mount target";
    /// A mount.
    Mount = 18, Child, "mount";
    /// The new root became read-only.
    ReadOnlyRoot = 19, Child, "read-only root";
    /// pivot_root(2).
    PivotRoot = 20, Child, "pivot_root";
    /// umount2(2) of the old root.
    DetachOldRoot = 21, Child, "umount of the old root";
    /// chroot(2).
    Chroot = 22, Child, "chroot";
    /// The working directory.
    Workdir = 23, Child, "workdir";
    /// A descriptor was put in its place.
    PlaceFd = 24, Child, "descriptor";
    /// sethostname(2).
    Hostname = 25, Child, "hostname";
    /// setdomainname(2).
    Domainname = 26, Child, "domainname";
    /// The loopback interface was brought up.
    Loopback = 27, Child, "loopback";
    /// The hook after the set-up.
    Postup = 52, Child, "postup";
    /// The hook before the target.
    Preexec = 53, Child, "preexec";
    /// A resource limit.
    Rlimit = 28, Child, "rlimit";
    /// The niceness.
    Nice = 29, Child, "nice";
    /// setgroups(2).
    Groups = 30, Child, "groups";
    /// setresgid(2).
    Gid = 31, Child, "gid";
    /// setresuid(2).
    Uid = 32, Child, "uid";
    /// `no_new_privs`.
    NoNewPrivs = 33, Child, "no_new_privs";
    /// The signal for the death of the parent.
    DieWithParent = 34, Child, "die_with_parent";
    /// All other descriptors were closed.
    CloseRest = 35, Child, "close_range";
    /// Capabilities.
    Capabilities = 36, Child, "capabilities";
    /// The signal mask of the program.
    SignalMask = 37, Child, "signal_mask";
    /// The core limit of the program.
    CoreLimit = 38, Child, "core_limit";
    /// The seccomp filter.
    Seccomp = 39, Child, "seccomp";
    /// The pid 1 beside the program became an init: execveat(2).
    Init = 46, Child, "init";
    /// execve(2).
    Exec = 40, Child, "execve";
    /// The child's end was waited for.
    Wait = 41, Parent, "wait";
    /// A signal was sent.
    Signal = 42, Parent, "signal";
    /// What the program printed was read.
    Output = 43, Parent, "output";
    /// A namespace was bound to a file, or unbound.
    Bind = 60, Parent, "bind";
    /// The machine's namespaces were listed.
    List = 61, Parent, "list";
    /// The child was moved into a cgroup.
    Cgroup = 62, Parent, "cgroup";
    /// The root and working directory of the process whose namespaces were entered.
    FollowRoot = 63, Child, "follow_root";
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
