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
    /// A stack and a place for the report were made.
    Prepare = 2, Parent, "prepare";
    /// clone3(2).
    Clone = 3, Parent, "clone3";
    /// The child's uid_map was written.
    UidMap = 4, Parent, "uid_map";
    /// The child's gid_map, and setgroups before it.
    GidMap = 5, Parent, "gid_map";
    /// How mounts travel between the child's mount namespace and the caller's.
    Propagation = 6, Child, "propagation";
    /// `/proc` of the child's pid namespace.
    MountProc = 7, Child, "mount_proc";
    /// The signal mask of the program.
    SignalMask = 8, Child, "signal_mask";
    /// execve(2).
    Exec = 9, Child, "execve";
    /// The child's end was waited for.
    Wait = 10, Parent, "wait";
    /// A signal was sent.
    Signal = 11, Parent, "signal";
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
