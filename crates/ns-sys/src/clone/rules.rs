//! The kernel's rules for the arguments of clone3(2), checked before the call.

use core::fmt;

use bitflags::Flags;

use super::args::{CloneArgs, Raw};
use crate::flags::CloneFlags;

/// The maximum nesting depth of pid namespaces (`MAX_PID_NS_LEVEL`).
const MAX_PID_NS_LEVEL: usize = 32;

/// A rule of clone3(2) that a [`CloneArgs`] breaks; the kernel would return `EINVAL`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloneRule {
    /// No kernel up to Linux 6.18 has these flags.
    Unknown(CloneFlags),
    /// clone3 never accepts the flag.
    Refused(CloneFlags),
    /// The two flags exclude each other.
    Excludes(CloneFlags, CloneFlags),
    /// The first flag needs the second.
    Needs(CloneFlags, CloneFlags),
    /// The flag excludes an exit signal: a thread has none, and a sibling has that of the caller.
    ExitSignalWith(CloneFlags),
    /// The stack has size 0.
    StackEmpty,
    /// The flag needs a pointer that is not set; the kernel would return `EFAULT` or ignore the flag.
    NoPointer(CloneFlags),
    /// `set_tid` has more IDs than pid namespaces can be nested.
    TooManyTids,
    /// `set_tid` has an ID that is 0 or above the largest `pid_t`.
    TidRange,
    /// With `NEWPID`, the first ID of `set_tid` must be 1.
    TidOfInit,
}

impl fmt::Display for CloneRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(flags) => write!(f, "clone3 has no flag {flags}"),
            Self::Refused(flag) => write!(f, "clone3 refuses {flag}"),
            Self::Excludes(flag, other) => write!(f, "{flag} excludes {other}"),
            Self::Needs(flag, other) => write!(f, "{flag} needs {other}"),
            Self::ExitSignalWith(flag) => write!(f, "{flag} excludes an exit_signal"),
            Self::StackEmpty => f.write_str("stack_size is 0"),
            Self::NoPointer(flag) => write!(f, "{flag} needs its pointer"),
            Self::TooManyTids => f.write_str("set_tid has more than 32 IDs"),
            Self::TidRange => f.write_str("set_tid has an ID outside 1 to 2147483647"),
            Self::TidOfInit => f.write_str("CLONE_NEWPID needs 1 as the first ID of set_tid"),
        }
    }
}

impl core::error::Error for CloneRule {}

/// Flag pairs of which the first excludes the second.
const EXCLUDES: [(CloneFlags, CloneFlags); 6] = [
    (CloneFlags::CLEAR_SIGHAND, CloneFlags::SIGHAND),
    (CloneFlags::NEWNS, CloneFlags::FS),
    (CloneFlags::NEWUSER, CloneFlags::FS),
    (CloneFlags::NEWUSER, CloneFlags::THREAD),
    (CloneFlags::NEWPID, CloneFlags::THREAD),
    (CloneFlags::NEWIPC, CloneFlags::SYSVSEM),
];

/// Flag pairs of which the first needs the second.
const NEEDS: [(CloneFlags, CloneFlags); 2] =
    [(CloneFlags::THREAD, CloneFlags::SIGHAND), (CloneFlags::SIGHAND, CloneFlags::VM)];

impl CloneArgs<'_> {
    /// Check these arguments against the kernel's rules, without a system call.
    ///
    /// The check covers every rule of Linux 6.18 that depends on the arguments alone. It does not cover
    /// privileges, limits, the depth of the caller's pid namespace, IDs that are in use or above
    /// `pid_max`, `PARENT` requested by process 1 of a pid namespace, or flags that the running kernel
    /// is too old for.
    ///
    /// # Errors
    /// The first rule that the arguments break.
    ///
    /// # Async-signal-safety
    /// May be called between clone and exec.
    ///
    /// # Examples
    /// ```
    /// use ns_sys::{CloneArgs, CloneFlags};
    ///
    /// let args = CloneArgs::new(CloneFlags::NEWUSER | CloneFlags::FS);
    /// let broken = args.validate().expect_err("the flags exclude each other");
    /// assert_eq!(broken.to_string(), "CLONE_NEWUSER excludes CLONE_FS");
    /// ```
    ///
    /// # References
    /// kernel/fork.c `copy_clone_args_from_user`, `clone3_args_valid`, `copy_process`; kernel/pid.c
    /// `alloc_pid`; kernel/nsproxy.c `copy_namespaces`.
    pub fn validate(&self) -> Result<(), CloneRule> {
        let flags = self.flags();
        check_flags(flags)?;
        check_exit_signal(self.raw.exit_signal, flags)?;
        check_tids(self.tids, flags)?;
        check_stack(&self.raw)?;
        check_pointers(&self.raw, flags)
    }
}

fn check_flags(flags: CloneFlags) -> Result<(), CloneRule> {
    let unknown = flags.difference(NAMED);
    refuse(!unknown.is_empty(), CloneRule::Unknown(unknown))?;
    refuse(flags.contains(CloneFlags::DETACHED), CloneRule::Refused(CloneFlags::DETACHED))?;
    for (flag, other) in EXCLUDES {
        refuse(flags.contains(flag | other), CloneRule::Excludes(flag, other))?;
    }
    for (flag, other) in NEEDS {
        let missing = flags.contains(flag) && !flags.contains(other);
        refuse(missing, CloneRule::Needs(flag, other))?;
    }
    Ok(())
}

/// All flags that have a name. `CloneFlags::all` has every bit, named or not.
const NAMED: CloneFlags = {
    let (mut named, mut index) = (CloneFlags::empty(), 0);
    while index < CloneFlags::FLAGS.len() {
        let flag = &CloneFlags::FLAGS[index];
        if flag.is_named() {
            named = named.union(*flag.value());
        }
        index += 1;
    }
    named
};

fn check_exit_signal(signal: u64, flags: CloneFlags) -> Result<(), CloneRule> {
    for flag in [CloneFlags::THREAD, CloneFlags::PARENT] {
        refuse(signal != 0 && flags.contains(flag), CloneRule::ExitSignalWith(flag))?;
    }
    Ok(())
}

fn check_tids(tids: &[u32], flags: CloneFlags) -> Result<(), CloneRule> {
    refuse(tids.len() > MAX_PID_NS_LEVEL, CloneRule::TooManyTids)?;
    refuse(tids.iter().any(|&tid| tid == 0 || i32::try_from(tid).is_err()), CloneRule::TidRange)?;
    let is_not_init =
        flags.contains(CloneFlags::NEWPID) && tids.first().is_some_and(|&tid| tid != 1);
    refuse(is_not_init, CloneRule::TidOfInit)
}

fn check_stack(raw: &Raw) -> Result<(), CloneRule> {
    refuse(raw.stack != 0 && raw.stack_size == 0, CloneRule::StackEmpty)
}

fn check_pointers(raw: &Raw, flags: CloneFlags) -> Result<(), CloneRule> {
    for (flag, pointer) in [
        (CloneFlags::PIDFD, raw.pidfd),
        (CloneFlags::PARENT_SETTID, raw.parent_tid),
        (CloneFlags::CHILD_SETTID, raw.child_tid),
        (CloneFlags::CHILD_CLEARTID, raw.child_tid),
    ] {
        refuse(flags.contains(flag) && pointer == 0, CloneRule::NoPointer(flag))?;
    }
    Ok(())
}

fn refuse(broken: bool, rule: CloneRule) -> Result<(), CloneRule> {
    if broken { Err(rule) } else { Ok(()) }
}
