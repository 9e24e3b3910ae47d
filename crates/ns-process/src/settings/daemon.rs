//! A program that runs as a daemon.

use std::format;
use std::prelude::rust_2024::*;

use ns_sys::CloneFlags;

use super::Builder;

/// The parent of a daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Daemon {
    /// Init, or the nearest subreaper, from execve(2) on.
    OfInit,
    /// The caller.
    OfCaller,
}

/// # Daemon
///
/// A program that is independent of the caller and its terminal.
impl<Kind> Builder<Kind> {
    /// Starts the program as a daemon, whose parent is init or the nearest subreaper, which reaps
    /// it.
    ///
    /// By default the program is an ordinary child of the caller. A daemon:
    /// - is in a new session, which it does not lead, so that it cannot acquire a terminal;
    /// - has `/dev/null` as stdin, stdout and stderr, where they are not set;
    /// - has the file mode mask 0, unless [`umask`](Self::umask) is set;
    /// - continues when the caller exits or the handle is dropped, also as an
    ///   [`Inject`](crate::Inject);
    /// - has process ID 1 in a new pid namespace, unless its [`init`](Self::init) has it.
    ///
    /// The working directory is that of any other start. A closure can be a daemon, and hooks run
    /// in it.
    ///
    /// The handle works as any other, except for the exit status. Read it from `/proc` if you may
    /// trace the daemon and it is not yet reaped; after it is reaped, only Linux 6.15 and later
    /// report it. [`Process::join`](crate::Process::join) waits for either. See also
    /// [`daemonize_as_child`](Self::daemonize_as_child).
    ///
    /// # Examples
    /// ```
    /// use ns_process::{Container, Namespace};
    ///
    /// let mut container = Container::new("sleep");
    /// container.arg("0.1").namespaces([Namespace::User, Namespace::Pid]).map_zero();
    /// let daemon = container.daemonize().start()?;
    /// println!("{}", daemon.pid());
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    ///
    /// # References
    /// daemon(7), daemon(3), setsid(2).
    #[doc(alias = "setsid")]
    pub fn daemonize(&mut self) -> &mut Self {
        self.daemon = Some(Daemon::OfInit);
        self
    }

    /// Starts the program as a daemon that is a child of the caller; see
    /// [`daemonize`](Self::daemonize).
    ///
    /// Every kernel reports its status, and the caller has to reap it.
    pub fn daemonize_as_child(&mut self) -> &mut Self {
        self.daemon = Some(Daemon::OfCaller);
        self
    }

    /// Whether the program is a daemon, of either kind.
    pub fn get_daemonize(&self) -> bool {
        self.daemon.is_some()
    }

    /// Checks the settings; an error begins with the name of the setter.
    pub(crate) fn checked_daemon(&self) -> Result<Option<Daemon>, String> {
        let Some(daemon) = self.daemon else { return Ok(None) };
        if self.session.die_with_parent.is_some() {
            return Err("daemonize: cannot be combined with die_with_parent".to_owned());
        }
        if self.lifetime.kill_on_drop {
            return Err("daemonize: cannot be combined with kill_on_drop".to_owned());
        }
        if self.flags.contains(CloneFlags::PARENT) {
            return Err(format!("daemonize: {} gives it another parent", CloneFlags::PARENT));
        }
        Ok(Some(daemon))
    }
}
