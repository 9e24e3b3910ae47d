//! The program as the kernel takes it: C strings and arrays of pointers.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{CStr, CString, OsStr, OsString, c_char};
use std::os::unix::ffi::OsStrExt;
use std::prelude::rust_2024::*;
use std::ptr;
use std::{format, vec};

use crate::builder::{Builder, Environment};
use crate::error::Error;
use crate::step::Step;

/// Where programs are looked up without a `PATH`, as confstr(3) says.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// What execve(2) is given, and the paths at which the program may be.
#[derive(Debug)]
pub(crate) struct Program {
    /// As it was given.
    name: OsString,
    /// Tried in this order: what exists is decided in the child.
    candidates: Vec<CString>,
    argv: Vec<CString>,
    envp: Vec<CString>,
}

impl Program {
    pub(super) fn new<Kind>(wish: &Builder<Kind>) -> Result<Self, Error> {
        let mistake = |object: String| Error::new(&wish.name, Step::Check).with_object(object);
        if wish.program.is_empty() {
            return Err(mistake("program: is empty".to_owned()));
        }
        let argv = c_strings(arguments(wish)).map_err(mistake)?;
        let env = environment(&wish.env);
        let path =
            env.get(OsStr::new("PATH")).map_or(OsStr::new(DEFAULT_PATH), OsString::as_os_str);
        let candidates = candidates(&wish.program, path);
        let envp = c_strings(variables(&env)).map_err(mistake)?;
        Ok(Self { name: wish.program.clone(), candidates, argv, envp })
    }

    pub(crate) fn name(&self) -> &OsStr {
        &self.name
    }

    pub(crate) fn candidates(&self) -> impl Iterator<Item = &CStr> {
        self.candidates.iter().map(CString::as_c_str)
    }

    /// `argv`, as execve(2) takes it.
    pub(crate) fn argv(&self) -> Vec<*const c_char> {
        pointers(&self.argv)
    }

    /// `envp`, as execve(2) takes it.
    pub(crate) fn envp(&self) -> Vec<*const c_char> {
        pointers(&self.envp)
    }
}

/// Pointers to the strings, and the null pointer that ends the array.
fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    strings.iter().map(|text| text.as_ptr()).chain([ptr::null()]).collect()
}

/// Each string comes with what it is called in a message.
fn c_strings(strings: impl Iterator<Item = (String, Vec<u8>)>) -> Result<Vec<CString>, String> {
    strings.map(c_string).collect()
}

fn c_string((what, bytes): (String, Vec<u8>)) -> Result<CString, String> {
    CString::new(bytes).map_err(|error| format!("{what}: NUL at byte {}", error.nul_position()))
}

fn arguments<Kind>(wish: &Builder<Kind>) -> impl Iterator<Item = (String, Vec<u8>)> {
    let program = [("program".to_owned(), wish.program.as_bytes().to_vec())];
    let args = wish.args.iter().enumerate();
    program
        .into_iter()
        .chain(args.map(|(index, arg)| (format!("arg {}", index + 1), arg.as_bytes().to_vec())))
}

fn environment(changes: &Environment) -> BTreeMap<OsString, OsString> {
    let mut env: BTreeMap<_, _> =
        if changes.cleared { BTreeMap::new() } else { env::vars_os().collect() };
    for (key, value) in &changes.changes {
        match value {
            Some(value) => env.insert(key.clone(), value.clone()),
            None => env.remove(key),
        };
    }
    env
}

fn variables(env: &BTreeMap<OsString, OsString>) -> impl Iterator<Item = (String, Vec<u8>)> {
    env.iter().map(|(key, value)| {
        let text = [key.as_bytes(), b"=", value.as_bytes()].concat();
        (format!("env {}", key.to_string_lossy()), text)
    })
}

/// The paths of a name that is looked up, or the one path that is given.
///
/// An empty entry of `PATH` is the working directory, as everywhere.
fn candidates(program: &OsStr, path: &OsStr) -> Vec<CString> {
    let program = program.as_bytes();
    let all = if program.contains(&b'/') {
        vec![program.to_vec()]
    } else {
        path.as_bytes().split(|byte| *byte == b':').map(|folder| join(folder, program)).collect()
    };
    // A NUL in the program was refused with the arguments; one in PATH cannot name a folder.
    all.into_iter().filter_map(|path| CString::new(path).ok()).collect()
}

fn join(folder: &[u8], program: &[u8]) -> Vec<u8> {
    match folder {
        [] => program.to_vec(),
        [.., b'/'] => [folder, program].concat(),
        _ => [folder, b"/", program].concat(),
    }
}
