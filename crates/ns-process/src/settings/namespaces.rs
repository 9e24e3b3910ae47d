//! New namespaces, and the other flags of clone(2).

use std::format;
use std::prelude::rust_2024::*;

use ns_sys::{CloneFlags, NamespaceFlags};

use super::Builder;
use super::into_namespaces::{IntoNamespaces, Seal, supported};

/// # Namespaces
///
/// The new namespaces, and the other flags of clone(2).
impl<Kind> Builder<Kind> {
    /// Adds a new namespace of this kind, a [`Namespace`](crate::Namespace) or a name; an
    /// [`Inject`](crate::Inject) joins the target's instead.
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
    pub fn namespace<Marker>(&mut self, kind: impl IntoNamespaces<Marker>) -> &mut Self {
        self.add("namespace", kind)
    }

    /// Adds new namespaces of these kinds.
    ///
    /// The kinds can be given in many forms: see [`IntoNamespaces`]. A start reports a name that is
    /// unknown.
    ///
    /// # Examples
    /// ```
    /// use ns_process::{Container, Namespace};
    ///
    /// let mut container = Container::new("true");
    /// container.namespaces([Namespace::User, Namespace::Pid]).namespaces("uts");
    /// container.namespaces(("net", Namespace::Ipc));
    /// assert!(container.status()?.success());
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    pub fn namespaces<Marker>(&mut self, kinds: impl IntoNamespaces<Marker>) -> &mut Self {
        self.add("namespaces", kinds)
    }

    /// Adds a new namespace of every kind that the running kernel supports, as `/proc/self/ns`
    /// shows them. If it shows none, all eight kinds are added, and the start reports those that
    /// the kernel does not support.
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
        self.namespaces |= supported();
        self
    }

    /// Removes kinds of namespace, after [`all`](Self::all); an [`Inject`](crate::Inject) does not
    /// join them.
    pub fn without<Marker>(&mut self, kinds: impl IntoNamespaces<Marker>) -> &mut Self {
        if let Some(flags) = self.flags_of("without", kinds) {
            self.namespaces -= flags;
            self.without |= flags;
        }
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

    fn add<Marker>(&mut self, setter: &str, kinds: impl IntoNamespaces<Marker>) -> &mut Self {
        if let Some(flags) = self.flags_of(setter, kinds) {
            self.namespaces |= flags;
        }
        self
    }

    /// The flags of these kinds. An unknown name becomes an error of the start.
    fn flags_of<Marker>(
        &mut self,
        setter: &str,
        kinds: impl IntoNamespaces<Marker>,
    ) -> Option<NamespaceFlags> {
        let flags = kinds.into_flags(Seal(()));
        flags.map_err(|message| self.errors.push(format!("{setter}: {message}"))).ok()
    }
}
