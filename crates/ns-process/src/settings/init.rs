//! A process with id 1 beside the program.

use std::format;
use std::path::{Path, PathBuf};
use std::prelude::rust_2024::*;

use ns_sys::{CloneFlags, NamespaceFlags};

use super::Builder;

/// What has id 1 of a new pid namespace, when that is not the program itself.
///
/// It reaps whatever loses its parent, passes signals on to the program, and ends when the program does;
/// with it the kernel ends all that is left in the namespace. See [`Builder::init`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Init(Option<PathBuf>);

impl Init {
    /// That of this library: a static program of some hundred bytes, executed from memory. It keeps a few
    /// pages, and none of the caller's memory or files.
    ///
    /// # Errors
    /// [`Step::Prepare`](crate::Step::Prepare), `EACCES`: the sysctl `vm.memfd_noexec` is 2, and no file in
    /// memory may be executed. Write [`executable`](Self::executable) to a file, and give its
    /// [`path`](Self::path).
    ///
    /// # References
    /// memfd_create(2).
    pub fn builtin() -> Self {
        Self(None)
    }

    /// A program of the caller's own, opened by each start, in the caller, before any change of root. A
    /// static one has all it needs in any root; a script cannot be executed this way.
    ///
    /// What it is given:
    /// - It has id 1, and its child with the id in `argv[1]`, in decimal, is the program, which already
    ///   runs; `argv[0]` is the name of its file. There is no environment.
    /// - Descriptor 3 is an eventfd(2), and no other is open. When the program has ended it writes there
    ///   once, 8 bytes: two `int`s, the status as wait(2) tells it, and 1. Then it exits. If it ends
    ///   without that, the status of the program is lost.
    /// - Every signal is blocked: sigwait(3) gets them all, also those from within the namespace. `SIGCHLD`
    ///   is not ignored.
    /// - It leads a session of its own, without a terminal, and its working directory is `/`.
    /// - Root, ids, capabilities, limits, `no_new_privs`, filter and label are the program's.
    ///
    /// # Errors
    /// [`Step::Prepare`](crate::Step::Prepare): it cannot be opened, or is no file that can be executed.
    /// [`Step::Init`](crate::Step::Init): its execution failed; the program was killed.
    pub fn path(path: impl Into<PathBuf>) -> Self {
        Self(Some(path.into()))
    }

    /// The path, unless it is the built-in one.
    pub fn get_path(&self) -> Option<&Path> {
        self.0.as_deref()
    }
}

impl<Kind> Builder<Kind> {
    /// Starts the program beside an init, which has id 1 of the new pid namespace; needs one.
    ///
    /// Without, the program has id 1 itself: zombies stay unless it reaps them, and signals from the
    /// default disposition on are lost on it, as `SIGTERM` is. With it, the program is an ordinary process:
    /// [`Process::terminate`](crate::Process::terminate) reaches it, and its status is told in full, a signal
    /// as a signal.
    ///
    /// The [`Process`](crate::Process) is that of the init: its id is the init's, `SIGSTOP` stops the init
    /// alone, `SIGKILL` ends the whole namespace, and so does the end of the program. Joined, it has ended
    /// with all that was in it.
    ///
    /// A closure runs beside it as a program does, and hooks in the child: `preup` in pid 1 itself, as well as
    /// `exceptup` and `postup` where the set-up fails before both part, and all others in the other process. Its
    /// memory is a copy of pid 1's, the third one.
    ///
    /// The init is confined as the program is: it counts for `RLIMIT_NPROC`, and a filter has to allow it
    /// execveat, rt_sigtimedwait, wait4, kill, write and exit_group. It cannot pass signals on to a program
    /// that has become another user.
    ///
    /// ```
    /// use ns_process::{Container, Init, Namespace, Signal};
    /// use std::os::unix::process::ExitStatusExt;
    ///
    /// let mut container = Container::new("sleep");
    /// container.arg("1000").namespaces([Namespace::User, Namespace::Pid]).map_zero();
    /// let process = container.init(Init::builtin()).start()?;
    /// process.terminate()?;
    /// assert_eq!(process.join()?.signal(), Some(Signal::TERM.as_raw()));
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Step::Init`](crate::Step::Init): the program ran already, and was killed.
    ///
    /// # References
    /// pid_namespaces(7).
    pub fn init(&mut self, init: Init) -> &mut Self {
        self.init = Some(init);
        self
    }

    /// The init, if there is one beside the program.
    pub fn get_init(&self) -> Option<&Init> {
        self.init.as_ref()
    }
}

/// Looks at the wish, and says in words what is wrong with it, by the name of its setter.
pub(crate) fn checked<Kind>(
    config: &Builder<Kind>,
    namespaces: NamespaceFlags,
) -> Result<Option<Init>, String> {
    if config.init.is_none() {
        return Ok(None);
    }
    if !namespaces.contains(NamespaceFlags::PID) {
        return Err("init: needs a new pid namespace".to_owned());
    }
    let shared = config.flags & (CloneFlags::FS | CloneFlags::FILES);
    match shared.iter().next() {
        Some(flag) => Err(format!("init: {flag} would share the caller's with it")),
        None => Ok(config.init.clone()),
    }
}
