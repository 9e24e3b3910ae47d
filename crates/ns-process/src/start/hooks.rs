//! The caller's code in the child: hooks and the closure. The child has its own copy of the memory
//! then.
#![allow(unsafe_code, reason = "_exit, and setting environ in a process with one thread")]

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
    SavedRobustList, SignalSet, get_robust_list, getpid, restore_robust_list, rt_sigprocmask,
};

use super::atfork::{self, AtFork};
use super::attempt::Failure;
use super::dumpable;
use super::pipes::{self, Opened};
use super::shared::Text;
use super::threads;
use crate::in_child::{ChildCode, Ended, HookPoint, Report};
use crate::plan::Plan;
use crate::settings::{ChildHook, HookContext, errno_of};
use crate::step::Step;

/// The exit codes of a closure, the same as those of `main`.
const PANICKED: i32 = 101;
const RETURNED_ERROR: i32 = 1;

unsafe extern "C" {
    /// The environment of the process, environ(7).
    static mut environ: *const *const c_char;
}

/// Runs the hooks and the closure of a plan.
pub(super) struct HookRunner<'a> {
    plan: &'a Plan,
    /// Receives the message of a hook's error.
    message: Option<&'a Text>,
    /// The pipes of this start: the caller's end, and the child's end before it was placed.
    pipes: Vec<(RawFd, RawFd)>,
    /// The other descriptors that this start has opened for itself.
    private_fds: Vec<RawFd>,
    /// The environment of the closure; `None` to inherit.
    environment: Option<*const *const c_char>,
    /// libc's list of the robust mutexes of this thread, see get_robust_list(2).
    mutexes: Option<SavedRobustList>,
    locks: Cell<Option<AtFork>>,
}

impl<'a> HookRunner<'a> {
    /// `envp` is the environment of a closure. `private_fds` are closed before a closure runs.
    pub(super) fn new(
        plan: &'a Plan,
        message: Option<&'a Text>,
        fds: &Opened,
        private_fds: impl Iterator<Item = RawFd>,
        envp: &[*const c_char],
    ) -> Self {
        // Descriptors 0 to 2 are the standard streams of the child by then.
        let private_fds = private_fds.chain(fds.opened()).filter(|fd| *fd > 2).collect();
        let environment = (!envp.is_empty()).then_some(envp.as_ptr());
        let mutexes = get_robust_list().ok();
        let (pipes, locks) = (fds.pipe_ends().collect(), Cell::new(None));
        Self { plan, message, pipes, private_fds, environment, mutexes, locks }
    }

    /// Acquires the locks that no other thread may hold during a fork. For hooks of a program, if
    /// the caller has threads, the locks of std's streams are left out, so that no start waits for
    /// the threads that hold them.
    ///
    /// # Errors
    /// The error of `check`, which sees the dumpable flag as it stays until the fork; then no lock
    /// is held.
    pub(super) fn lock_for_fork(
        &self,
        check: impl FnOnce(&dumpable::Lock) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let streams = self.has_closure() || threads::is_single_threaded();
        let locks = AtFork::prepare(streams);
        check(locks.dumpable_lock())?;
        self.locks.set(Some(locks));
        Ok(())
    }

    /// Releases the locks in the parent.
    pub(super) fn unlock_after_fork(&self) {
        self.locks.set(None);
    }

    /// Restores the list of robust mutexes of the caller's thread, which the steps of the child had
    /// replaced.
    fn restore_mutexes(&self) {
        // SAFETY: libc registered the list for the forking thread, and keeps it as long as the
        // thread exists. This thread is its copy, so the list is at the same address.
        let _ = self.mutexes.map(|list| unsafe { restore_robust_list(list) });
    }

    /// Calls the hooks in order until one fails.
    fn call<'hook>(
        &self,
        hooks: impl Iterator<Item = &'hook Mutex<ChildHook>>,
        point: HookPoint,
        failed: Option<Report>,
    ) -> Result<(), Report> {
        let context = HookContext::new(getpid(), failed);
        for hook in hooks {
            let called = catch_panic(|| {
                let mut hook = hook.lock().unwrap_or_else(PoisonError::into_inner);
                hook(&context).map_err(|error| {
                    let failed = (errno_of(&error), error.to_string());
                    mem::forget(error);
                    failed
                })
            });
            let (errno, text) = match called {
                Ok(Ok(())) => continue,
                Ok(Err(failed)) => failed,
                Err(text) => (None, text),
            };
            self.store_message(point, &text);
            return Err(Report::new(step(point), errno.unwrap_or(Errno::CANCELED)));
        }
        Ok(())
    }

    /// Stores the message of an error that the start will report.
    fn store_message(&self, point: HookPoint, text: &str) {
        if matches!(point, HookPoint::PreUp | HookPoint::PostUp | HookPoint::PreExec) {
            self.message.into_iter().for_each(|message| message.write(text));
        }
    }
}

impl ChildCode for HookRunner<'_> {
    fn after_fork(&self) {
        if let Some(locks) = self.locks.take() {
            locks.child(&self.pipes);
        }
        if let Some(environment) = self.environment.filter(|_| self.has_closure()) {
            // SAFETY: the child has one thread, so no other thread reads `environ`. The array and
            // its strings are in the child's copy of the memory, where no code frees them.
            unsafe { environ = environment };
        }
        // No signal handler of the caller is left, and the caller's code may rely on signals.
        let _ = rt_sigprocmask(SignalSet::EMPTY);
    }

    fn hooks(&self, point: HookPoint, failed: Option<Report>) -> Result<(), Report> {
        let mut hooks = self.plan.child_hooks.at(point).peekable();
        if hooks.peek().is_none() {
            return Ok(());
        }
        let steps_list = get_robust_list();
        self.restore_mutexes();
        let called = self.call(hooks, point, failed);
        // SAFETY: the list was registered for this thread before `restore_mutexes` replaced it, and
        // its memory is still in place.
        let _ = steps_list.map(|list| unsafe { restore_robust_list(list) });
        called
    }

    fn has_closure(&self) -> bool {
        self.plan.work.closure().is_some()
    }

    fn closure(&self) -> Ended {
        let Some(closure) = self.plan.work.closure() else {
            return Ended { code: 0, failed: false };
        };
        self.restore_mutexes();
        self.private_fds.iter().for_each(|fd| pipes::close_copy(*fd));
        let ended = catch_panic(|| {
            let mut call = closure.0.lock().unwrap_or_else(PoisonError::into_inner);
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

    fn exit(&self, code: i32) -> ! {
        let _ = io::stdout().flush();
        atfork::flush_c();
        // SAFETY: _exit(2) terminates the process without running any exit handler of the caller.
        unsafe { libc::_exit(code) }
    }
}

/// Returns the result of `call`, or the message of its panic. Neither the panic nor its payload may
/// unwind further: the frames below belong to the caller of the start.
fn catch_panic<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|payload| {
        let text = panic_message(&*payload).unwrap_or("panicked").to_owned();
        // Dropping the payload could panic again.
        mem::forget(payload);
        text
    })
}

fn panic_message(payload: &(dyn Any + Send)) -> Option<&str> {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}

/// The step that a failed hook is reported as. Failures of `ExceptUp`, `ExceptExec` and `PostExec`
/// hooks are not reported.
fn step(point: HookPoint) -> Step {
    match point {
        HookPoint::PreUp | HookPoint::ExceptUp => Step::Preup,
        HookPoint::PostUp => Step::Postup,
        HookPoint::PreExec | HookPoint::ExceptExec | HookPoint::PostExec => Step::Preexec,
    }
}
