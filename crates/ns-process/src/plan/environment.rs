//! The program's environment: the caller's, as it is now, with the changes that were asked for.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{CString, OsStr, OsString};
use std::format;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::prelude::rust_2024::*;

use super::program::c_string;
use crate::builder::Environment;

/// Where programs are looked up without a `PATH`, as confstr(3) says.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// The variables as execve(2) takes them, or in words which has a NUL.
pub(super) fn variables(wish: &Environment) -> Result<Vec<CString>, String> {
    if wish.changes.is_empty() {
        // Nothing to look up: an environment of ordinary size costs as much as the rest of a plan.
        let inherited = (!wish.cleared).then(env::vars_os);
        return inherited.into_iter().flatten().map(|(key, value)| variable(key, &value)).collect();
    }
    if let Some((key, _)) = wish.changes.iter().find(|(key, _)| !is_name(key)) {
        return Err(format!("env {key:?}: a name is not empty and has no ="));
    }
    changed(wish).into_iter().map(|(key, value)| variable(key, &value)).collect()
}

/// The `PATH` of the program.
pub(super) fn path(wish: &Environment) -> OsString {
    let own = wish.changes.iter().find(|(key, _)| key == "PATH").map(|(_, value)| value.clone());
    let inherited = || (!wish.cleared).then(|| env::var_os("PATH")).flatten();
    own.unwrap_or_else(inherited).unwrap_or_else(|| DEFAULT_PATH.into())
}

fn is_name(key: &OsStr) -> bool {
    !key.is_empty() && !key.as_bytes().contains(&b'=')
}

fn changed(wish: &Environment) -> BTreeMap<OsString, OsString> {
    let mut env: BTreeMap<_, _> =
        if wish.cleared { BTreeMap::new() } else { env::vars_os().collect() };
    for (key, value) in &wish.changes {
        match value {
            Some(value) => env.insert(key.clone(), value.clone()),
            None => env.remove(key),
        };
    }
    env
}

fn variable(key: OsString, value: &OsStr) -> Result<CString, String> {
    let length = key.len();
    let mut text = key.into_vec();
    text.reserve_exact(value.len() + 2);
    text.push(b'=');
    text.extend_from_slice(value.as_bytes());
    CString::new(text).or_else(|error| {
        let text = error.into_vec();
        c_string(text.clone(), || format!("env {}", text[..length].escape_ascii()))
    })
}
