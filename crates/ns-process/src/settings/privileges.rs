//! What the program may do: capabilities, `no_new_privs`, a seccomp filter, a label.

use std::ffi::{CString, OsStr, OsString};
use std::format;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::prelude::rust_2024::*;

use ns_sys::child::BpfInstruction;
use ns_sys::{Errno, NamespaceFlags};
use rustix::thread::{CapabilitySet, capabilities};

use super::Builder;
use crate::hint::machine;
use crate::in_child::{self, Capabilities};

/// What was asked for.
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

/// `BPF_MAXINSNS` of include/uapi/linux/bpf_common.h.
const LONGEST_FILTER: usize = 4096;

/// What the child will give up.
#[derive(Debug)]
pub(crate) struct Privileges {
    no_new_privs: bool,
    kept: CapabilitySet,
    dropped: CapabilitySet,
    /// What the caller has, where that matters.
    own: Option<Held>,
    /// Whether the user namespace is new, in which the child has all of them.
    new_user: bool,
    /// What it enters, as far as a plan knows.
    joined: NamespaceFlags,
    /// The last one, if the child changes it.
    uid: Option<u32>,
    /// Whether the caller is root in its user namespace.
    is_root: bool,
    filter: Option<Vec<BpfInstruction>>,
    label: Option<Label>,
}

/// What a target may do, which is the most that the child may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PrivilegeCeiling {
    pub(crate) permitted: CapabilitySet,
    pub(crate) ambient: CapabilitySet,
    pub(crate) no_new_privs: bool,
}

/// The capabilities of a process, as bits.
#[derive(Clone, Copy, Debug)]
struct Held {
    permitted: u64,
    inheritable: u64,
}

/// Where a label is written, and what.
#[derive(Debug)]
struct Label {
    given: String,
    file: CString,
    text: Vec<u8>,
}

impl Privileges {
    /// Looks at the wish, and says in words what is wrong with it, by the name of its setter. Of what is
    /// entered, the kinds, and whether the process there will be the measure.
    pub(crate) fn new(
        config: &PrivilegeConfig,
        namespaces: NamespaceFlags,
        uid: Option<u32>,
        (joined, limits): (NamespaceFlags, bool),
        is_root: bool,
    ) -> Result<Self, String> {
        if config.kept.intersects(config.dropped) {
            let both = config.kept & config.dropped;
            return Err(format!("keep_capabilities: {both:?} is dropped as well"));
        }
        let length = config.filter.as_ref().map_or(1, Vec::len);
        if length == 0 || length > LONGEST_FILTER {
            return Err(format!("seccomp: a filter has 1 to {LONGEST_FILTER} instructions"));
        }
        let new_user = namespaces.contains(NamespaceFlags::USER);
        let keeps = !(config.kept | config.dropped).is_empty() || config.filter.is_some();
        let changes = limits || !new_user && keeps;
        let own = changes.then(Held::current).transpose();
        Ok(Self {
            no_new_privs: config.no_new_privs,
            kept: config.kept,
            dropped: config.dropped,
            own: own.map_err(|errno| format!("keep_capabilities: {errno}"))?,
            new_user,
            joined,
            uid,
            is_root,
            filter: config.filter.clone(),
            label: config.label.as_ref().map(|label| Label::new(label.as_bytes())),
        })
    }

