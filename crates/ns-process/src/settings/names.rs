//! Host name, NIS domain name and loopback interface of new and joined namespaces.

use std::ffi::{OsStr, OsString};
use std::format;
use std::os::unix::ffi::OsStrExt;
use std::prelude::rust_2024::*;

use ns_sys::{Namespace, NamespaceFlags};

use super::Builder;
use crate::in_child;

/// The names that the child sets, and whether it brings up the loopback interface.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    hostname: Option<OsString>,
    domainname: Option<OsString>,
    loopback: bool,
}

/// # Host name and loopback
///
/// The names in a `Uts` namespace, and the loopback interface of a `Net` namespace, that is new or
/// joined. A start refuses to change the namespaces of the caller.
impl<Kind> Builder<Kind> {
    /// Sets the host name, at most 64 bytes; by default it is a copy of the caller's.
    ///
    /// Needs a `Uts` namespace that is new or joined. In a joined one, the name changes for all of
    /// its processes.
    ///
    /// # Errors
    /// [`Step::Check`](crate::Step::Check): the `Uts` namespace would be the caller's own.
    /// [`Step::Hostname`](crate::Step::Hostname), `EPERM`: a user namespace that is neither new nor
    /// joined owns the `Uts` namespace.
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

    /// Sets the NIS domain name, at most 64 bytes; by default it is a copy of the caller's.
    ///
    /// Needs a `Uts` namespace that is new or joined.
    ///
    /// # Errors
    /// As for [`hostname`](Self::hostname), with [`Step::Domainname`](crate::Step::Domainname).
    ///
    /// # References
    /// setdomainname(2).
    pub fn domainname(&mut self, name: impl Into<OsString>) -> &mut Self {
        self.names.domainname = Some(name.into());
        self
    }

    /// Brings up the loopback interface; by default it is down, and 127.0.0.1 is unreachable.
    ///
    /// Needs a `Net` namespace that is new or joined.
    ///
    /// # Errors
    /// [`Step::Check`](crate::Step::Check): the `Net` namespace would be the caller's own.
    /// [`Step::Loopback`](crate::Step::Loopback), `EPERM`: a user namespace that is neither new nor
    /// joined owns the `Net` namespace.
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

/// `__NEW_UTS_LEN` of include/uapi/linux/utsname.h.
const MAX_LENGTH: usize = 64;

impl Names {
    /// Checks the settings; an error begins with the name of the setter. `namespaces`: the kinds
    /// that are new or joined.
    pub(crate) fn checked(&self, namespaces: NamespaceFlags) -> Result<Self, String> {
        if let Some((setter, kind)) = self.outside(namespaces) {
            return Err(format!("{setter}: needs a {kind} namespace that is new or joined"));
        }
        for (setter, name) in [("hostname", &self.hostname), ("domainname", &self.domainname)] {
            if name.as_ref().is_some_and(|name| name.len() > MAX_LENGTH) {
                return Err(format!("{setter}: longer than {MAX_LENGTH} bytes"));
            }
        }
        Ok(self.clone())
    }

    /// A setter whose namespace is not among `namespaces`, and the kind of that namespace.
    pub(crate) fn outside(&self, namespaces: NamespaceFlags) -> Option<(&'static str, Namespace)> {
        let changes = [
            (self.hostname.is_some(), "hostname", Namespace::Uts),
            (self.domainname.is_some(), "domainname", Namespace::Uts),
            (self.loopback, "loopback", Namespace::Net),
        ];
        let is_outside = |kind: Namespace| !namespaces.contains(kind.flag());
        let outside = changes.iter().find(|(is_set, _, kind)| *is_set && is_outside(*kind));
        outside.map(|(_, setter, kind)| (*setter, *kind))
    }

    pub(crate) fn child(&self) -> in_child::Names<'_> {
        in_child::Names {
            hostname: self.hostname.as_ref().map(|name| name.as_bytes()),
            domainname: self.domainname.as_ref().map(|name| name.as_bytes()),
            loopback: self.loopback,
        }
    }

    pub(crate) fn describe(&self) -> impl Iterator<Item = String> {
        let host = self.hostname.as_ref().map(|name| format!("sethostname({name:?})"));
        let domain = self.domainname.as_ref().map(|name| format!("setdomainname({name:?})"));
        let loopback = ["socket(AF_INET)", "ioctl(SIOCGIFFLAGS, lo)", "ioctl(SIOCSIFFLAGS, lo up)"];
        let loopback = self.loopback.then(|| loopback.map(ToOwned::to_owned));
        host.into_iter().chain(domain).chain(loopback.into_iter().flatten())
    }
}
