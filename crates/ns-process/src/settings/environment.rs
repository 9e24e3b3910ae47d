//! The program's environment: the caller's at the time of the start, with the requested changes.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString, c_char};
use std::os::unix::ffi::OsStrExt;
use std::prelude::rust_2024::*;
use std::{env, fmt, format, ptr};

/// The search path if `PATH` is not set: `_CS_PATH` of confstr(3).
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// Changes to the caller's environment.
#[derive(Clone, Debug, Default)]
pub(crate) struct EnvironmentConfig {
    /// Whether the caller's environment is not inherited.
    pub(crate) cleared: bool,
    /// A value of `None` removes the variable.
    pub(crate) changes: Vec<(OsString, Option<OsString>)>,
}

/// `NAME=value` strings with a NUL byte after each, in one allocation: an allocation per variable
/// would cost as much as the rest of a plan.
#[derive(Default)]
pub(crate) struct Block {
    bytes: Vec<u8>,
    /// The offset of each string.
    starts: Vec<usize>,
}

impl fmt::Debug for Block {
    /// Omits the variables, which may contain secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Block").finish_non_exhaustive()
    }
}

impl Block {
    /// Pointers to the strings, with a null pointer at the end.
    pub(crate) fn pointers(&self) -> Vec<*const c_char> {
        let strings = self.starts.iter().map(|start| self.bytes[*start..].as_ptr().cast());
        strings.chain([ptr::null()]).collect()
    }

    fn add(&mut self, key: &OsStr, value: &OsStr) {
        self.starts.push(self.bytes.len());
        for part in [key.as_bytes(), b"=", value.as_bytes(), b"\0"] {
            self.bytes.extend_from_slice(part);
        }
    }
}

/// The variables for execve(2), or a message with the invalid change. Inherited variables need no
/// check: they were C strings.
pub(crate) fn variables(config: &EnvironmentConfig) -> Result<Block, String> {
    let mut block = Block::default();
    if config.changes.is_empty() {
        if config.cleared {
            return Ok(block);
        }
        let inherited = env::vars_os();
        block.bytes.reserve(64 * inherited.size_hint().0);
        block.starts.reserve(inherited.size_hint().0);
        for (key, value) in inherited {
            block.add(&key, &value);
        }
        return Ok(block);
    }
    config.changes.iter().try_for_each(|(key, value)| check(key, value.as_deref()))?;
    for (key, value) in changed(config) {
        block.add(&key, &value);
    }
    Ok(block)
}

fn check(key: &OsStr, value: Option<&OsStr>) -> Result<(), String> {
    if key.is_empty() || key.as_bytes().contains(&b'=') {
        return Err(format!("env {key:?}: a name must not be empty or contain ="));
    }
    let value = value.map_or(&[][..], OsStr::as_bytes);
    let nul = [key.as_bytes(), b"=", value].concat().iter().position(|byte| *byte == 0);
    nul.map_or(Ok(()), |position| {
        Err(format!("env {}: NUL at byte {position}", key.as_bytes().escape_ascii()))
    })
}

/// The `PATH` of the program.
pub(crate) fn path(config: &EnvironmentConfig) -> OsString {
    let set = config.changes.iter().find(|(key, _)| key == "PATH").map(|(_, value)| value.clone());
    let inherited = || (!config.cleared).then(|| env::var_os("PATH")).flatten();
    set.unwrap_or_else(inherited).unwrap_or_else(|| DEFAULT_PATH.into())
}

fn changed(config: &EnvironmentConfig) -> BTreeMap<OsString, OsString> {
    let mut env: BTreeMap<_, _> =
        if config.cleared { BTreeMap::new() } else { env::vars_os().collect() };
    for (key, value) in &config.changes {
        match value {
            Some(value) => env.insert(key.clone(), value.clone()),
            None => env.remove(key),
        };
    }
    env
}
