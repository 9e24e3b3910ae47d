//! A map and everything that needs no operating system: parse, check, look up, compose, print.

mod check;
mod compose;
mod error;
mod extent;
mod format;
mod list;
mod lookup;
mod parse;
mod sets;
mod store;

use core::fmt;
use core::hash::Hash;
use core::marker::PhantomData;

use store::Store;

pub use error::{ComposeError, Numbered, ParseError, RuleError};
pub use extent::{Extent, Field, Side};
#[cfg(feature = "std")]
pub(crate) use format::with_text;
pub use list::Item;

/// Marks a map of user IDs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Uid {}

/// Marks a map of group IDs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gid {}

/// The kind of ID in a map: [`Uid`] or [`Gid`].
pub trait IdKind: sealed::Sealed + Copy + fmt::Debug + Eq + Hash + 'static {
    /// The map file in `/proc/PID`: `uid_map` or `gid_map`.
    const FILE: &'static str;
    /// The program that writes this file for unprivileged users: `newuidmap` or `newgidmap`.
    const HELPER: &'static str;
    /// The file of delegated IDs: `/etc/subuid` or `/etc/subgid`.
    const DELEGATION: &'static str;
    /// Whether a map of the parent's ID 0 needs `CAP_SETFCAP`. True for user IDs only.
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

/// A map of user IDs, as in `/proc/PID/uid_map`.
pub type UidMap = IdMap<Uid>;

/// A map of group IDs, as in `/proc/PID/gid_map`.
pub type GidMap = IdMap<Gid>;

/// A map between the IDs inside a user namespace and the IDs of its parent.
///
/// A map has at least one extent. It is checked by the kernel's rules when it is made, so an invalid
/// map is a named error and not `EINVAL`. Up to 5 extents are stored without an allocation.
///
/// Two maps are equal if they have the same extents in any order. The kernel shows a map of more
/// than 5 extents in ascending order, not in the order of the write.
///
/// # Examples
/// ```
/// use ns_idmap::{Extent, UidMap};
///
/// let map: UidMap = "0 1000 1,1 100000 65536".parse()?;
/// assert_eq!(map.to_outside(0), Some(1000));
/// assert_eq!(map.to_inside(100_001), Some(2));
/// assert_eq!(map.extents()[1], Extent { inside: 1, outside: 100_000, length: 65_536 });
/// assert_eq!(map.to_string(), "0 1000 1\n1 100000 65536\n");
///
/// let error = "0 1000 2,1 5 1".parse::<UidMap>().unwrap_err();
/// assert!(error.to_string().contains("share inside IDs"));
/// # Ok::<(), ns_idmap::ParseError>(())
/// ```
///
/// # References
/// `user_namespaces(7)`; `map_write` in the kernel's `kernel/user_namespace.c`.
#[derive(Clone)]
pub struct IdMap<K: IdKind> {
    store: Store,
    kind: PhantomData<K>,
}

impl<K: IdKind> IdMap<K> {
    /// Makes a map of these extents, in this order.
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

    fn checked(mut store: Store) -> Result<Self, RuleError> {
        check::all(&mut store)?;
        Ok(Self::from_store(store))
    }

    const fn from_store(store: Store) -> Self {
        Self { store, kind: PhantomData }
    }
}

/// Maps this ID to 0, and no other.
///
/// 4294967295 is not an ID. A map of it is refused when it is planned or written.
impl<K: IdKind> From<u32> for IdMap<K> {
    fn from(id: u32) -> Self {
        Self::from_store(Store::single(Extent { inside: 0, outside: id, length: 1 }))
    }
}
