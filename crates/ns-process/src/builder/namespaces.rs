//! Which namespaces are new, what is mounted in them, and clone's other flags.

use std::path::Path;

use ns_sys::{CloneFlags, Namespace, NamespaceFlags};

use super::Builder;

impl<Kind> Builder<Kind> {
    /// A new namespace of this kind.
    pub fn namespace(&mut self, kind: Namespace) -> &mut Self {
        self.namespaces |= kind.flag();
        self
    }

    /// New namespaces of these kinds.
    pub fn namespaces(&mut self, kinds: impl IntoIterator<Item = Namespace>) -> &mut Self {
        self.namespaces.extend(kinds.into_iter().map(Namespace::flag));
        self
    }

    /// A new namespace of every kind that the running kernel has.
    ///
    /// With a user namespace among them the program runs as nobody (65534) and loses its capabilities
    /// when it is executed, unless ids are mapped: see [`map_zero`](Self::map_zero).
    pub fn all(&mut self) -> &mut Self {
        let present = |kind: &Namespace| Path::new("/proc/self/ns").join(kind.name()).exists();
        self.namespaces(Namespace::ALL.into_iter().filter(present))
    }

    /// No new namespace of this kind, after [`all`](Self::all).
    pub fn without(&mut self, kind: Namespace) -> &mut Self {
        self.namespaces -= kind.flag();
        self
    }

    /// Adds flags of clone(2); those that a start cannot keep are refused by it, with the reason.
    ///
    /// `NEW…` is the same as [`namespace`](Self::namespace). `IO`, `PTRACE`, `UNTRACED`, `SYSVSEM`,
    /// `FS` and `FILES` do what clone(2) says; `VM` and `VFORK` hold already. With `PARENT` the
    /// process is a child of the caller's parent, which has to reap it: its status is told once that
    /// is done, by Linux 6.15, and a start that fails leaves it a zombie too.
    pub fn flags(&mut self, flags: CloneFlags) -> &mut Self {
        let kinds = NamespaceFlags::from_bits_truncate(flags.bits());
        self.namespaces |= kinds;
        self.flags |= flags.difference(kinds.into());
        self
    }

    /// The namespaces that will be new.
    pub fn get_namespaces(&self) -> NamespaceFlags {
        self.namespaces
    }

    /// The flags added, but for those that are namespaces.
    pub fn get_flags(&self) -> CloneFlags {
        self.flags
    }
}
