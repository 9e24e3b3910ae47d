//! The caller's own code in the child: hooks and the closure. Memory is the child's own by then.
#![allow(unsafe_code, reason = "_exit, and the environment of a process with one thread")]

use std::any::Any;
use std::cell::Cell;
use std::ffi::c_char;
use std::io::{self, Write};
use std::mem;
use std::os::fd::RawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::prelude::rust_2024::*;
use std::string::ToString;
use std::sync::{Mutex, PoisonError};

use ns_sys::Errno;
use ns_sys::child::{
    FormerList, SignalSet, get_robust_list, getpid, restore_robust_list, rt_sigprocmask,
};

use super::atfork::{self, AcrossFork};
use super::attempt::Failure;
use super::dumpable;
use super::pipes::{self, Opened};
use super::text::Text;
use super::threads;
use crate::in_child::{ChildCode, Ended, HookPoint, Report};
use crate::plan::Plan;
use crate::settings::{ChildHook, HookContext, errno_of};
use crate::step::Step;

/// Exit codes of a closure, as those of a `main`.
const PANICKED: i32 = 101;
const RETURNED_ERROR: i32 = 1;

unsafe extern "C" {
    /// libc's: the environment of the process.
    static mut environ: *const *const c_char;
}

/// Runs what a plan has for the child.
pub(super) struct HookRunner<'a> {
    plan: &'a Plan,
    /// Where the words of a hook's error go.
    message: &'a Text,
    /// The ends of this start's pipes: the caller's, and the child's before they were placed.
    pipes: Vec<(RawFd, RawFd)>,
    /// What else this start has open for itself.
    own: Vec<RawFd>,
    /// A closure's own, if it has one.
    environment: Option<*const *const c_char>,
    /// libc's list of the robust mutexes that this thread holds.
    mutexes: Option<FormerList>,
    held: Cell<Option<AcrossFork>>,
}

impl<'a> HookRunner<'a> {
    /// `envp` is a closure's environment; `own` are descriptors that are closed before a closure runs.
    pub(super) fn new(
        plan: &'a Plan,
        message: &'a Text,
        fds: &Opened,
        own: impl Iterator<Item = RawFd>,
        envp: &[*const c_char],
    ) -> Self {
        // The lowest three are placed by number, whatever lay there before.
        let own = own.chain(fds.opened()).filter(|number| *number > 2).collect();
        let environment = (!envp.is_empty()).then_some(envp.as_ptr());
        let mutexes = get_robust_list().ok();
        let (pipes, held) = (fds.pipe_ends().collect(), Cell::new(None));
        Self { plan, message, pipes, own, environment, mutexes, held }
    }

    /// Takes what must not be another thread's when memory is copied. Hooks of a program in a program
    /// with threads must do without std's streams, so that no start waits for those who hold them.
    ///
    /// # Errors
    /// That of `check`, which sees the dumpable flag as it will be until the fork; then nothing is held.
    pub(super) fn hold(
        &self,
        check: impl FnOnce(&dumpable::Lock) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let streams = self.has_closure() || threads::is_alone();
        let held = AcrossFork::hold(streams);
        check(held.holders())?;
        self.held.set(Some(held));
        Ok(())
    }

    /// Gives it up in the caller.
    pub(super) fn release(&self) {
        self.held.set(None);
    }

    /// Lets the kernel see the mutexes that the caller's code holds, in place of what the fence set.
    fn set_mutexes(&self) {
        // SAFETY: libc's own, of the thread whose copy this one is.
        let _ = self.mutexes.map(|list| unsafe { restore_robust_list(list) });
    }

    /// Calls hooks, until one fails.
    fn call<'hook>(
        &self,
        hooks: impl Iterator<Item = &'hook Mutex<ChildHook>>,
        point: HookPoint,
        failed: Option<Report>,
    ) -> Result<(), Report> {
        let context = HookContext::new(getpid(), failed);
        for hook in hooks {
            let called = guarded(|| {
                let mut hook = hook.lock().unwrap_or_else(PoisonError::into_inner);
                hook(&context).map_err(|error| {
                    let told = (errno_of(&error), error.to_string());
                    mem::forget(error);
                    told
                })
            });
            let (errno, text) = match called {
                Ok(Ok(())) => continue,
                Ok(Err(told)) => told,
                Err(text) => (None, text),
            };
            self.note(point, &text);
            return Err(Report::new(step(point), errno.unwrap_or(Errno::CANCELED)));
        }
        Ok(())
    }

    /// Keeps the words of an error that the start will report.
    fn note(&self, point: HookPoint, text: &str) {
        if matches!(point, HookPoint::PreUp | HookPoint::PostUp | HookPoint::PreExec) {
            self.message.write(text);
        }
    }
}

impl ChildCode for HookRunner<'_> {
    fn settle(&self) {
        if let Some(held) = self.held.take() {
            held.settle(&self.pipes);
        }
        if let Some(environment) = self.environment.filter(|_| self.has_closure()) {
            // SAFETY: the child has one thread, and its copy of the array and the strings stays.
            unsafe { environ = environment };
        }
        // The caller's handlers are gone, and code may rely on signals.
        let _ = rt_sigprocmask(SignalSet::EMPTY);
    }

    fn hooks(&self, point: HookPoint, failed: Option<Report>) -> Result<(), Report> {
        let mut hooks = self.plan.child_hooks.at(point).peekable();
        if hooks.peek().is_none() {
            return Ok(());
        }
        let fences = get_robust_list();
        self.set_mutexes();
        let called = self.call(hooks, point, failed);
        // SAFETY: it was set until now.
        let _ = fences.map(|list| unsafe { restore_robust_list(list) });
        called
    }

    fn has_closure(&self) -> bool {
        self.plan.work.closure().is_some()
    }

    fn closure(&self) -> Ended {
        let Some(closure) = self.plan.work.closure() else {
            return Ended { code: 0, failed: false };
        };
        self.set_mutexes();
        self.own.iter().for_each(|number| pipes::close_copy(*number));
        let ended = guarded(|| {
            let mut call = closure.call.0.lock().unwrap_or_else(PoisonError::into_inner);
            call()
        });
        match ended {
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
        atfork::flush_c();
        // SAFETY: ends this process, and runs nothing of the caller's.
        unsafe { libc::_exit(code) }
    }
}

/// What `call` returns, or the words of its panic. Neither it nor what it threw may unwind further: the
/// frames behind are the caller's.
fn guarded<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|payload| {
        let text = panic_message(&*payload).unwrap_or("panicked").to_owned();
        // Dropping it could panic again.
        mem::forget(payload);
        text
    })
}

fn panic_message(payload: &(dyn Any + Send)) -> Option<&str> {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}

/// As what a failed hook is told; the others' failures are lost.
fn step(point: HookPoint) -> Step {
    match point {
        HookPoint::PreUp | HookPoint::ExceptUp => Step::Preup,
        HookPoint::PostUp => Step::Postup,
        HookPoint::PreExec | HookPoint::ExceptExec | HookPoint::PostExec => Step::Preexec,
    }
}
