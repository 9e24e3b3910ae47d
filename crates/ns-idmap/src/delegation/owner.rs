//! The user to whom IDs are delegated.

use std::{fmt, fs, io};

/// A user: the user ID, and all names that `/etc/passwd` has for it.
///
/// Group IDs are delegated to users too: `/etc/subgid` names users, not groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    uid: String,
    names: Vec<String>,
}

impl Owner {
    /// A user without a name.
    pub fn nameless(uid: u32) -> Self {
        Self { uid: uid.to_string(), names: Vec::new() }
    }

    /// A user whose names come from another source than `/etc/passwd`, such as `getent(1)`.
    ///
    /// Empty names are left out.
    ///
    /// # Examples
    /// ```
    /// use ns_idmap::{Owner, SubIds};
    ///
    /// let owner = Owner::named(70_001, ["alice@example.org"]);
    /// let ids = SubIds::parse("alice@example.org:100000:65536\n", &owner);
    /// assert_eq!(ids.left(), 65_536);
    /// ```
    pub fn named<N: Into<String>>(uid: u32, names: impl IntoIterator<Item = N>) -> Self {
        let names = names.into_iter().map(Into::into).filter(|name| !name.is_empty());
        Self { names: names.collect(), ..Self::nameless(uid) }
    }

    /// The user with the names that `text`, in the format of `passwd(5)`, has for `uid`.
    ///
    /// A line whose third field is not a decimal number is ignored. It is not taken for root's.
    pub fn from_passwd(text: &str, uid: u32) -> Self {
        Self::named(uid, text.lines().filter_map(|line| name_of(line, uid)))
    }

    /// The user with the names that `/etc/passwd` has for `uid`.
    ///
    /// Other sources of `nsswitch.conf(5)` are not used. For them, see [`Owner::named`].
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn of(uid: u32) -> io::Result<Self> {
        let text = fs::read("/etc/passwd")?;
        Ok(Self::from_passwd(&String::from_utf8_lossy(&text), uid))
    }

    /// Whether the user has a name.
    pub fn has_name(&self) -> bool {
        !self.names.is_empty()
    }

    /// The first name.
    ///
    /// # Examples
    /// ```
    /// use ns_idmap::Owner;
    ///
    /// let owner = Owner::named(1000, ["alice"]);
    /// assert_eq!(owner.name(), Some("alice"));
    /// assert_eq!(owner.to_string(), "alice (uid 1000)");
    /// assert_eq!(Owner::nameless(1000).to_string(), "uid 1000");
    /// ```
    pub fn name(&self) -> Option<&str> {
        self.names.first().map(String::as_str)
    }

    /// Whether the first field of a line of `subuid(5)` is this user.
    pub(crate) fn is(&self, field: &str) -> bool {
        field == self.uid || self.names.iter().any(|name| name == field)
    }
}

/// Prints the first name and the user ID.
impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} (uid {})", self.uid),
            None => write!(f, "uid {}", self.uid),
        }
    }
}

fn name_of(line: &str, uid: u32) -> Option<&str> {
    let mut fields = line.split(':');
    let (name, id) = (fields.next()?, fields.nth(1)?);
    // `parse` alone would accept a plus sign.
    let is_decimal = id.bytes().all(|byte| byte.is_ascii_digit());
    (is_decimal && id.parse() == Ok(uid)).then_some(name)
}
