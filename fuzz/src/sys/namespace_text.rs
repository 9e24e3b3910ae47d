//! Parsing and printing of namespace and flag names.

use ns_sys::{CloneFlags, Namespace, NamespaceFlags, UnshareFlags};

/// Seed inputs.
pub const TEXTS: &[&str] = &[
    "mnt",
    "CLONE_NEWNS",
    "newuser,CLONE_FS | 0x80",
    "settid|child_settid",
    "0",
    "cgroup,ipc,mnt,net,pid,time,user,uts",
    "0xffffffffffffffff",
    "VM|SIGHAND|THREAD,",
    "clone_clear_sighand",
];

/// Parses names.
///
/// Oracle: a parsed value prints as text that parses as the same value, and the types agree on the value of a name.
///
/// # Panics
/// If one of these does not hold.
pub fn namespace_text(text: &str) {
    if let Ok(kind) = text.parse::<Namespace>() {
        assert_eq!(kind.to_string().parse(), Ok(kind), "{text:?}");
        assert_eq!(text.parse(), Ok(kind.clone_flag()), "{text:?}");
        assert_eq!(text.parse(), Ok(kind.flag()), "{text:?}");
    }
    if let Ok(flags) = text.parse::<CloneFlags>() {
        assert_eq!(flags.to_string().parse(), Ok(flags), "{text:?}");
    }
    if let Ok(flags) = text.parse::<UnshareFlags>() {
        assert_eq!(text.parse(), Ok(CloneFlags::from(flags)), "{text:?}");
    }
    if let Ok(flags) = text.parse::<NamespaceFlags>() {
        assert_eq!(flags.kinds().collect::<NamespaceFlags>(), flags, "{text:?}");
        assert_eq!(text.parse(), Ok(UnshareFlags::from(flags)), "{text:?}");
    }
}
