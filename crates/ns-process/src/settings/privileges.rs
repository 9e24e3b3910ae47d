//! `no_new_privs`, seccomp filter and security label; the capabilities are in `capabilities`.

use std::ffi::{CString, OsStr, OsString};
use std::format;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::prelude::rust_2024::*;

use ns_sys::NamespaceFlags;
use ns_sys::child::BpfInstruction;

use super::Builder;
use super::capabilities::CapabilityConfig;
use super::capability_plan::{CapabilityPlan, PrivilegeCeiling, UserNamespace};
use super::describe_capabilities;
use super::seccomp::SeccompOptions;
use crate::in_child::{self, CapabilityChange};

/// The requested privileges.
#[derive(Clone, Debug, Default)]
pub(crate) struct PrivilegeConfig {
    pub(crate) no_new_privs: bool,
    pub(crate) capabilities: CapabilityConfig,
    pub(crate) filter: Option<Vec<BpfInstruction>>,
    pub(crate) seccomp: SeccompOptions,
    pub(crate) label: Option<OsString>,
}

/// # Restrictions
///
/// The restrictions that the program cannot remove, and its security label.
impl<Kind> Builder<Kind> {
    /// Sets `no_new_privs`: no program gains IDs or capabilities from its file at execve(2).
    ///
    /// A setuid program runs with the IDs of the process that executes it. By default the attribute
    /// is the caller's.
    ///
    /// # References
    /// PR_SET_NO_NEW_PRIVS(2const).
    pub fn no_new_privs(&mut self) -> &mut Self {
        self.privileges.no_new_privs = true;
        self
    }

    /// Installs a compiled seccomp filter, which applies from just before execve(2) on.
    ///
    /// By default only the filters of the caller apply. The filter must allow execve(2). For a
    /// [parked start](Self::start_parked) it must also allow execveat, recvmsg, recvfrom, mmap, fcntl,
    /// prctl, sendto and exit_group; with [`park_at`](Self::park_at) also ppoll, accept4, setsockopt,
    /// shutdown and close. Without
    /// [`no_new_privs`](Self::no_new_privs) it is installed before capabilities are dropped, and
    /// must also allow prctl, capset, prlimit64 and rt_sigprocmask; this needs `CAP_SYS_ADMIN`,
    /// which a new user namespace gives.
    ///
    /// # Errors
    /// [`Step::Seccomp`](crate::Step::Seccomp): `EACCES`, neither `no_new_privs` nor
    /// `CAP_SYS_ADMIN`; `EINVAL`, the kernel rejects the filter.
    ///
    /// # References
    /// seccomp(2) `SECCOMP_SET_MODE_FILTER`.
    pub fn seccomp(&mut self, filter: impl Into<Vec<BpfInstruction>>) -> &mut Self {
        self.privileges.filter = Some(filter.into());
        self
    }

    /// Sets the security label of the program: an AppArmor profile or an SELinux context.
    ///
    /// By default it is the label that any execve(2) of the caller gives. A closure cannot have a
    /// label, because it executes no program.
    ///
    /// # Errors
    /// [`Step::ExecLabel`](crate::Step::ExecLabel): `ENOENT` or `EINVAL`, no security module
    /// supports labels, or the label is unknown; `EACCES`, the module forbids the change.
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

    /// The seccomp filter, if one is set.
    pub fn get_seccomp(&self) -> Option<&[BpfInstruction]> {
        self.privileges.filter.as_deref()
    }

    /// The label, if one is set.
    pub fn get_exec_label(&self) -> Option<&OsStr> {
        self.privileges.label.as_deref()
    }
}

/// `BPF_MAXINSNS` of include/uapi/linux/bpf_common.h.
const MAX_INSTRUCTIONS: usize = 4096;

/// The privileges that the child sets.
#[derive(Debug)]
pub(crate) struct Privileges {
    no_new_privs: bool,
    capabilities: CapabilityPlan,
    filter: Option<Vec<BpfInstruction>>,
    pub(crate) seccomp: SeccompOptions,
    /// Whether the user namespace is new.
    new_user: bool,
    /// The kinds to join, including namespaces that the caller may already be in.
    joined: NamespaceFlags,
    /// Whether the caller is root in its user namespace.
    is_root: bool,
    label: Option<Label>,
}

/// A label as given, the file for it, and the text to write.
pub(crate) type Label = (OsString, CString, Vec<u8>);

impl Privileges {
    /// Leaves the label to another program that executes the program.
    pub(crate) fn take_label(&mut self) -> Option<Label> {
        self.label.take()
    }

    pub(crate) fn filter(&self) -> Option<&[BpfInstruction]> {
        self.filter.as_deref()
    }

