//! The session keyring.

use std::ffi::CString;
use std::format;
use std::prelude::rust_2024::*;

use super::Builder;
use crate::in_child;

/// The requested session keyring.
#[derive(Clone, Debug)]
pub(crate) struct KeyringConfig {
    name: Option<String>,
}

/// # Keyring
///
/// The keys of the program.
impl<Kind> Builder<Kind> {
    /// Gives the program a session keyring of its own; by default it has the caller's, with its keys.
    ///
    /// The keyring is new and empty. `/proc/keys` shows its name, if it has one. With a name, an existing
    /// keyring of this name is joined instead if its permissions allow the user to search it; by default
    /// they do not. The keyring is made before the IDs of the child change.
    ///
    /// # Errors
    /// [`Step::SessionKeyring`](crate::Step::SessionKeyring): `EDQUOT`, the user has too many keys;
    /// `EPERM`, the name begins with a period; `ENOSYS`, the kernel has no keyrings.
    ///
    /// # Examples
    /// ```no_run
    /// use ns_process::Container;
    ///
    /// let mut container = Container::new("true");
    /// assert!(container.new_session_keyring(None).status()?.success());
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    ///
    /// # References
    /// session-keyring(7), KEYCTL_JOIN_SESSION_KEYRING(2const).
    pub fn new_session_keyring<'a>(&mut self, name: impl Into<Option<&'a str>>) -> &mut Self {
        let name = name.into().map(ToOwned::to_owned);
        self.keyring = Some(KeyringConfig { name });
        self
    }

    /// Whether the program gets a session keyring of its own.
    pub fn get_new_session_keyring(&self) -> bool {
        self.keyring.is_some()
    }

    /// The name of the session keyring, if one is set.
    pub fn get_session_keyring_name(&self) -> Option<&str> {
        self.keyring.as_ref().and_then(|keyring| keyring.name.as_deref())
    }
}

/// The session keyring that the child joins.
#[derive(Debug)]
pub(crate) struct Keyring {
    name: Option<CString>,
}

impl Keyring {
    /// Checks the name; an error begins with the name of the setter.
    pub(crate) fn new(config: &KeyringConfig) -> Result<Self, String> {
        let name = config.name.clone().map(CString::new).transpose();
        let name = name.map_err(|error| {
            format!("new_session_keyring: NUL at byte {}", error.nul_position())
        })?;
        Ok(Self { name })
    }

    pub(crate) fn child(&self) -> in_child::Keyring<'_> {
        in_child::Keyring { name: self.name.as_deref() }
    }

    pub(crate) fn describe(&self) -> String {
        let name = self.name.as_ref().map(|name| format!("{:?}", name.to_string_lossy()));
        let name = name.unwrap_or_else(|| "NULL".to_owned());
        format!("keyctl(KEYCTL_JOIN_SESSION_KEYRING, {name})")
    }

    /// The name as given.
    pub(crate) fn shown_name(&self) -> Option<String> {
        self.name.as_ref().map(|name| name.to_string_lossy().into_owned())
    }
}
