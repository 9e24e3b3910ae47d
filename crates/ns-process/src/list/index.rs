//! The namespaces found so far, each queried once.

use std::collections::BTreeMap;
use std::prelude::rust_2024::*;

use ns_sys::{Errno, Namespace, NamespaceFd, NamespaceId};

use super::info::{NamespaceFile, NamespaceInfo};
use super::mounts::{self, Bound};
use super::process::Process;

/// `PROC_USER_INIT_INO` and `PROC_PID_INIT_INO` of include/linux/proc_ns.h, which have no parent.
const INITIAL: [u64; 2] = [0xEFFF_FFFD, 0xEFFF_FFFC];

/// The namespaces by inode, which is unique among existing namespaces of all kinds.
#[derive(Debug, Default)]
pub(super) struct NamespaceIndex(BTreeMap<u64, NamespaceInfo>);

impl NamespaceIndex {
    /// Records a process as a member of its namespaces.
    ///
    /// # Errors
    /// The caller may not read its namespaces.
    pub(super) fn count(&mut self, process: &Process) -> Result<(), Errno> {
        for kind in Namespace::ALL {
            let Some(number) = process.namespace_number(kind)? else { continue };
            if !self.0.contains_key(&number) {
                let _ = process.namespace(kind).map(|namespace| self.record(&namespace));
            }
            if let Some(namespace) = self.0.get_mut(&number) {
                namespace.members.push(process.pid());
                if namespace.first.is_none() {
                    namespace.first = process.member();
                }
            }
        }
        Ok(())
    }

    /// Adds a namespace with its ancestors, unless it is known.
    fn record(&mut self, namespace: &NamespaceFd) -> Result<NamespaceId, Errno> {
        let (kind, id) = (namespace.kind()?, namespace.id()?);
        if self.0.contains_key(&id.ino) {
            return Ok(id);
        }
        let mut info = NamespaceInfo::new(kind, id);
        // One descriptor for each level, and no namespace is nested in itself.
        info.owner = self.above(id, namespace.user_namespace());
        info.parent = match kind {
            Namespace::User => info.owner,
            Namespace::Pid => self.above(id, namespace.parent()),
            _ => Ok(None),
        };
        if kind == Namespace::User {
            info.owner_uid = namespace.owner_uid().map(Some);
        }
        self.0.insert(id.ino, info);
        Ok(id)
    }

    fn above(
        &mut self,
        id: NamespaceId,
        above: Result<NamespaceFd, Errno>,
    ) -> Result<Option<NamespaceId>, Errno> {
        match above.and_then(|above| self.record(&above)) {
            Err(Errno::PERM) if INITIAL.contains(&id.ino) => Ok(None),
            recorded => recorded.map(Some),
        }
    }

    /// Adds the namespaces bound in each mount namespace that has a member.
    pub(super) fn read_mounts(&mut self) {
        let inside: Vec<(u64, u32)> = self
            .0
            .values()
            .filter(|namespace| namespace.kind == Namespace::Mnt)
            .filter_map(|namespace| Some((namespace.id.ino, *namespace.members.first()?)))
            .collect();
        for (mnt, pid) in inside {
            let Some(process) = Process::open(pid) else { continue };
            for bound in mounts::bound(&process.mounts()) {
                self.add_file(&process, mnt, bound);
            }
        }
    }

    fn add_file(&mut self, process: &Process, mnt: u64, bound: Bound) {
        let Bound { kind, id, path } = bound;
        if !self.0.contains_key(&id.ino) {
            let opened = process.bound_namespace(&path);
            // Another mount may cover the file, or have replaced it since.
            let same = opened.ok().filter(|opened| opened.id().is_ok_and(|own| own.ino == id.ino));
            let recorded = same.map(|namespace| self.record(&namespace));
            if !matches!(recorded, Some(Ok(_))) {
                self.0.insert(id.ino, unopened(kind, id));
            }
        }
        if let Some(namespace) = self.0.get_mut(&id.ino) {
            namespace.files.push(NamespaceFile { path, mnt });
        }
    }

    pub(super) fn into_list(mut self) -> Vec<NamespaceInfo> {
        let creators: BTreeMap<u64, Result<Option<u32>, Errno>> =
            self.0.iter().map(|(number, namespace)| (*number, namespace.owner_uid)).collect();
        for namespace in self.0.values_mut().filter(|one| one.kind != Namespace::User) {
            namespace.owner_uid = match namespace.owner {
                Ok(Some(owner)) => creators.get(&owner.ino).copied().unwrap_or(Ok(None)),
                Ok(None) => Ok(None),
                Err(errno) => Err(errno),
            };
        }
        self.0.into_values().collect()
    }
}

/// A namespace that is known only from mountinfo.
fn unopened(kind: Namespace, id: NamespaceId) -> NamespaceInfo {
    let mut info = NamespaceInfo::new(kind, id);
    info.owner = Err(Errno::ACCESS);
    if matches!(kind, Namespace::User | Namespace::Pid) {
        info.parent = Err(Errno::ACCESS);
    }
    if kind == Namespace::User {
        info.owner_uid = Err(Errno::ACCESS);
    }
    info
}
