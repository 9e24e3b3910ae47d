//! How a map can be written by somebody, decided before anything is done.

use crate::{Gid, IdKind, IdMap, Numbered, Reason, Setgroups, SubIds, Uid, Writer};

/// How a map is to be written. Never both ways: the second would be `EPERM`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WritePlan {
    /// By the writer itself.
    Direct,
    /// By `newuidmap` or `newgidmap`.
    Helper,
    /// Not at all.
    Impossible(Reason),
}

impl IdMap<Uid> {
    /// How `writer` can write this map for a namespace that it creates.
    ///
    /// ```
    /// use ns_idmap::{Reason, UidMap, WritePlan, Writer};
    /// let writer = Writer::unprivileged(1000, 1000);
    /// assert_eq!(UidMap::from(1000).plan(&writer), WritePlan::Direct);
    /// assert!(matches!(UidMap::from(1001).plan(&writer), WritePlan::Impossible(_)));
    /// ```
    pub fn plan(&self, writer: &Writer) -> WritePlan {
        let view = View {
            map: self,
            parent: writer.uid_map.as_ref(),
            own: writer.euid,
            privilege: writer.capabilities.setuid.then_some(()).ok_or("CAP_SETUID"),
            own_alone_allowed: true,
            delegated: &writer.delegation.sub_uids,
            writer,
        };
        view.plan()
    }
}

impl IdMap<Gid> {
    /// How `writer` can write this map for a namespace that it creates.
    pub fn plan(&self, writer: &Writer, setgroups: Setgroups) -> WritePlan {
        let view = View {
            map: self,
            parent: writer.gid_map.as_ref(),
            own: writer.egid,
            privilege: writer.capabilities.setgid.then_some(()).ok_or("CAP_SETGID"),
            own_alone_allowed: setgroups != Setgroups::Keep || !writer.setgroups_allowed,
            delegated: &writer.delegation.sub_gids,
            writer,
        };
        view.plan()
    }
}

/// A map and its writer, with users and groups no longer different.
struct View<'a, K: IdKind> {
    map: &'a IdMap<K>,
    parent: Option<&'a IdMap<K>>,
    own: u32,
    /// Or the name of the capability that is missing.
    privilege: Result<(), &'static str>,
    own_alone_allowed: bool,
    delegated: &'a SubIds,
    writer: &'a Writer,
}

impl<K: IdKind> View<'_, K> {
    fn plan(&self) -> WritePlan {
        self.way().unwrap_or_else(WritePlan::Impossible)
    }

    /// In the order of the kernel's own checks, so that the first reason is the one it would have.
    fn way(&self) -> Result<WritePlan, Reason> {
        self.map.check()?;
        self.fits_parent()?;
        if self.privilege.is_ok() || self.is_own_alone() && self.own_alone_allowed {
            self.can_map_zero()?;
            return Ok(WritePlan::Direct);
        }
        self.helper()?;
        Ok(WritePlan::Helper)
    }

    fn fits_parent(&self) -> Result<(), Reason> {
        let Some(parent) = self.parent else { return Ok(()) };
        let cut = self.map.split_at(parent)?;
        let mut pairs = self.map.iter().zip(cut.iter()).enumerate();
        match pairs.find(|(_, (whole, piece))| whole != piece) {
            Some((place, (&extent, _))) => {
                Err(Reason::Spans(Numbered { entry: place + 1, extent }))
            }
            None => Ok(()),
        }
    }

    fn can_map_zero(&self) -> Result<(), Reason> {
        let has_zero = self.map.iter().any(|extent| extent.outside == 0);
        let needs = K::ZERO_NEEDS_SETFCAP && has_zero;
        if needs && !self.writer.capabilities.setfcap { Err(Reason::NoSetfcap) } else { Ok(()) }
    }

    fn is_own_alone(&self) -> bool {
        self.map.single().is_some_and(|extent| extent.outside == self.own)
    }

    fn helper(&self) -> Result<(), Reason> {
        let writer = self.writer;
        match self.privilege {
            // A setuid program gives root nothing that root does not have.
            Err(capability) if writer.euid == 0 => return Err(Reason::NoCapability(capability)),
            _ if writer.no_new_privs => return Err(Reason::NoNewPrivs),
            _ => {}
        }
        self.delegated()?;
        if writer.delegation.has_name { Ok(()) } else { Err(Reason::NoName(writer.euid)) }
    }

    fn delegated(&self) -> Result<(), Reason> {
        if self.is_own_alone() && !self.covers(self.own, 1) {
            return Err(Reason::SetgroupsKept);
        }
        for (place, &extent) in self.map.iter().enumerate() {
            let own = extent.length == 1 && extent.outside == self.own;
            if !own && !self.covers(extent.outside, extent.length) {
                let at = Numbered { entry: place + 1, extent };
                return Err(Reason::NotDelegated { at, file: K::DELEGATION });
            }
        }
        Ok(())
    }

    fn covers(&self, first: u32, length: u32) -> bool {
        self.delegated.covers(first, length)
    }
}
