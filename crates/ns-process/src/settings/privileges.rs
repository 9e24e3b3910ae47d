//! Capabilities, `no_new_privs`, seccomp filter and security label.

use std::ffi::{CString, OsStr, OsString};
use std::format;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::prelude::rust_2024::*;

use ns_sys::NamespaceFlags;
use ns_sys::child::BpfInstruction;
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities};

use super::Builder;
use crate::hint::machine;
use crate::in_child::{self, Capabilities};

/// The requested privileges.
#[derive(Clone, Debug)]
pub(crate) struct PrivilegeConfig {
    pub(crate) no_new_privs: bool,
    pub(crate) dropped: CapabilitySet,
    pub(crate) kept: CapabilitySet,
    pub(crate) filter: Option<Vec<BpfInstruction>>,
    pub(crate) label: Option<OsString>,
}

impl Default for PrivilegeConfig {
    fn default() -> Self {
        let none = CapabilitySet::empty();
        Self { no_new_privs: false, dropped: none, kept: none, filter: None, label: None }
    }
}

/// # Privileges
///
/// The capabilities of the program, and the restrictions that it cannot remove.
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

    /// Removes capabilities from the program and from whatever it executes; several calls add up.
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
        self.privileges.dropped |= capabilities;
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
        self.privileges.kept |= capabilities;
        self
    }

    /// Installs a compiled seccomp filter, which applies from just before execve(2) on.
    ///
    /// By default only the filters of the caller apply. The filter must allow execve(2). Without
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

    /// The capabilities that are removed.
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

/// `BPF_MAXINSNS` of include/uapi/linux/bpf_common.h.
const MAX_INSTRUCTIONS: usize = 4096;

/// The privileges that the child sets.
#[derive(Debug)]
pub(crate) struct Privileges {
    requested: PrivilegeConfig,
    /// The capabilities of the caller, if the child depends on them.
    caller: Option<CapabilitySets>,
    /// Whether the user namespace is new, and the child has all capabilities there.
    new_user: bool,
    /// The kinds to join, including namespaces that the caller may already be in.
    joined: NamespaceFlags,
    /// The final uid, if the child changes it.
    uid: Option<u32>,
    /// Whether the caller is root in its user namespace.
    is_root: bool,
    /// The file for the label, and the text to write.
    label: Option<(CString, Vec<u8>)>,
}

/// The privileges of a target, as an upper bound for the child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PrivilegeCeiling {
    pub(crate) permitted: CapabilitySet,
    pub(crate) ambient: CapabilitySet,
    pub(crate) no_new_privs: bool,
}

