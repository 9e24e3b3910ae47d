//! New namespaces, and the other flags of clone(2).

use std::format;
use std::path::Path;
use std::prelude::rust_2024::*;

use ns_sys::{CloneFlags, Namespace, NamespaceFlags};

use super::Builder;

/// One or all kinds of namespace: a [`Namespace`], or a name such as `"net"`, `"newuts"` or
/// `"all"`.
pub trait NamespaceName {
    /// The flags of these kinds.
    ///
    /// # Errors
    /// A message, if the name is unknown.
    fn flags(self) -> Result<NamespaceFlags, String>;
}

impl NamespaceName for Namespace {
    fn flags(self) -> Result<NamespaceFlags, String> {
        Ok(self.flag())
    }
}

impl NamespaceName for &str {
    fn flags(self) -> Result<NamespaceFlags, String> {
        if self == "all" {
            return Ok(present());
        }
        let kind: Namespace = self.parse().map_err(|error| format!("{self:?}: {error}"))?;
        Ok(kind.flag())
    }
}

/// The kinds that the running kernel supports.
fn present() -> NamespaceFlags {
    let present = |kind: &Namespace| Path::new("/proc/self/ns").join(kind.name()).exists();
    Namespace::ALL.into_iter().filter(present).map(Namespace::flag).collect()
}

/// # Namespaces
///
/// The new namespaces, and the other flags of clone(2).
impl<Kind> Builder<Kind> {
    /// Adds a new namespace of this kind; an [`Inject`](crate::Inject) joins the target's instead.
    ///
    /// By default a [`Container`](crate::Container) has no new namespace, a
    /// [`Chroot`](crate::Chroot) has new user and mount namespaces, and an `Inject` joins all.
    /// Every kind but `User` needs `CAP_SYS_ADMIN`, which a new user namespace gives.
    ///
    /// # Examples
    /// ```
    /// use ns_process::{Container, Namespace};
    ///
    /// let mut container = Container::new("true");
    /// assert!(container.namespace(Namespace::User).namespace(Namespace::Uts).status()?.success());
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    ///
    /// # References
    /// namespaces(7).
    pub fn namespace(&mut self, kind: Namespace) -> &mut Self {
        self.namespaces |= kind.flag();
        self
    }

    /// Adds new namespaces of these kinds, each a [`Namespace`] or a name: `"net"`, `"newuts"`,
    /// `"all"`.
    ///
    /// A start reports a name that is unknown.
    pub fn namespaces<Kinds>(&mut self, kinds: Kinds) -> &mut Self
    where
        Kinds: IntoIterator<Item: NamespaceName>,
    {
        for kind in kinds {
            match kind.flags() {
                Ok(flags) => self.namespaces |= flags,
                Err(message) => self.errors.push(format!("namespaces: {message}")),
            }
        }
        self
    }

    /// Adds a new namespace of every kind that the running kernel supports.
    ///
    /// With a new user namespace and no ID map, the program runs as nobody (65534) and loses its
    /// capabilities at execve(2): see [`map_zero`](Self::map_zero).
    ///
    /// # Examples
    /// ```
    /// use ns_process::{Container, Namespace};
    ///
    /// let mut container = Container::new("id");
    /// container.arg("-u").all().without(Namespace::Net).map_zero();
    /// assert_eq!(container.output()?.stdout, b"0\n");
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    pub fn all(&mut self) -> &mut Self {
        self.namespaces |= present();
        self
    }

    /// Removes a kind of namespace, after [`all`](Self::all); an [`Inject`](crate::Inject) does not
    /// join it.
    pub fn without(&mut self, kind: Namespace) -> &mut Self {
        self.namespaces -= kind.flag();
        self.without |= kind.flag();
        self
    }

    /// Adds flags of clone(2); a start refuses a flag that it cannot support, and reports the
    /// reason.
    ///
    /// `NEW…` flags are the same as [`namespace`](Self::namespace). `VM` and `VFORK` have no
    /// further effect. `IO`, `PTRACE`, `UNTRACED`, `SYSVSEM`, `FS` and `FILES` work as in clone(2).
    /// A start with `FS` or `FILES` refuses every setting that would change the caller's own
    /// directories or descriptors.
    ///
    /// With `PARENT` the process is a child of the caller's parent, which has to reap it, even
    /// after a failed start. Read its status from `/proc` if you may trace it; after it is reaped,
    /// only Linux 6.15 and later report it.
    ///
    /// # Errors
    /// [`Step::Check`](crate::Step::Check), with the violated rule as object.
    ///
    /// # Examples
    /// ```
    /// use ns_process::{CloneFlags, Container, Step};
    ///
    /// let mut container = Container::new("true");
    /// assert!(container.flags(CloneFlags::IO).status()?.success());
    /// let refused = container.flags(CloneFlags::THREAD).start().unwrap_err();
    /// assert_eq!(refused.step(), Step::Check);
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    ///
    /// # References
    /// clone(2).
    pub fn flags(&mut self, flags: CloneFlags) -> &mut Self {
        let kinds = NamespaceFlags::from_bits_truncate(flags.bits());
        self.namespaces |= kinds;
        self.flags |= flags.difference(kinds.into());
        self
    }

    /// The new namespaces; for an [`Inject`](crate::Inject), the selected ones.
    pub fn get_namespaces(&self) -> NamespaceFlags {
        self.namespaces
    }

    /// The added flags, without those of namespaces.
    pub fn get_flags(&self) -> CloneFlags {
        self.flags
    }
}
