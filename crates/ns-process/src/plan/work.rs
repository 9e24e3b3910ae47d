//! What the child will be: a program, or a closure.

use std::ffi::c_char;
use std::fmt;
use std::format;
use std::prelude::rust_2024::*;

use ns_sys::CloneFlags;

use super::environment::{self, Block};
use super::program::Program;
use crate::builder::{Builder, Closure as Call};
use crate::error::Error;
use crate::in_child::Moment;
use crate::step::Step;

/// A program, or a closure.
#[derive(Debug)]
pub(crate) enum Work {
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

impl Work {
    pub(super) fn new<Kind>(wish: &Builder<Kind>) -> Result<Self, Error> {
        let mistake = |said: String| Error::new(&wish.name, Step::Check).with_object(said);
        let Some(call) = &wish.closure else {
            if wish.child_hooks.at(Moment::PostExec).next().is_some() {
                let said = "postexec: a program has replaced the child by then";
                return Err(mistake(said.to_owned()));
            }
            if wish.child_hooks.are_running() {
                return Err(mistake("hooks: one is running, and cannot start itself".to_owned()));
            }
            return Program::new(wish).map(Self::Program);
        };
        refused(wish, call).map_or(Ok(()), |said| Err(mistake(said)))?;
        let changes = wish.env.cleared || !wish.env.changes.is_empty();
        let environment = changes.then(|| environment::variables(&wish.env)).transpose();
        let environment = environment.map_err(mistake)?;
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
fn refused<Kind>(wish: &Builder<Kind>, call: &Call) -> Option<String> {
    if !wish.args.is_empty() {
        return Some("arg: a closure has none; move them into it".to_owned());
    }
    if wish.privileges.label.is_some() {
        return Some("exec_label: a closure executes nothing".to_owned());
    }
    if let Some(flag) = (wish.flags & REFUSED).iter().next() {
        return Some(format!("flags: {flag}: fork cannot carry it"));
    }
    (call.is_running() || wish.child_hooks.are_running())
        .then(|| "closure: it is running, and cannot start itself".to_owned())
}
