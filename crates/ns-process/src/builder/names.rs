//! What the new namespaces are called, and whether the network one has a loopback.

use std::ffi::{OsStr, OsString};

use super::Builder;

/// What was asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    pub(crate) hostname: Option<OsString>,
    pub(crate) domainname: Option<OsString>,
    pub(crate) loopback: bool,
}

impl<Kind> Builder<Kind> {
    /// The host name inside; needs a new `Uts` namespace. At most 64 bytes.
    ///
    /// # Errors
    /// [`Step::Hostname`](crate::Step::Hostname), `EPERM`: the namespace was entered, and belongs to another
    /// user namespace.
    ///
    /// # Examples
    /// ```
    /// use ns_process::{Container, Namespace};
    ///
    /// let mut container = Container::new("uname");
    /// container.arg("-n").namespaces([Namespace::User, Namespace::Uts]).map_zero().hostname("box");
    /// assert_eq!(container.output()?.stdout, b"box\n");
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    ///
    /// # References
    /// sethostname(2), uts_namespaces(7).
    pub fn hostname(&mut self, name: impl Into<OsString>) -> &mut Self {
        self.names.hostname = Some(name.into());
        self
    }

    /// The NIS domain name inside; needs a new `Uts` namespace. At most 64 bytes.
    ///
    /// # Errors
    /// [`Step::Domainname`](crate::Step::Domainname), as [`hostname`](Self::hostname).
    ///
    /// # References
    /// setdomainname(2).
    pub fn domainname(&mut self, name: impl Into<OsString>) -> &mut Self {
        self.names.domainname = Some(name.into());
        self
    }

    /// Brings the loopback interface up; needs a new `Net` namespace, which begins with it down, so that
    /// 127.0.0.1 cannot be reached even from inside.
    ///
    /// # Errors
    /// [`Step::Loopback`](crate::Step::Loopback), `EPERM`: the namespace was entered, and belongs to another
    /// user namespace.
    ///
    /// # References
    /// network_namespaces(7), netdevice(7).
    pub fn loopback(&mut self) -> &mut Self {
        self.names.loopback = true;
        self
    }

    /// The host name, if one is set.
    pub fn get_hostname(&self) -> Option<&OsStr> {
        self.names.hostname.as_deref()
    }

    /// The domain name, if one is set.
    pub fn get_domainname(&self) -> Option<&OsStr> {
        self.names.domainname.as_deref()
    }

    /// Whether the loopback interface is brought up.
    pub fn get_loopback(&self) -> bool {
        self.names.loopback
    }
}
