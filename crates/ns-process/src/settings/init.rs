//! An init process for the pid namespace of the program.

use std::format;
use std::path::{Path, PathBuf};
use std::prelude::rust_2024::*;

use ns_sys::{CloneFlags, NamespaceFlags};

use super::Builder;

/// The process with ID 1 of a new pid namespace, if it is not the program itself.
///
/// It reaps orphans, forwards signals to the program, and exits when the program does; the kernel
/// then kills all other processes in the namespace. See [`Builder::init`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Init(Option<PathBuf>);

impl Init {
    /// The init of this library: a static program of a few hundred bytes, executed from memory.
    ///
    /// It uses a few pages, and keeps none of the caller's memory or files.
    ///
    /// # Errors
    /// [`Step::Prepare`](crate::Step::Prepare): `EACCES`, the sysctl `vm.memfd_noexec` is 2, and the
    /// directory for temporary files permits no program either: write
    /// [`executable`](Self::executable) to a file, and use its [`path`](Self::path); `EFBIG`,
    /// `RLIMIT_FSIZE` is smaller than the file.
    ///
    /// # References
    /// memfd_create(2).
    pub fn builtin() -> Self {
        Self(None)
    }

    /// A program of the caller's choice as the init.
    ///
    /// Each start opens the file in the caller, before any change of root. A statically linked
    /// program works in any root; a script cannot be executed this way. The init begins with this
    /// state:
    /// - It has process ID 1. Its child with the process ID in `argv[1]`, in decimal, is the
    ///   program, which already runs; `argv[0]` is the file name of the init. The environment is
    ///   empty.
    /// - Descriptor 3 is an eventfd(2), and no other is open. When the program has exited, the init
    ///   writes there once, 8 bytes: two `int`s, the status as returned by wait(2), and 1. Then it
    ///   exits. If it exits without that write, the status of the program is lost.
    /// - Every signal is blocked: sigwait(3) receives all signals, including those from inside the
    ///   namespace. `SIGCHLD` is not ignored.
    /// - It leads its own session, without a terminal, and its working directory is `/`.
    /// - Root, IDs, capabilities, limits, `no_new_privs`, seccomp filter and security label are
    ///   those of the program.
    ///
    /// # Errors
    /// [`Step::Prepare`](crate::Step::Prepare): the file cannot be opened, or is not executable.
    /// [`Step::Init`](crate::Step::Init): execveat(2) failed; the program was killed.
    pub fn path(path: impl Into<PathBuf>) -> Self {
        Self(Some(path.into()))
    }

    /// The path; `None` for the built-in init.
    pub fn get_path(&self) -> Option<&Path> {
        self.0.as_deref()
    }
}

/// # Init
///
/// The init process of a new pid namespace.
impl<Kind> Builder<Kind> {
    /// Adds an init process, which has ID 1 of the new pid namespace instead of the program.
    ///
    /// By default the program has ID 1: zombies stay unless it reaps them, and the kernel discards
    /// a signal without a handler, such as `SIGTERM`. With an init the program is an ordinary
    /// process: [`Process::terminate`](crate::Process::terminate) reaches it, and its status is
    /// complete, so that a signal is reported as a signal.
    ///
    /// The [`Process`](crate::Process) is the init: it has the init's process ID, `SIGSTOP` stops
    /// only the init, and `SIGKILL` kills the whole namespace, as does the exit of the program.
    /// After a join, no process of the namespace is left.
    ///
    /// A closure and hooks in the child are supported. `preup` runs in process 1; so do `exceptup`
    /// and `postup` if the set-up fails before process 1 has made the program's process. All other
    /// hooks run in the program's process, whose memory is a copy of process 1's, the third copy.
    ///
    /// The restrictions of the program also apply to the init: it counts for `RLIMIT_NPROC`, and a
    /// seccomp filter must allow its execveat, rt_sigtimedwait, wait4, kill, write and exit_group.
    /// It forwards the number of a signal, without the value of sigqueue(3), and cannot forward
    /// signals to a program that has become another user. Needs a new `Pid` namespace.
    ///
    /// # Errors
    /// [`Step::Init`](crate::Step::Init): the init could not be executed; the program already ran,
    /// and was killed.
    ///
    /// # Examples
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
    /// # References
    /// pid_namespaces(7).
    pub fn init(&mut self, init: Init) -> &mut Self {
        self.init = Some(init);
        self
    }

    /// The init, if one is set.
    pub fn get_init(&self) -> Option<&Init> {
        self.init.as_ref()
    }

    /// Checks the settings; an error begins with the name of the setter.
    pub(crate) fn checked_init(&self, namespaces: NamespaceFlags) -> Result<Option<Init>, String> {
        if self.init.is_none() {
            return Ok(None);
        }
        if !namespaces.contains(NamespaceFlags::PID) {
            return Err("init: needs a new pid namespace".to_owned());
        }
        let shared = self.flags & (CloneFlags::FS | CloneFlags::FILES);
        match shared.iter().next() {
            Some(flag) => {
                let is_fs = flag == CloneFlags::FS;
                let what = if is_fs { "root and working directory" } else { "descriptors" };
                Err(format!("init: {flag} would make the init share the caller's {what}"))
            }
            None => Ok(self.init.clone()),
        }
    }
}
