//! The capabilities of the program.

use rustix::thread::CapabilitySet;

use super::Builder;

/// The capability sets with which the child calls execve(2), for
/// [`capability_sets`](Builder::capability_sets).
///
/// By default all sets are empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Capabilities {
    /// The upper bound of the capabilities that execve(2) gives to a program with uid 0, or by the
    /// capabilities of its file.
    pub bounding: CapabilitySet,
    /// The capabilities that the child may make effective.
    pub permitted: CapabilitySet,
    /// The capabilities that the kernel checks; part of `permitted`.
    pub effective: CapabilitySet,
    /// The capabilities that execve(2) gives to a program with uid 0, or to a program whose file
    /// has them as inheritable.
    pub inheritable: CapabilitySet,
    /// The capabilities that execve(2) gives to any program; part of `permitted` and of
    /// `inheritable`.
    pub ambient: CapabilitySet,
}

impl Capabilities {
    /// The same capabilities in all five sets, as [`keep_only`](Builder::keep_only) sets them.
    pub const fn only(set: CapabilitySet) -> Self {
        Self { bounding: set, permitted: set, effective: set, inheritable: set, ambient: set }
    }

    /// Whether all five sets are the same.
    pub(crate) fn are_equal(&self) -> bool {
        *self == Self::only(self.bounding)
    }
}

impl Default for Capabilities {
    fn default() -> Self {
        Self::only(CapabilitySet::empty())
    }
}

/// The requested capabilities.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CapabilityConfig {
    pub(crate) dropped: CapabilitySet,
    pub(crate) kept: CapabilitySet,
    /// All five sets; excludes `dropped` and `kept`.
    pub(crate) sets: Option<Capabilities>,
}

impl Default for CapabilityConfig {
    fn default() -> Self {
        let none = CapabilitySet::empty();
        Self { dropped: none, kept: none, sets: None }
    }
}

/// # Capabilities
///
/// The capabilities of the program. By default a program with uid 0 inside has all capabilities
/// that its user namespace and the bounding set allow, and a program with another uid has none.
impl<Kind> Builder<Kind> {
    /// Gives the program, and the programs that it executes, these capabilities and no others,
    /// whatever their uid is.
    ///
    /// All five sets of the program are `capabilities`. The last call of `keep_only` and
    /// [`capability_sets`](Self::capability_sets) applies. `keep_only(CapabilitySet::empty())`
    /// leaves no capability; permissions that the uid gives stay.
    ///
    /// # Errors
    /// - [`Step::Check`](crate::Step::Check): the caller lacks a capability, and the user namespace
    ///   is neither new nor joined.
    /// - [`Step::Capabilities`](crate::Step::Capabilities), `EPERM`: needs `CAP_SETPCAP`, which a
    ///   new user namespace gives.
    ///
    /// # Kernel support
    /// Linux 4.3.
    ///
    /// # Examples
    /// ```
    /// use ns_process::{CapabilitySet, Container, Namespace};
    ///
    /// let mut container = Container::new("grep");
    /// container.args(["Cap", "/proc/self/status"]).namespace(Namespace::User).map_zero();
    /// container.keep_only(CapabilitySet::NET_BIND_SERVICE);
    /// let output = String::from_utf8_lossy(&container.output()?.stdout).into_owned();
    /// assert!(output.lines().all(|line| line.ends_with("\t0000000000000400")), "{output}");
    /// # Ok::<(), ns_process::Error>(())
    /// ```
    ///
    /// # References
    /// capabilities(7).
    pub fn keep_only(&mut self, capabilities: CapabilitySet) -> &mut Self {
        self.capability_sets(Capabilities::only(capabilities))
    }

    /// Sets the five capability sets with which the child calls execve(2), as the OCI runtime-spec
    /// describes them.
    ///
    /// execve(2) then computes the sets of the program: with uid 0 its permitted and effective
    /// sets are `bounding` and `inheritable` together, and with another uid they are `ambient`. A
    /// closure runs with the sets as they are. Capabilities that the kernel does not know are
    /// ignored. Excludes [`drop_capabilities`](Self::drop_capabilities),
    /// [`keep_capabilities`](Self::keep_capabilities) and `match_privileges`.
    ///
    /// # Errors
    /// - [`Step::Check`](crate::Step::Check): the sets break a rule of the kernel, which the error
    ///   names; or the caller lacks a permitted capability, and the user namespace is neither new
    ///   nor joined.
    /// - [`Step::Capabilities`](crate::Step::Capabilities), `EPERM`: needs `CAP_SETPCAP`; or the
    ///   caller's bounding set lacks a capability of `bounding` or `inheritable`.
    ///
    /// # Kernel support
    /// Linux 4.3.
    ///
    /// # References
    /// capabilities(7) "Transformation of capabilities during execve()", capset(2).
    pub fn capability_sets(&mut self, sets: Capabilities) -> &mut Self {
        self.privileges.capabilities.sets = Some(sets);
        self
    }

    /// Removes capabilities from the program and from the programs that it executes; several calls
    /// add up.
    ///
    /// They leave the bounding set too, so the program cannot regain them. By default none is
    /// removed. Needs `CAP_SETPCAP`, which a new user namespace gives.
    ///
    /// # Errors
    /// [`Step::Capabilities`](crate::Step::Capabilities), `EPERM`: needs `CAP_SETPCAP`.
    ///
    /// # References
    /// capabilities(7), PR_CAPBSET_DROP(2const).
    pub fn drop_capabilities(&mut self, capabilities: CapabilitySet) -> &mut Self {
        self.privileges.capabilities.dropped |= capabilities;
        self
    }

    /// Keeps capabilities for a program whose uid inside is not 0, as ambient capabilities; several
    /// calls add up.
    ///
    /// Programs that it executes have them too. By default a program with uid 0 inside has all
    /// capabilities that its user namespace and the bounding set allow, and a program with another
    /// uid has none.
    ///
    /// # Errors
    /// [`Step::Capabilities`](crate::Step::Capabilities), `EPERM`: the caller lacks a capability,
    /// and the user namespace is not new.
    ///
    /// # Kernel support
    /// Linux 4.3.
    ///
    /// # References
    /// capabilities(7) "Ambient capability set".
    pub fn keep_capabilities(&mut self, capabilities: CapabilitySet) -> &mut Self {
        self.privileges.capabilities.kept |= capabilities;
        self
    }

    /// The five capability sets, if they are set.
    pub fn get_capability_sets(&self) -> Option<Capabilities> {
        self.privileges.capabilities.sets
    }

    /// The capabilities that are removed.
    pub fn get_dropped_capabilities(&self) -> CapabilitySet {
        self.privileges.capabilities.dropped
    }

    /// The capabilities that the program keeps.
    pub fn get_kept_capabilities(&self) -> CapabilitySet {
        self.privileges.capabilities.kept
    }
}
