//! The program, its arguments and its environment, in std's words.

use std::ffi::{OsStr, OsString};
use std::prelude::rust_2024::*;

use super::{Builder, Container};

impl Container {
    /// A program, by path or by a name that is looked up in `PATH`, inside the container.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self::with_program("container", program.as_ref().to_owned())
    }
}

impl<Kind> Builder<Kind> {
    /// Adds an argument.
    pub fn arg(&mut self, arg: impl AsRef<OsStr>) -> &mut Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    pub fn args<A: AsRef<OsStr>>(&mut self, args: impl IntoIterator<Item = A>) -> &mut Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets a variable of the program's environment, which is otherwise the caller's.
    ///
    /// `PATH` set here is also where the program is looked up.
    pub fn env(&mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> &mut Self {
        self.change(key.as_ref(), Some(value.as_ref().to_owned()))
    }

    /// Sets variables.
    pub fn envs<K: AsRef<OsStr>, V: AsRef<OsStr>>(
        &mut self,
        envs: impl IntoIterator<Item = (K, V)>,
    ) -> &mut Self {
        envs.into_iter().fold(self, |builder, (key, value)| builder.env(key, value))
    }

    /// Removes a variable from the program's environment.
    pub fn env_remove(&mut self, key: impl AsRef<OsStr>) -> &mut Self {
        self.change(key.as_ref(), None)
    }

    /// Begins with an empty environment; forgets what was set before.
    pub fn env_clear(&mut self) -> &mut Self {
        self.env.cleared = true;
        self.env.changes.clear();
        self
    }

    /// The program.
    pub fn get_program(&self) -> &OsStr {
        &self.program
    }

    /// The arguments.
    pub fn get_args(&self) -> impl Iterator<Item = &OsStr> {
        self.args.iter().map(OsString::as_os_str)
    }

    /// What was set with [`env`](Self::env), and removed, which is `None`.
    pub fn get_envs(&self) -> impl Iterator<Item = (&OsStr, Option<&OsStr>)> {
        self.env.changes.iter().map(|(key, value)| (key.as_os_str(), value.as_deref()))
    }

    fn change(&mut self, key: &OsStr, value: Option<OsString>) -> &mut Self {
        self.env.changes.retain(|(known, _)| known != key);
        self.env.changes.push((key.to_owned(), value));
        self
    }
}
