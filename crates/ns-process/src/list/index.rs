//! The namespaces found so far, each queried once.

use std::collections::BTreeMap;
use std::path::Path;
use std::prelude::rust_2024::*;

use ns_sys::{Errno, Namespace, NamespaceFd, NamespaceId};

use super::info::{NamespaceFile, NamespaceInfo};
use super::process::bound;
use crate::proc_dir::ProcDir;

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
    pub(super) fn count(&mut self, process: &ProcDir) -> Result<(), Errno> {
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
        info.owner_uid = match info.owner {
            _ if kind == Namespace::User => namespace.owner_uid().map(Some),
            Ok(Some(owner)) => self.0.get(&owner.ino).map_or(Ok(None), |owner| owner.owner_uid),
            Ok(None) => Ok(None),
            Err(errno) => Err(errno),
        };
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
            let Ok(process) = ProcDir::open(Path::new("/proc"), pid) else { continue };
            for (kind, id, path) in bound(&process.bytes("mountinfo")) {
                if !self.0.contains_key(&id.ino) {
                    let opened = process.bound_namespace(&path, id.ino);
                    let _ = opened.map(|namespace| self.record(&namespace));
                }
                let namespace = self.0.entry(id.ino).or_insert_with(|| unopened(kind, id));
                namespace.files.push(NamespaceFile { path, mnt });
            }
        }
    }

    pub(super) fn into_list(self) -> Vec<NamespaceInfo> {
        self.0.into_values().collect()
    }
}

/// A namespace that is known only from mountinfo.
fn unopened(kind: Namespace, id: NamespaceId) -> NamespaceInfo {
    let has_parent = matches!(kind, Namespace::User | Namespace::Pid);
    NamespaceInfo {
        owner: Err(Errno::ACCESS),
        owner_uid: Err(Errno::ACCESS),
        parent: if has_parent { Err(Errno::ACCESS) } else { Ok(None) },
        ..NamespaceInfo::new(kind, id)
    }
}
