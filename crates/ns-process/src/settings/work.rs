//! The program or closure that the child runs.

use std::format;
use std::prelude::rust_2024::*;

use ns_sys::CloneFlags;

use super::environment;
use super::program::Program;
use super::strings::{Arrays, Strings};
use super::{Builder, Closure};
use crate::in_child::HookPoint;

/// A program, or a closure.
#[derive(Debug)]
pub(crate) enum Work {
    Program(Program),
    /// The closure, and its environment; `None`: the caller's environment.
    Closure(Closure, Option<Strings>),
}

/// Flags that do not apply to a child of fork(2).
const UNSUPPORTED: CloneFlags = CloneFlags::VM.union(CloneFlags::VFORK).union(CloneFlags::PTRACE);

impl Work {
    /// Checks the settings; an error begins with the name of the setter.
    pub(crate) fn new<Kind>(config: &Builder<Kind>) -> Result<Self, String> {
        let Some(closure) = &config.closure else {
            if config.child_hooks.at(HookPoint::PostExec).next().is_some() {
                return Err("postexec: a program leaves no code to run the hook".to_owned());
            }
            if config.child_hooks.are_running() {
                return Err("hooks: a running hook cannot start its own builder".to_owned());
            }
            return Program::new(config).map(Self::Program);
        };
        unsupported(config, closure).map_or(Ok(()), Err)?;
        let changes = config.env.cleared || !config.env.changes.is_empty();
        let environment = changes.then(|| environment::variables(&config.env)).transpose()?;
        Ok(Self::Closure(closure.clone(), environment))
    }

    pub(crate) fn program(&self) -> Option<&Program> {
        match self {
            Self::Program(program) => Some(program),
            Self::Closure(..) => None,
        }
    }

    /// The arrays for execve(2); `envp` is empty for a closure with the caller's environment.
    pub(crate) fn arrays(&self) -> Arrays {
        match self {
            Self::Program(program) => program.arrays(),
            Self::Closure(_, environment) => Arrays::new(None, environment.as_ref()),
        }
    }

    pub(crate) fn closure(&self) -> Option<&Closure> {
        match self {
            Self::Program(_) => None,
            Self::Closure(closure, _) => Some(closure),
        }
    }
}

/// A message if the configuration has a setting that a closure does not support.
fn unsupported<Kind>(config: &Builder<Kind>, closure: &Closure) -> Option<String> {
    if !config.args.is_empty() {
        return Some("arg: a closure takes no arguments; move them into the closure".to_owned());
    }
    if config.program_fd.is_some() {
        return Some("program_fd: a closure executes no program".to_owned());
    }
    if config.privileges.label.is_some() {
        return Some("exec_label: a closure executes no program".to_owned());
    }
    if let Some(flag) = (config.flags & UNSUPPORTED).iter().next() {
        return Some(format!("flags: {flag}: a closure does not support this flag"));
    }
    (closure.is_running() || config.child_hooks.are_running())
        .then(|| "closure: a running closure cannot start its own builder".to_owned())
}
