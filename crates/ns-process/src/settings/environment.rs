//! The program's environment: the caller's at the time of the start, with the requested changes.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::prelude::rust_2024::*;
use std::{env, format};

use super::strings::Strings;

/// The search path if `PATH` is not set: `_CS_PATH` of confstr(3).
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// The memory to reserve for each variable.
const TYPICAL_LENGTH: usize = 64;

/// Changes to the caller's environment.
#[derive(Clone, Debug, Default)]
pub(crate) struct EnvironmentConfig {
    /// Whether the caller's environment is not inherited.
    pub(crate) cleared: bool,
    /// A value of `None` removes the variable.
    pub(crate) changes: Vec<(OsString, Option<OsString>)>,
}

/// The variables for execve(2), or a message with the invalid change. Inherited variables need no
/// check: they were C strings.
pub(crate) fn variables(config: &EnvironmentConfig) -> Result<Strings, String> {
    if config.changes.is_empty() {
        if config.cleared {
            return Ok(Strings::default());
        }
        return Ok(joined(env::vars_os()));
    }
    config.changes.iter().try_for_each(|(key, value)| check(key, value.as_deref()))?;
    Ok(joined(changed(config).into_iter()))
}

/// The variables as `NAME=value`.
fn joined(variables: impl Iterator<Item = (OsString, OsString)>) -> Strings {
    let mut strings = Strings::with_capacity(TYPICAL_LENGTH * variables.size_hint().0);
    for (key, value) in variables {
        strings.push(&[key.as_bytes(), b"=", value.as_bytes()]);
    }
    strings
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
