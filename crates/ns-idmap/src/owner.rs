//! Whose delegated ids are looked for.

use std::{fs, io};

/// A user, by number and by all names that `/etc/passwd` gives the number.
///
/// Group ids too are delegated to a user: `/etc/subgid` names users, not groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    number: String,
    names: Vec<String>,
}

impl Owner {
    /// A user of whom only the number is known.
    pub fn nameless(uid: u32) -> Self {
        Self { number: uid.to_string(), names: Vec::new() }
    }

    /// The user with the names that a text in the form of `passwd(5)` has for `uid`.
    ///
    /// A line whose third field is not a decimal number is nobody's; in particular not root's.
    pub fn from_passwd(text: &str, uid: u32) -> Self {
        let names = text.lines().filter_map(|line| name_of(line, uid)).map(str::to_owned);
        Self { names: names.collect(), ..Self::nameless(uid) }
    }

    /// The user with the names that `/etc/passwd` has.
    ///
    /// Other sources of `nsswitch.conf(5)` are not asked.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn of(uid: u32) -> io::Result<Self> {
        let text = fs::read("/etc/passwd")?;
        Ok(Self::from_passwd(&String::from_utf8_lossy(&text), uid))
    }

    /// Whether the user database has a name for the number.
    pub fn has_name(&self) -> bool {
        !self.names.is_empty()
    }

    /// Whether the first field of a subid line means this user.
    pub(crate) fn is(&self, field: &str) -> bool {
        field == self.number || self.names.iter().any(|name| name == field)
    }
}

fn name_of(line: &str, uid: u32) -> Option<&str> {
    let mut fields = line.split(':');
    let (name, number) = (fields.next()?, fields.nth(1)?);
    // `parse` would take a plus sign.
    let is_decimal = number.bytes().all(|byte| byte.is_ascii_digit());
    (!name.is_empty() && is_decimal && number.parse() == Ok(uid)).then_some(name)
}
