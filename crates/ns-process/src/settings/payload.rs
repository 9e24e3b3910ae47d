//! What the child will be: a program, or a closure.

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
    /// `None`: the caller's.
    environment: Option<Block>,
}

impl fmt::Debug for Closure {
    /// Without the environment, which may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.call.fmt(f)
    }
}

/// Flags that fork(2) cannot carry.
const REFUSED: CloneFlags = CloneFlags::VM.union(CloneFlags::VFORK).union(CloneFlags::PTRACE);

impl Payload {
    pub(crate) fn new<Kind>(config: &Builder<Kind>) -> Result<Self, Error> {
        let invalid = |message: String| Error::new(&config.name, Step::Check).with_object(message);
        let Some(call) = &config.closure else {
            if config.child_hooks.at(HookPoint::PostExec).next().is_some() {
                let message = "postexec: a program has replaced the child by then";
                return Err(invalid(message.to_owned()));
            }
            if config.child_hooks.are_running() {
                return Err(invalid("hooks: one is running, and cannot start itself".to_owned()));
            }
            return Program::new(config).map(Self::Program);
        };
        refused(config, call).map_or(Ok(()), |message| Err(invalid(message)))?;
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

    /// `envp`, as execve(2) takes it; empty for a closure with the caller's.
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

/// What a closure cannot have, in words.
fn refused<Kind>(config: &Builder<Kind>, call: &Call) -> Option<String> {
    if !config.args.is_empty() {
        return Some("arg: a closure has none; move them into it".to_owned());
    }
    if config.privileges.label.is_some() {
        return Some("exec_label: a closure executes nothing".to_owned());
    }
    if let Some(flag) = (config.flags & REFUSED).iter().next() {
        return Some(format!("flags: {flag}: fork cannot carry it"));
    }
    (call.is_running() || config.child_hooks.are_running())
        .then(|| "closure: it is running, and cannot start itself".to_owned())
}
