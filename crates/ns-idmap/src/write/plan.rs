//! Decides how a writer can write a map, from facts alone.

use crate::{Gid, IdKind, IdMap, Numbered, Reason, Setgroups, SubIds, Uid, Writer};

/// How a map is to be written. A map is written only once: a second write would fail with `EPERM`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WritePlan {
    /// By the writer itself.
    Direct,
    /// By `newuidmap` or `newgidmap`.
    ///
    /// The helper may refuse if the delegated IDs are [unknown](crate::Delegation).
    Helper,
    /// The writer cannot write the map.
    Impossible(Reason),
}

impl IdMap<Uid> {
    /// Plans how `writer` can write this map for a user namespace that it creates.
    ///
    /// # Examples
    /// ```
    /// use ns_idmap::{Reason, UidMap, WritePlan, Writer};
    ///
    /// let writer = Writer::unprivileged(1000, 1000);
    /// assert_eq!(UidMap::from(1000).plan(&writer), WritePlan::Direct);
    /// assert!(matches!(UidMap::from(1001).plan(&writer), WritePlan::Impossible(_)));
    /// ```
    pub fn plan(&self, writer: &Writer) -> WritePlan {
        let request = Request {
            map: self,
            parent: writer.uid_map.as_ref(),
            own_id: writer.euid,
            privilege: writer.capabilities.setuid.then_some(()).ok_or("CAP_SETUID"),
            own_id_allowed: true,
            delegated: writer.delegation.sub_uids.as_ref(),
            writer,
        };
        request.plan()
    }
}

impl IdMap<Gid> {
    /// Plans how `writer` can write this map for a user namespace that it creates.
    pub fn plan(&self, writer: &Writer, setgroups: Setgroups) -> WritePlan {
        let request = Request {
            map: self,
            parent: writer.gid_map.as_ref(),
            own_id: writer.egid,
            privilege: writer.capabilities.setgid.then_some(()).ok_or("CAP_SETGID"),
            own_id_allowed: setgroups != Setgroups::Keep || !writer.setgroups_allowed,
            delegated: writer.delegation.sub_gids.as_ref(),
            writer,
        };
        request.plan()
    }
}

/// A map and the facts about its writer, in one form for user and group IDs.
struct Request<'a, K: IdKind> {
    map: &'a IdMap<K>,
    parent: Option<&'a IdMap<K>>,
    own_id: u32,
    /// The capability to write any map, or its name if it is missing.
    privilege: Result<(), &'static str>,
    /// Whether an unprivileged writer may map its own ID alone.
    own_id_allowed: bool,
    /// `None` if they are unknown.
    delegated: Option<&'a SubIds>,
    writer: &'a Writer,
}

impl<K: IdKind> Request<'_, K> {
    fn plan(&self) -> WritePlan {
        self.try_plan().unwrap_or_else(WritePlan::Impossible)
    }

    /// Checks in the order of the kernel, so that the first reason is the kernel's.
    fn try_plan(&self) -> Result<WritePlan, Reason> {
        self.map.check_for_write()?;
        self.check_parent()?;
        if self.privilege.is_ok() || self.is_own_id_alone() && self.own_id_allowed {
            self.check_setfcap()?;
            return Ok(WritePlan::Direct);
        }
        self.check_helper()?;
        Ok(WritePlan::Helper)
    }

    fn check_parent(&self) -> Result<(), Reason> {
        let Some(parent) = self.parent else { return Ok(()) };
        let split = self.map.split_at(parent)?;
        let mut pairs = self.map.iter().zip(split.iter()).enumerate();
        match pairs.find(|(_, (whole, piece))| whole != piece) {
            Some((index, (&extent, _))) => {
                Err(Reason::Spans(Numbered { entry: index + 1, extent }))
            }
            None => Ok(()),
        }
    }

    fn check_setfcap(&self) -> Result<(), Reason> {
        let has_zero = self.map.iter().any(|extent| extent.outside == 0);
        let needs = K::ZERO_NEEDS_SETFCAP && has_zero;
        if needs && !self.writer.capabilities.setfcap { Err(Reason::NoSetfcap) } else { Ok(()) }
    }

    fn is_own_id_alone(&self) -> bool {
        self.map.single().is_some_and(|extent| extent.outside == self.own_id)
    }

    fn check_helper(&self) -> Result<(), Reason> {
        let writer = self.writer;
        match self.privilege {
            // The helpers are for unprivileged users; root is expected to write directly.
            Err(capability) if writer.euid == 0 => return Err(Reason::NoCapability(capability)),
            _ if writer.no_new_privs => return Err(Reason::NoNewPrivs),
            _ => {}
        }
        self.check_delegation()?;
        match writer.delegation.has_name {
            Some(false) => Err(Reason::NoName(writer.euid)),
            Some(true) | None => Ok(()),
        }
    }

    fn check_delegation(&self) -> Result<(), Reason> {
        // newgidmap would write "deny" for this map unless the ID is delegated.
        let is_delegated = self.delegated.is_some_and(|ids| ids.covers(self.own_id, 1));
        if self.is_own_id_alone() && !is_delegated {
            return Err(Reason::SetgroupsKept);
        }
        let Some(delegated) = self.delegated else { return Ok(()) };
        for (index, &extent) in self.map.iter().enumerate() {
            let is_own_id = extent.length == 1 && extent.outside == self.own_id;
            if !is_own_id && !delegated.covers(extent.outside, extent.length) {
                return Err(Reason::NotDelegated {
                    at: Numbered { entry: index + 1, extent },
                    file: K::DELEGATION,
                    own_id: self.own_id,
                    delegated: Box::new(delegated.clone()),
                });
            }
        }
        Ok(())
    }
}
