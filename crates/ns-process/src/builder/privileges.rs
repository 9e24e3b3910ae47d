//! What the program may do: capabilities, `no_new_privs`, a seccomp filter, a label.

use std::ffi::{OsStr, OsString};
use std::prelude::rust_2024::*;

use ns_sys::child::BpfInstruction;
use rustix::thread::CapabilitySet;

use super::Builder;

/// What was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Privileges {
    pub(crate) no_new_privs: bool,
    pub(crate) dropped: CapabilitySet,
    pub(crate) kept: CapabilitySet,
    pub(crate) filter: Option<Vec<BpfInstruction>>,
    pub(crate) label: Option<OsString>,
}

impl Default for Privileges {
    fn default() -> Self {
        let none = CapabilitySet::empty();
        Self { no_new_privs: false, dropped: none, kept: none, filter: None, label: None }
    }
}

impl<Kind> Builder<Kind> {
    /// No program from here on gets ids or capabilities from its file: setuid programs run as whoever
    /// executes them.
    ///
    /// # References
    /// PR_SET_NO_NEW_PRIVS(2const).
    pub fn no_new_privs(&mut self) -> &mut Self {
        self.privileges.no_new_privs = true;
        self
    }

    /// Neither the program nor what it executes has these capabilities, or can get them: they leave
    /// the bounding set too. Several calls add up.
    ///
    /// # Errors
    /// [`Step::Capabilities`](crate::Step::Capabilities), `EPERM`: needs `CAP_SETPCAP`, which a new user
    /// namespace gives.
    ///
    /// # References
    /// capabilities(7), PR_CAPBSET_DROP(2const).
    pub fn drop_capabilities(&mut self, capabilities: CapabilitySet) -> &mut Self {
        self.privileges.dropped |= capabilities;
        self
    }

    /// The program has these capabilities although its uid is not 0 inside, and what it executes has
    /// them too: they are ambient. Several calls add up.
    ///
    /// By default a program whose uid inside is 0 has all that its user namespace and the bounding
    /// set allow, and another one has none.
    ///
    /// # Errors
    /// [`Step::Capabilities`](crate::Step::Capabilities), `EPERM`: the caller does not have them and the
    /// user namespace is not new.
    ///
    /// # Kernel support
    /// Linux 4.3.
    ///
    /// # References
    /// capabilities(7) "Ambient capability set".
    pub fn keep_capabilities(&mut self, capabilities: CapabilitySet) -> &mut Self {
        self.privileges.kept |= capabilities;
        self
    }

    /// A compiled seccomp filter for the program, which runs from just before execve(2) on, and has to
    /// allow that.
    ///
    /// Without [`no_new_privs`](Self::no_new_privs) it needs `CAP_SYS_ADMIN`, which a new user namespace
    /// gives, and comes before capabilities are dropped; it then has to allow prctl, capset, prlimit64
    /// and rt_sigprocmask as well.
    ///
    /// # Errors
    /// [`Step::Seccomp`](crate::Step::Seccomp): `EACCES`, neither of the two; `EINVAL`, the kernel does
    /// not understand it.
    ///
    /// # References
    /// seccomp(2) `SECCOMP_SET_MODE_FILTER`.
    pub fn seccomp(&mut self, filter: impl Into<Vec<BpfInstruction>>) -> &mut Self {
        self.privileges.filter = Some(filter.into());
        self
    }

    /// The label that a security module gives the program: an AppArmor profile or a SELinux context.
    ///
    /// # Errors
    /// [`Step::ExecLabel`](crate::Step::ExecLabel): `ENOENT` or `EINVAL`, no security module takes
    /// labels, or it does not know this one; `EACCES`, it forbids the change.
    ///
    /// # References
    /// proc_pid_attr(5) `exec`.
    #[doc(alias = "apparmor")]
    #[doc(alias = "selinux")]
    pub fn exec_label(&mut self, label: impl Into<OsString>) -> &mut Self {
        self.privileges.label = Some(label.into());
        self
    }

    /// Whether `no_new_privs` is set.
    pub fn get_no_new_privs(&self) -> bool {
        self.privileges.no_new_privs
    }

    /// The capabilities that nobody inside has.
    pub fn get_dropped_capabilities(&self) -> CapabilitySet {
        self.privileges.dropped
    }

    /// The capabilities that the program keeps.
    pub fn get_kept_capabilities(&self) -> CapabilitySet {
        self.privileges.kept
    }

    /// The seccomp filter, if one is set.
    pub fn get_seccomp(&self) -> Option<&[BpfInstruction]> {
        self.privileges.filter.as_deref()
    }

    /// The label, if one is set.
    pub fn get_exec_label(&self) -> Option<&OsStr> {
        self.privileges.label.as_deref()
    }
}
