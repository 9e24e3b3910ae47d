//! A program that has left the caller.

use std::format;
use std::prelude::rust_2024::*;

use ns_sys::CloneFlags;

use super::Builder;

/// Whose child a daemon is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Daemon {
    /// Of init, once it is executed.
    OfInit,
    /// Of the caller.
    OfCaller,
}

impl<Kind> Builder<Kind> {
    /// The program is a daemon: in a session of its own that it does not lead, so that it cannot get a
    /// terminal; no child of the caller's, but of init or of the nearest subreaper, who reaps it; with
    /// `/dev/null` as each of stdin, stdout and stderr that was not set, and with 0 as file mode mask unless
    /// [`umask`](Self::umask) is set. The working directory is as of every start.
    ///
    /// It lives on when the caller ends, dropping the handle does not end it, and in a new pid namespace it is
    /// the process with id 1, or its [`init`](Self::init) is.
    ///
    /// A closure can be a daemon, and hooks run in it. An [`Inject`](crate::Inject) as one lives on in there, and
    /// is not ended with its handle.
    ///
    /// The handle works as others do, but how the daemon ended is told by proc(5), to who may trace it and before
    /// it is reaped, or else by Linux 6.15, once it is: [`Process::join`](crate::Process::join) waits for either. See
    /// [`daemonize_as_child`](Self::daemonize_as_child).
    ///
    /// ```
    /// use ns_process::{Container, Namespace};
    ///
    /// let mut httpd = Container::new("sleep");
    /// let daemon = httpd.arg("0.1").namespaces([Namespace::User, Namespace::Pid]).map_zero().daemonize().start()?;
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

    /// As [`daemonize`](Self::daemonize), but a child of the caller's: how it ended is told by every kernel, and
    /// it is the caller's to reap.
    pub fn daemonize_as_child(&mut self) -> &mut Self {
        self.daemon = Some(Daemon::OfCaller);
        self
    }

    /// Whether it is a daemon, of either kind.
    pub fn get_daemonize(&self) -> bool {
        self.daemon.is_some()
    }
}

/// Looks at the wish, and says in words what is wrong with it, by the name of its setter.
pub(crate) fn checked<Kind>(config: &Builder<Kind>) -> Result<Option<Daemon>, String> {
    let Some(daemon) = config.daemon else { return Ok(None) };
    if config.session.die_with_parent.is_some() {
        return Err("daemonize: die_with_parent is set as well".to_owned());
    }
    if config.lifetime.kill_on_drop {
        return Err("daemonize: kill_on_drop is set as well".to_owned());
    }
    if config.flags.contains(CloneFlags::PARENT) {
        return Err(format!("daemonize: {} gives it another parent", CloneFlags::PARENT));
    }
    Ok(Some(daemon))
}
