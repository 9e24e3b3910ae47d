//! Who a test runs as.

use std::env;

/// The uid and gid that root takes for [`Role::User`]: not 65534, which is also what an unmapped id
/// reads as.
pub const USER: u32 = 12345;

/// The variable through which a test process learns its role.
pub(crate) const VARIABLE: &str = "NS_TESTBED_ROLE";

/// Who a test runs as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Root of the machine, with what capabilities the machine gives it.
    Root,
    /// An ordinary user without capabilities: uid and gid [`USER`] without supplementary groups where
    /// root runs the tests, else whoever runs them.
    User,
    /// As [`Role::User`], but inside a user namespace that maps it to root, with a mount namespace of
    /// that one's own (`unshare -rm`).
    Nested,
}

impl Role {
    const ALL: [Self; 3] = [Self::Root, Self::User, Self::Nested];

    /// The word used in output and in `allowed-skips.txt`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::User => "user",
            Self::Nested => "nested",
        }
    }
}

/// The role of this test process.
///
/// # Panics
/// Outside a body declared with [`run_as!`](crate::run_as!).
pub fn role() -> Role {
    current().expect("called outside a test body")
}

/// The role that the parent test process assigned, if this is the inner process.
pub(crate) fn current() -> Option<Role> {
    let name = env::var(VARIABLE).ok()?;
    Role::ALL.into_iter().find(|role| role.name() == name)
}