impl Privileges {
    /// Checks the configuration; an error begins with the name of the setter. `has_ceiling`: the
    /// target's privileges limit the child.
    pub(crate) fn new(
        config: &PrivilegeConfig,
        namespaces: NamespaceFlags,
        uid: Option<u32>,
        (joined, has_ceiling): (NamespaceFlags, bool),
        is_root: bool,
    ) -> Result<Self, String> {
        if config.kept.intersects(config.dropped) {
            let both = config.kept & config.dropped;
            return Err(format!("keep_capabilities: {both:?} is dropped as well"));
        }
        let length = config.filter.as_ref().map_or(1, Vec::len);
        if length == 0 || length > MAX_INSTRUCTIONS {
            return Err(format!("seccomp: a filter has 1 to {MAX_INSTRUCTIONS} instructions"));
        }
        let new_user = namespaces.contains(NamespaceFlags::USER);
        let sets_any = !(config.kept | config.dropped).is_empty() || config.filter.is_some();
        let depends = has_ceiling || !new_user && sets_any;
        let caller = depends.then(|| capabilities(None)).transpose();
        Ok(Self {
            requested: config.clone(),
            caller: caller.map_err(|errno| format!("keep_capabilities: {errno}"))?,
            new_user,
            joined,
            uid,
            is_root,
            label: config.label.as_ref().map(|label| exec_attribute(label.as_bytes())),
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
            capabilities: self.sets(joined, ceiling),
            filter: self.requested.filter.as_deref(),
            label: self.label.as_ref().map(|(file, text)| (file.as_c_str(), &text[..])),
        }
    }

    /// Whether the child gives up capabilities that the caller has.
    pub(crate) fn are_narrowed(&self) -> bool {
        self.planned().is_some()
    }

    /// The capabilities as far as they are known before the target is inspected.
    fn planned(&self) -> Option<Capabilities> {
        self.sets(self.joined, None)
    }

    /// The capability sets of the child before and after the change; capset(2) takes whole sets.
    fn sets(
        &self,
        joined: NamespaceFlags,
        ceiling: Option<PrivilegeCeiling>,
    ) -> Option<Capabilities> {
        let all = self.new_user || joined.contains(NamespaceFlags::USER);
        // A process has all capabilities in a user namespace that is created or joined.
        let (before, inheritable) = match self.caller.filter(|_| !all) {
            Some(sets) => (sets.permitted.bits(), sets.inheritable.bits()),
            None => (u64::MAX, 0),
        };
        let (mut kept, mut dropped) = (self.requested.kept.bits(), self.requested.dropped.bits());
        if let Some(ceiling) = ceiling {
            let bounding = if all { u64::MAX } else { caller_bounding() };
            dropped |= bounding & !ceiling.permitted.bits();
            kept |= ceiling.ambient.bits() & before & !dropped;
        }
        let becomes_user = self.uid.is_some_and(|uid| uid != 0);
        // Installing a filter needs a capability that root loses when it becomes another user.
        let filters = self.requested.filter.is_some()
            && !self.sets_no_new_privs(ceiling)
            && (all || self.is_root);
        if kept == 0 && dropped == 0 && !(filters && becomes_user) {
            return None;
        }
        Some(Capabilities {
            before,
            // setresuid(2) alone would clear the capabilities before they are set.
            through_setresuid: self.uid.is_some(),
            dropped,
            permitted: if becomes_user { kept } else { before & !dropped },
            inheritable: inheritable & !dropped | kept,
            kept,
        })
    }

    fn sets_no_new_privs(&self, ceiling: Option<PrivilegeCeiling>) -> bool {
        self.requested.no_new_privs || ceiling.is_some_and(|ceiling| ceiling.no_new_privs)
    }

    /// The label as given.
    pub(crate) fn label_text(&self) -> Option<String> {
        self.requested.label.as_ref().map(|label| label.to_string_lossy().into_owned())
    }

    pub(crate) fn describe_label(&self) -> impl Iterator<Item = String> {
        self.label.iter().flat_map(|(file, text)| {
            [format!("openat({file:?})"), format!("write({})", text.escape_ascii())]
        })
    }

    /// The call before the uid changes.
    pub(crate) fn describe_keep(&self) -> impl Iterator<Item = String> {
        let keeps = self.planned().is_some_and(|sets| sets.through_setresuid);
        keeps.then(|| "prctl(PR_SET_KEEPCAPS, 1)".to_owned()).into_iter()
    }

    pub(crate) fn describe_no_new_privs(&self) -> impl Iterator<Item = String> {
        let sets = self.requested.no_new_privs;
        sets.then(|| "prctl(PR_SET_NO_NEW_PRIVS)".to_owned()).into_iter()
    }

    /// The capabilities that the change of the uid cleared.
    pub(crate) fn describe_regain(&self) -> impl Iterator<Item = String> {
        let regained = self.planned().filter(|sets| sets.through_setresuid);
        regained.map(|sets| format!("capset({:#x})", sets.before)).into_iter()
    }

    pub(crate) fn describe_capabilities(&self) -> impl Iterator<Item = String> {
        self.planned().into_iter().flat_map(|sets| {
            let dropped = CapabilitySet::from_bits_retain(sets.dropped);
            let bounding =
                (sets.dropped != 0).then(|| format!("prctl(PR_CAPBSET_DROP, {dropped:?})"));
            let last = format!("capset({:#x}, inheritable {:#x})", sets.permitted, sets.kept);
            let kept = CapabilitySet::from_bits_retain(sets.kept);
            let ambient =
                (sets.kept != 0).then(|| format!("prctl(PR_CAP_AMBIENT_RAISE, {kept:?})"));
            bounding.into_iter().chain([last]).chain(ambient)
        })
    }

    /// The filter: with `no_new_privs` in the last step, otherwise in an earlier one, because it
    /// then needs `CAP_SYS_ADMIN`.
    pub(crate) fn describe_filter(&self, is_last: bool) -> Option<String> {
        let filter = self.requested.filter.as_ref()?;
        (is_last == self.requested.no_new_privs)
            .then(|| format!("seccomp(SECCOMP_SET_MODE_FILTER, {} instructions)", filter.len()))
    }
}

/// The bounding set of the caller.
fn caller_bounding() -> u64 {
    let bounding = machine::status("CapBnd");
    bounding.and_then(|set| u64::from_str_radix(&set, 16).ok()).unwrap_or(u64::MAX)
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
