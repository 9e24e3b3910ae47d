//! The program or closure that the child runs.

use std::ffi::c_char;
use std::prelude::rust_2024::*;
use std::{fmt, format};

use ns_sys::CloneFlags;

use super::environment::{self, Block};
use super::program::Program;
use super::{Builder, Closure as Call};
use crate::error::Error;
use crate::in_child::HookPoint;
use crate::step::Step;

/// A program, or a closure.
#[derive(Debug)]
pub(crate) enum Payload {
    Program(Program),
    Closure(Closure),
}

/// A closure and its environment.
pub(crate) struct Closure {
    pub(crate) call: Call,
    /// `None`: the caller's environment.
    environment: Option<Block>,
}

impl fmt::Debug for Closure {
    /// Omits the environment, which may contain secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.call.fmt(f)
    }
}

/// Flags that do not apply to a child of fork(2).
const UNSUPPORTED: CloneFlags = CloneFlags::VM.union(CloneFlags::VFORK).union(CloneFlags::PTRACE);

impl Payload {
    pub(crate) fn new<Kind>(config: &Builder<Kind>) -> Result<Self, Error> {
        let invalid = |message: String| Error::new(&config.name, Step::Check).with_object(message);
        let Some(call) = &config.closure else {
            if config.child_hooks.at(HookPoint::PostExec).next().is_some() {
                let message = "postexec: a program leaves no code to run the hook";
                return Err(invalid(message.to_owned()));
            }
            if config.child_hooks.are_running() {
                return Err(invalid(
                    "hooks: a running hook cannot start its own builder".to_owned(),
                ));
            }
            return Program::new(config).map(Self::Program);
        };
        unsupported(config, call).map_or(Ok(()), |message| Err(invalid(message)))?;
        let changes = config.env.cleared || !config.env.changes.is_empty();
        let environment = changes.then(|| environment::variables(&config.env)).transpose();
        let environment = environment.map_err(invalid)?;
        Ok(Self::Closure(Closure { call: call.clone(), environment }))
    }

    pub(crate) fn program(&self) -> Option<&Program> {
        match self {
            Self::Program(program) => Some(program),
            Self::Closure(_) => None,
        }
    }

    /// `envp` for execve(2); empty for a closure with the caller's environment.
    pub(crate) fn envp(&self) -> Vec<*const c_char> {
        match self {
            Self::Program(program) => program.envp(),
            Self::Closure(closure) => {
                closure.environment.as_ref().map_or_else(Vec::new, Block::pointers)
            }
        }
    }

    pub(crate) fn closure(&self) -> Option<&Closure> {
        match self {
            Self::Program(_) => None,
            Self::Closure(closure) => Some(closure),
        }
    }
}

/// A message if the configuration has a setting that a closure does not support.
fn unsupported<Kind>(config: &Builder<Kind>, call: &Call) -> Option<String> {
    if !config.args.is_empty() {
        return Some("arg: a closure takes no arguments; move them into the closure".to_owned());
    }
    if config.privileges.label.is_some() {
        return Some("exec_label: a closure executes no program".to_owned());
    }
    if let Some(flag) = (config.flags & UNSUPPORTED).iter().next() {
        return Some(format!("flags: {flag}: a closure does not support this flag"));
    }
    (call.is_running() || config.child_hooks.are_running())
        .then(|| "closure: a running closure cannot start its own builder".to_owned())
}
