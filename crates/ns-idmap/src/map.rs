//! The map itself, one implementation for users and groups.

use core::fmt;
use core::hash::Hash;
use core::marker::PhantomData;

use crate::store::Store;
use crate::{Extent, RuleError, check};

/// Marks a map of user ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Uid {}

/// Marks a map of group ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gid {}

/// User or group; only [`Uid`] and [`Gid`] are.
pub trait IdKind: sealed::Sealed + Copy + fmt::Debug + Eq + Hash + 'static {
    /// The file below `/proc/PID`: `uid_map` or `gid_map`.
    const FILE: &'static str;
    /// The program that writes it for those who may not: `newuidmap` or `newgidmap`.
    const HELPER: &'static str;
    /// The file of delegated ids: `/etc/subuid` or `/etc/subgid`.
    const DELEGATION: &'static str;
    /// Whether a map that has id 0 of the parent needs `CAP_SETFCAP`: a map of users does.
    const ZERO_NEEDS_SETFCAP: bool;
}

impl IdKind for Uid {
    const FILE: &'static str = "uid_map";
    const HELPER: &'static str = "newuidmap";
    const DELEGATION: &'static str = "/etc/subuid";
    const ZERO_NEEDS_SETFCAP: bool = true;
}

impl IdKind for Gid {
    const FILE: &'static str = "gid_map";
    const HELPER: &'static str = "newgidmap";
    const DELEGATION: &'static str = "/etc/subgid";
    const ZERO_NEEDS_SETFCAP: bool = false;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Uid {}
    impl Sealed for super::Gid {}
}

/// A map of user ids, as in `/proc/PID/uid_map`.
pub type UidMap = IdMap<Uid>;

/// A map of group ids, as in `/proc/PID/gid_map`.
pub type GidMap = IdMap<Gid>;

/// A map between the ids inside a user namespace and those of its parent.
///
/// It has at least one extent and keeps the kernel's rules from the moment it is made, so that a
/// mistake is told by name and not as `EINVAL`. Up to 5 extents are held without an allocation.
///
/// Two maps are equal when they have the same extents, in whatever order: the kernel shows a map of
/// more than 5 extents in ascending order, not in that of the write.
///
/// ```
/// use ns_idmap::{Extent, UidMap};
///
/// let map: UidMap = "0 1000 1,1 100000 65536".parse()?;
/// assert_eq!(map.to_outside(0), Some(1000));
/// assert_eq!(map.to_inside(100_001), Some(2));
/// assert_eq!(map.extents()[1], Extent { inside: 1, outside: 100_000, length: 65_536 });
/// assert_eq!(map.to_string(), "0 1000 1\n1 100000 65536\n");
/// # Ok::<(), ns_idmap::ParseError>(())
/// ```
///
/// # References
/// `user_namespaces(7)`; `map_write` in the kernel's `kernel/user_namespace.c`.
#[derive(Clone, Debug)]
pub struct IdMap<K: IdKind> {
    pub(crate) store: Store,
    kind: PhantomData<K>,
}

impl<K: IdKind> IdMap<K> {
    /// A map of these extents, kept in this order.
    ///
    /// # Errors
    /// The rule that is broken, with the entries that break it.
    pub fn new(extents: impl IntoIterator<Item = Extent>) -> Result<Self, RuleError> {
        let mut store = Store::new();
        extents.into_iter().try_for_each(|extent| store.push(extent))?;
        Self::checked(store)
    }

    /// The extents, in the order in which they were given.
    #[inline]
    pub fn extents(&self) -> &[Extent] {
        self.store.as_slice()
    }

    pub(crate) fn checked(mut store: Store) -> Result<Self, RuleError> {
        check::map(&mut store)?;
        Ok(Self::from_store(store))
    }

    pub(crate) const fn from_store(store: Store) -> Self {
        Self { store, kind: PhantomData }
    }
}

/// That id becomes 0, alone.
///
/// 4294967295 is not an id; a map made from it is refused when it is written or planned.
impl<K: IdKind> From<u32> for IdMap<K> {
    fn from(id: u32) -> Self {
        Self::from_store(Store::of(Extent { inside: 0, outside: id, length: 1 }))
    }
}
