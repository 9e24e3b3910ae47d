//! The caller's own code in the child: hooks and the closure. Memory is the child's own by then.
#![allow(unsafe_code, reason = "_exit, and the environment of a process with one thread")]

use std::any::Any;
use std::cell::Cell;
use std::env;
use std::io::{self, Write};
use std::os::fd::RawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::prelude::rust_2024::*;
use std::string::ToString;
use std::sync::PoisonError;

use ns_fs::FdPlan;
use ns_sys::Errno;
use ns_sys::child::{SignalSet, getpid, rt_sigprocmask};

use super::across_fork::AcrossFork;
use super::pipes;
use super::text::Text;
use crate::builder::{HookContext, HookError};
use crate::in_child::{Ended, Guest, Moment, Report};
use crate::plan::{Closure, Plan};
use crate::step::Step;

/// Exit codes of a closure, as those of a `main`.
const PANICKED: i32 = 101;
const RETURNED_ERROR: i32 = 1;

/// Runs what a plan has for the child.
pub(super) struct Visitor<'a> {
    plan: &'a Plan,
    /// Where the words of a hook's error go.
    said: &'a Text,
    /// The ends of this start's pipes: the caller's, and the child's before they were placed.
    pipes: Vec<(RawFd, RawFd)>,
    held: Cell<Option<AcrossFork>>,
}

impl<'a> Visitor<'a> {
    pub(super) fn new(plan: &'a Plan, said: &'a Text, fds: &FdPlan) -> Self {
        Self { plan, said, pipes: fds.pipe_ends().collect(), held: Cell::new(None) }
    }

    /// Takes what must not be another thread's when memory is copied.
    pub(super) fn hold(&self) {
        self.held.set(Some(AcrossFork::hold()));
    }

    /// Gives it up in the caller.
    pub(super) fn release(&self) {
        self.held.set(None);
    }
}

impl Guest for Visitor<'_> {
    fn settle(&self) {
        if let Some(held) = self.held.take() {
            held.settle(&self.pipes);
        }
        // The caller's handlers are gone, and code may rely on signals.
        let _ = rt_sigprocmask(SignalSet::EMPTY);
    }

    fn hooks(&self, moment: Moment, failed: Option<Report>) -> Result<(), Report> {
        let context = HookContext::new(getpid(), failed);
        for hook in self.plan.child_hooks.at(moment) {
            let mut hook = hook.lock().unwrap_or_else(PoisonError::into_inner);
            let called = catch_unwind(AssertUnwindSafe(|| hook(&context)));
            let errno = match called {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => self.refused(&error),
                Err(payload) => self.panicked(payload.as_ref()),
            };
            return Err(Report::new(step(moment), errno));
        }
        Ok(())
    }

    fn has_closure(&self) -> bool {
        self.plan.work.closure().is_some()
    }

    fn closure(&self) -> Ended {
        let Some(closure) = self.plan.work.closure() else {
            return Ended { code: 0, failed: false };
        };
        set_environment(closure);
        for (_, placed) in &self.pipes {
            pipes::close_copy(*placed);
        }
        let mut call = closure.call.0.lock().unwrap_or_else(PoisonError::into_inner);
        match catch_unwind(AssertUnwindSafe(&mut *call)) {
            Ok(Ok(code)) => Ended { code, failed: false },
            Ok(Err(text)) => {
                let _ = writeln!(io::stderr(), "Error: {text}");
                Ended { code: RETURNED_ERROR, failed: true }
            }
            Err(_) => Ended { code: PANICKED, failed: true },
        }
    }

    fn leave(&self, code: i32) -> ! {
        let _ = io::stdout().flush();
        super::across_fork::flush_c();
        // SAFETY: ends this process, and runs nothing of the caller's.
        unsafe { libc::_exit(code) }
    }
}

impl Visitor<'_> {
    fn refused(&self, error: &HookError) -> Errno {
        self.said.write(&error.to_string());
        let errno = error.downcast_ref::<io::Error>().and_then(Errno::from_io_error);
        errno.or_else(|| error.downcast_ref::<Errno>().copied()).unwrap_or(Errno::CANCELED)
    }

    fn panicked(&self, payload: &(dyn Any + Send)) -> Errno {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        self.said.write(text.unwrap_or("panicked"));
        Errno::CANCELED
    }
}

/// As what a failed hook is told; the others' failures are lost.
fn step(moment: Moment) -> Step {
    match moment {
        Moment::PreUp | Moment::ExceptUp => Step::Preup,
        Moment::PostUp => Step::Postup,
        Moment::PreExec | Moment::ExceptExec | Moment::PostExec => Step::Preexec,
    }
}

fn set_environment(closure: &Closure) {
    if closure.environment.cleared {
        for (key, _) in env::vars_os().collect::<Vec<_>>() {
            // SAFETY: the child has one thread.
            unsafe { env::remove_var(key) };
        }
    }
    for (key, value) in &closure.environment.changes {
        match value {
            // SAFETY: as above.
            Some(value) => unsafe { env::set_var(key, value) },
            // SAFETY: as above.
            None => unsafe { env::remove_var(key) },
        }
    }
}
