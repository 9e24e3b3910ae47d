//! The program's environment: the caller's at the time of the start, with the requested changes.

use std::collections::BTreeMap;
use std::ffi::{CStr, OsStr, OsString};
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

impl EnvironmentConfig {
    pub(crate) fn set(&mut self, key: &OsStr, value: Option<OsString>) {
        self.changes.retain(|(known, _)| known != key);
        self.changes.push((key.to_owned(), value));
    }

    fn has(&self, key: &[u8]) -> bool {
        self.changes.iter().any(|(known, _)| known.as_bytes() == key)
    }

    pub(crate) fn clear(&mut self) {
        self.cleared = true;
        self.changes.clear();
    }
}

/// The changes to `planned` instead of the caller's environment, and the resulting `PATH`.
pub(crate) fn changed_from<'a>(
    planned: impl Iterator<Item = &'a CStr>,
    config: &EnvironmentConfig,
) -> Result<(Strings, OsString), String> {
    config.changes.iter().try_for_each(|(key, value)| check(key, value.as_deref()))?;
    let planned = planned.filter(|_| !config.cleared).map(CStr::to_bytes);
    let mut variables: Vec<(&[u8], &[u8])> =
        planned.map(split_at_equals).filter(|(key, _)| !config.has(key)).collect();
    let set =
        config.changes.iter().filter_map(|(key, value)| value.as_ref().map(|value| (key, value)));
    variables.extend(set.map(|(key, value)| (key.as_bytes(), value.as_bytes())));
    let path = variables.iter().find(|(key, _)| *key == b"PATH").map(|(_, value)| *value);
    let path = path.map_or(OsStr::new(DEFAULT_PATH), OsStr::from_bytes).to_owned();
    let mut strings = Strings::with_capacity(TYPICAL_LENGTH * variables.len());
    for (key, value) in variables {
        strings.push(&[key, b"=", value]);
    }
    Ok((strings, path))
}

/// A variable as its name and its value. A name may begin with `=`, as in std.
fn split_at_equals(text: &[u8]) -> (&[u8], &[u8]) {
    let equals = text.iter().skip(1).position(|byte| *byte == b'=').map_or(text.len(), |at| at + 1);
    (&text[..equals], text.get(equals + 1..).unwrap_or_default())
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