    /// Checks the configuration; an error begins with the name of the setter. `has_ceiling`: the
    /// target's privileges limit the child.
    pub(crate) fn new(
        config: &PrivilegeConfig,
        namespaces: NamespaceFlags,
        uid: Option<u32>,
        (joined, has_ceiling): (NamespaceFlags, bool),
        is_root: bool,
    ) -> Result<Self, String> {
        let filter = &config.filter;
        let length = filter.as_ref().map_or(1, Vec::len);
        if length == 0 || length > MAX_INSTRUCTIONS {
            return Err(format!("seccomp: a filter has 1 to {MAX_INSTRUCTIONS} instructions"));
        }
        let new_user = namespaces.contains(NamespaceFlags::USER);
        let namespace = UserNamespace { is_new: new_user, joined };
        let label = config.label.as_ref().map(|label| {
            let (file, text) = exec_attribute(label.as_bytes());
            (label.clone(), file, text)
        });
        Ok(Self {
            no_new_privs: config.no_new_privs,
            capabilities: CapabilityPlan::new(
                &config.capabilities,
                namespace,
                uid,
                has_ceiling,
                filter.is_some(),
            )?,
            filter: filter.clone(),
            seccomp: SeccompOptions::checked(config)?,
            new_user,
            joined,
            is_root,
            label,
        })
    }

    /// The view for a child that joins the namespaces `joined`, with at most the privileges
    /// `ceiling`.
    pub(crate) fn child(
        &self,
        joined: NamespaceFlags,
        ceiling: Option<PrivilegeCeiling>,
    ) -> in_child::Privileges<'_> {
        in_child::Privileges {
            no_new_privs: self.sets_no_new_privs(ceiling),
            capabilities: self.change(joined, ceiling),
            filter: self.filter.as_deref(),
            filter_flags: self.seccomp.flags(),
            listener: None,
            label: self.label.as_ref().map(|(_, file, text)| (file.as_c_str(), &text[..])),
        }
    }

    /// Whether the child gives up capabilities that the caller has.
    pub(crate) fn are_narrowed(&self) -> bool {
        self.planned().is_some()
    }

    /// The change of the capabilities as far as it is known before the target is inspected.
    fn planned(&self) -> Option<CapabilityChange> {
        self.change(self.joined, None)
    }

    fn change(
        &self,
        joined: NamespaceFlags,
        ceiling: Option<PrivilegeCeiling>,
    ) -> Option<CapabilityChange> {
        let all = self.new_user || joined.contains(NamespaceFlags::USER);
        // Installing a filter needs a capability that root loses when it becomes another user.
        let filters_early =
            self.filter.is_some() && !self.sets_no_new_privs(ceiling) && (all || self.is_root);
        self.capabilities.change(joined, ceiling, filters_early)
    }

    fn sets_no_new_privs(&self, ceiling: Option<PrivilegeCeiling>) -> bool {
        self.no_new_privs || ceiling.is_some_and(|ceiling| ceiling.no_new_privs)
    }

    /// The label as given.
    pub(crate) fn label_text(&self) -> Option<String> {
        self.label.as_ref().map(|(label, ..)| label.to_string_lossy().into_owned())
    }

    pub(crate) fn describe_label(&self) -> impl Iterator<Item = String> {
        self.label.iter().flat_map(|(_, file, text)| {
            [format!("openat({file:?})"), format!("write({})", text.escape_ascii())]
        })
    }

    /// The call before the uid changes.
    pub(crate) fn describe_keep(&self) -> Option<String> {
        self.planned().and_then(describe_capabilities::keep)
    }

    pub(crate) fn describe_no_new_privs(&self) -> impl Iterator<Item = String> {
        self.no_new_privs.then(|| "prctl(PR_SET_NO_NEW_PRIVS)".to_owned()).into_iter()
    }

    /// The capabilities that the change of the uid cleared.
    pub(crate) fn describe_regain(&self) -> Option<String> {
        self.planned().and_then(describe_capabilities::regain)
    }

    pub(crate) fn describe_capabilities(&self) -> impl Iterator<Item = String> {
        self.planned().into_iter().flat_map(describe_capabilities::change)
    }

    /// The filter: with `no_new_privs` in the last step, otherwise in an earlier one, because it
    /// then needs `CAP_SYS_ADMIN`. `listens`: the process is the one with the listener.
    pub(crate) fn describe_filter(&self, is_last: bool, listens: bool) -> Vec<String> {
        let filter = self.filter.as_ref().filter(|_| is_last == self.no_new_privs);
        filter.map_or_else(Vec::new, |filter| self.seccomp.describe(filter.len(), listens))
    }
}

/// The exec attribute file for a label, and the text to write.
fn exec_attribute(label: &[u8]) -> (CString, Vec<u8>) {
    // If several modules are stacked, AppArmor has its own file.
    let apparmor_file = c"/proc/self/attr/apparmor/exec";
    let has_own_file = Path::new("/proc/self/attr/apparmor").exists();
    let apparmor = has_own_file || Path::new("/sys/module/apparmor").exists();
    let file = if has_own_file { apparmor_file } else { c"/proc/self/attr/exec" }.to_owned();
    let command: &[u8] = if apparmor { b"exec " } else { b"" };
    (file, [command, label].concat())
}
