//! `/proc/PID/setgroups`: whether `setgroups(2)` may be used inside.

/// What to do with `/proc/PID/setgroups` before `gid_map` is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Setgroups {
    /// Write `deny` when the kernel demands it: the writer has no `CAP_SETGID` over the parent.
    #[default]
    Auto,
    /// Always write `deny`; it can never be taken back.
    Deny,
    /// Leave it as it is.
    Keep,
}
