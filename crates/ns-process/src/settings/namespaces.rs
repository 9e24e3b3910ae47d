//! Which namespaces are new, what is mounted in them, and clone's other flags.

use std::format;
use std::path::Path;
use std::prelude::rust_2024::*;

use ns_sys::{CloneFlags, Namespace, NamespaceFlags};

use super::Builder;

/// A kind of namespace, or a name that stands for one or for all.
pub trait NamespaceName {
    /// The flags of what is named.
    ///
    /// # Errors
    /// In words, that the name is none.
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

/// Those that the running kernel has.
fn present() -> NamespaceFlags {
    let present = |kind: &Namespace| Path::new("/proc/self/ns").join(kind.name()).exists();
    Namespace::ALL.into_iter().filter(present).map(Namespace::flag).collect()
}

impl<Kind> Builder<Kind> {
    /// A new namespace of this kind; an [`Inject`](crate::Inject) enters the target's.
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

    /// New namespaces of these kinds, each a [`Namespace`] or a name that parses as one: `"net"`,
    /// `"newuts"`, `"all"`. A name that does not is reported by the start.
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

    /// A new namespace of every kind that the running kernel has.
    ///
    /// With a user namespace among them the program runs as nobody (65534) and loses its capabilities
    /// when it is executed, unless ids are mapped: see [`map_zero`](Self::map_zero).
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

    /// No new namespace of this kind, after [`all`](Self::all); an [`Inject`](crate::Inject) does not enter
    /// it.
    pub fn without(&mut self, kind: Namespace) -> &mut Self {
        self.namespaces -= kind.flag();
        self.join.without |= kind.flag();
        self
    }

    /// Adds flags of clone(2); those that a start cannot keep are refused by it, with the reason.
    ///
    /// `NEW…` is the same as [`namespace`](Self::namespace). `IO`, `PTRACE`, `UNTRACED`, `SYSVSEM`,
    /// `FS` and `FILES` do what clone(2) says, and exclude
    /// what would change the caller's own directories and descriptors, which are left alone; `VM` and `VFORK` hold already. With `PARENT` the
    /// process is a child of the caller's parent, which has to reap it: its status is told by proc(5), to
    /// who may trace it, or once that is done by Linux 6.15, and a start that fails leaves it a zombie too.
    ///
    /// # Errors
    /// [`Step::Check`](crate::Step::Check), with the rule that a flag breaks as object.
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

    /// The namespaces that will be new; of an [`Inject`](crate::Inject), those that were selected.
    pub fn get_namespaces(&self) -> NamespaceFlags {
        self.namespaces
    }

    /// The flags added, but for those that are namespaces.
    pub fn get_flags(&self) -> CloneFlags {
        self.flags
    }
}
