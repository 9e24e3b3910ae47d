//! The user and the privileges that a test runs with.

use std::env;

/// The uid and gid of [`Role::User`] if root runs the tests. It is not 65534, the overflow ID.
pub const USER: u32 = 12345;

/// The variable with the role of a test process.
pub(crate) const VARIABLE: &str = "NS_TESTBED_ROLE";

/// The user and the privileges that a test runs with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Root of the machine, with the capabilities that the tests have.
    Root,
    /// An ordinary user without capabilities: uid and gid [`USER`] without supplementary groups if root runs
    /// the tests, else the user that runs them.
    User,
    /// As [`Role::User`], but as root of a new user namespace, with a new mount namespace (`unshare -rm`).
    Nested,
}

impl Role {
    const ALL: [Self; 3] = [Self::Root, Self::User, Self::Nested];

    /// The name in the output and in `allowed-skips.txt`.
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
/// It is called outside a body of [`run_as!`](crate::run_as!).
pub fn role() -> Role {
    current().expect("called outside a test body")
}

/// The role that the parent test process assigned, if this is the inner process.
pub(crate) fn current() -> Option<Role> {
    let name = env::var(VARIABLE).ok()?;
    Role::ALL.into_iter().find(|role| role.name() == name)
}