    /// For a child that enters the namespaces `joined`, and may do no more than `ceiling`.
    pub(crate) fn child(
        &self,
        joined: NamespaceFlags,
        ceiling: Option<PrivilegeCeiling>,
    ) -> in_child::Privileges<'_> {
        in_child::Privileges {
            no_new_privs: self.no_new_privs || ceiling.is_some_and(|most| most.no_new_privs),
            capabilities: self.sets(joined, ceiling),
            filter: self.filter.as_deref(),
            label: self.label.as_ref().map(|label| (label.file.as_c_str(), &label.text[..])),
        }
    }

    /// Whether the child gives up capabilities that the caller has.
    pub(crate) fn are_narrowed(&self) -> bool {
        self.planned().is_some()
    }

    /// As far as is known before a target is looked at.
    fn planned(&self) -> Option<Capabilities> {
        self.sets(self.joined, None)
    }

    /// What the child has when its turn comes, and what it is to have: `capset` takes whole sets.
    fn sets(
        &self,
        joined: NamespaceFlags,
        ceiling: Option<PrivilegeCeiling>,
    ) -> Option<Capabilities> {
        let no_new_privs = self.no_new_privs || ceiling.is_some_and(|most| most.no_new_privs);
        let all = self.new_user || joined.contains(NamespaceFlags::USER);
        let before = self.own.filter(|_| !all).unwrap_or(Held::ALL);
        let (mut kept, mut dropped) = (self.kept.bits(), self.dropped.bits());
        if let Some(most) = ceiling {
            let bounding = if all { u64::MAX } else { own_bounding() };
            dropped |= bounding & !most.permitted.bits();
            kept |= most.ambient.bits() & before.permitted & !dropped;
        }
        let becomes_user = self.uid.is_some_and(|uid| uid != 0);
        // Which needs a capability that root loses when it becomes a user.
        let filters = self.filter.is_some() && !no_new_privs && (all || self.is_root);
        if kept == 0 && dropped == 0 && !(filters && becomes_user) {
            return None;
        }
        Some(Capabilities {
            before: before.permitted,
            // By setresuid alone it would lose them before their turn comes.
            through_setresuid: self.uid.is_some(),
            dropped,
            permitted: if becomes_user { kept } else { before.permitted & !dropped },
            inheritable: before.inheritable & !dropped | kept,
            kept,
        })
    }

    /// The label, as it was given.
    pub(crate) fn label_text(&self) -> Option<String> {
        self.label.as_ref().map(|label| label.given.clone())
    }

    pub(crate) fn describe_label(&self) -> impl Iterator<Item = String> {
        self.label.iter().flat_map(|Label { file, text, .. }| {
            let (open, write) =
                (format!("openat({file:?})"), format!("write({})", text.escape_ascii()));
            [open, write]
        })
    }

    /// Before the uid changes.
    pub(crate) fn describe_keep(&self) -> impl Iterator<Item = String> {
        let keeps = self.planned().is_some_and(|sets| sets.through_setresuid);
        keeps.then(|| "prctl(PR_SET_KEEPCAPS, 1)".to_owned()).into_iter()
    }

    pub(crate) fn describe_no_new_privs(&self) -> impl Iterator<Item = String> {
        self.no_new_privs.then(|| "prctl(PR_SET_NO_NEW_PRIVS)".to_owned()).into_iter()
    }

    /// What a filter may need, and one that cannot wait until the capabilities are gone.
    pub(crate) fn describe_early(&self) -> impl Iterator<Item = String> {
        let regained = self.planned().filter(|sets| sets.through_setresuid);
        let again = regained.map(|sets| format!("capset({:#x})", sets.before));
        again.into_iter().chain(self.filter_line().filter(|_| !self.no_new_privs))
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

    pub(crate) fn describe_last(&self) -> impl Iterator<Item = String> {
        self.filter_line().filter(|_| self.no_new_privs).into_iter()
    }

    fn filter_line(&self) -> Option<String> {
        let filter = self.filter.as_ref()?;
        Some(format!("seccomp(SECCOMP_SET_MODE_FILTER, {} instructions)", filter.len()))
    }
}

impl Held {
    /// In a user namespace that was just made or entered.
    const ALL: Self = Self { permitted: u64::MAX, inheritable: 0 };

    fn current() -> Result<Self, Errno> {
        let own = capabilities(None)?;
        Ok(Self { permitted: own.permitted.bits(), inheritable: own.inheritable.bits() })
    }
}

/// What the caller could get by executing a program.
fn own_bounding() -> u64 {
    let told = machine::status("CapBnd");
    told.and_then(|set| u64::from_str_radix(&set, 16).ok()).unwrap_or(u64::MAX)
}

impl Label {
    fn new(label: &[u8]) -> Self {
        // The file of AppArmor alone, where several modules are stacked.
        let own = c"/proc/self/attr/apparmor/exec";
        let apparmor = Path::new("/proc/self/attr/apparmor").exists()
            || Path::new("/sys/module/apparmor").exists();
        let alone = Path::new("/proc/self/attr/apparmor").exists();
        let file = if alone { own } else { c"/proc/self/attr/exec" }.to_owned();
        let word: &[u8] = if apparmor { b"exec " } else { b"" };
        let given = String::from_utf8_lossy(label).into_owned();
        Self { given, file, text: [word, label].concat() }
    }
}
