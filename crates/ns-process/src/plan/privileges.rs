//! What the program may do: capabilities, `no_new_privs`, a seccomp filter, a label.

use std::ffi::CString;
use std::format;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::prelude::rust_2024::*;

use ns_sys::NamespaceFlags;
use ns_sys::child::BpfInstruction;
use rustix::thread::{CapabilitySet, capabilities};

use crate::builder::Privileges as Wish;
use crate::in_child::{self, Capabilities};

/// `BPF_MAXINSNS` of include/uapi/linux/bpf_common.h.
const LONGEST_FILTER: usize = 4096;

/// What the child will give up.
#[derive(Debug)]
pub(crate) struct Privileges {
    no_new_privs: bool,
    capabilities: Option<Capabilities>,
    filter: Option<Vec<BpfInstruction>>,
    label: Option<Label>,
}

/// Where a label is written, and what.
#[derive(Debug)]
struct Label {
    given: String,
    file: CString,
    text: Vec<u8>,
}

impl Privileges {
    /// Looks at the wish, and says in words what is wrong with it, by the name of its setter.
    pub(super) fn new(
        wish: &Wish,
        namespaces: NamespaceFlags,
        uid: Option<u32>,
    ) -> Result<Self, String> {
        if wish.kept.intersects(wish.dropped) {
            let both = wish.kept & wish.dropped;
            return Err(format!("keep_capabilities: {both:?} is dropped as well"));
        }
        let length = wish.filter.as_ref().map_or(1, Vec::len);
        if length == 0 || length > LONGEST_FILTER {
            return Err(format!("seccomp: a filter has 1 to {LONGEST_FILTER} instructions"));
        }
        Ok(Self {
            no_new_privs: wish.no_new_privs,
            capabilities: sets(wish, namespaces, uid)?,
            filter: wish.filter.clone(),
            label: wish.label.as_ref().map(|label| Label::new(label.as_bytes())),
        })
    }

    pub(crate) fn child(&self) -> in_child::Privileges<'_> {
        in_child::Privileges {
            no_new_privs: self.no_new_privs,
            capabilities: self.capabilities,
            filter: self.filter.as_deref(),
            label: self.label.as_ref().map(|label| (label.file.as_c_str(), &label.text[..])),
        }
    }

    /// The label, as it was given.
    pub(super) fn label_text(&self) -> Option<String> {
        self.label.as_ref().map(|label| label.given.clone())
    }

    pub(super) fn describe_label(&self) -> impl Iterator<Item = String> {
        self.label.iter().flat_map(|Label { file, text, .. }| {
            let (open, write) =
                (format!("openat({file:?})"), format!("write({})", text.escape_ascii()));
            [open, write]
        })
    }

    /// Before the uid changes.
    pub(super) fn describe_keep(&self) -> impl Iterator<Item = String> {
        let keeps = self.capabilities.is_some_and(|sets| sets.through_setresuid);
        keeps.then(|| "prctl(PR_SET_KEEPCAPS, 1)".to_owned()).into_iter()
    }

    pub(super) fn describe_no_new_privs(&self) -> impl Iterator<Item = String> {
        self.no_new_privs.then(|| "prctl(PR_SET_NO_NEW_PRIVS)".to_owned()).into_iter()
    }

    /// A filter that cannot wait until the capabilities are gone.
    pub(super) fn describe_early(&self) -> impl Iterator<Item = String> {
        self.filter_line().filter(|_| !self.no_new_privs).into_iter()
    }

    pub(super) fn describe_capabilities(&self) -> impl Iterator<Item = String> {
        self.capabilities.iter().flat_map(|sets| {
            let again = sets.through_setresuid.then(|| format!("capset({:#x})", sets.before));
            let dropped = CapabilitySet::from_bits_retain(sets.dropped);
            let bounding =
                (sets.dropped != 0).then(|| format!("prctl(PR_CAPBSET_DROP, {dropped:?})"));
            let last = format!("capset({:#x}, inheritable {:#x})", sets.permitted, sets.kept);
            let kept = CapabilitySet::from_bits_retain(sets.kept);
            let ambient =
                (sets.kept != 0).then(|| format!("prctl(PR_CAP_AMBIENT_RAISE, {kept:?})"));
            again.into_iter().chain(bounding).chain([last]).chain(ambient)
        })
    }

    pub(super) fn describe_last(&self) -> impl Iterator<Item = String> {
        self.filter_line().filter(|_| self.no_new_privs).into_iter()
    }

    fn filter_line(&self) -> Option<String> {
        let filter = self.filter.as_ref()?;
        Some(format!("seccomp(SECCOMP_SET_MODE_FILTER, {} instructions)", filter.len()))
    }
}

/// What the child has when its turn comes, and what it is to have: `capset` takes whole sets.
fn sets(
    wish: &Wish,
    namespaces: NamespaceFlags,
    uid: Option<u32>,
) -> Result<Option<Capabilities>, String> {
    if wish.kept.is_empty() && wish.dropped.is_empty() {
        return Ok(None);
    }
    let (before, inheritable) = if namespaces.contains(NamespaceFlags::USER) {
        (u64::MAX, 0)
    } else {
        let own = capabilities(None).map_err(|errno| format!("keep_capabilities: {errno}"))?;
        (own.permitted.bits(), own.inheritable.bits())
    };
    let (kept, dropped) = (wish.kept.bits(), wish.dropped.bits());
    let becomes_user = uid.is_some_and(|uid| uid != 0);
    Ok(Some(Capabilities {
        before,
        // By setresuid alone it would lose them before their turn comes.
        through_setresuid: uid.is_some(),
        dropped,
        permitted: if becomes_user { kept } else { before & !dropped },
        inheritable: inheritable & !dropped | kept,
        kept,
    }))
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
