//! Maps from lists of IDs, texts and extents.

use alloc::string::String;

use super::parse;
use super::store::Store;
use crate::{Extent, IdKind, IdMap, ParseError};

/// One item of a list for [`IdMap::from_list`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// An ID of the parent namespace. Its ID inside is the index of this item in the list.
    Id(u32),
    /// A text in a form that `parse` accepts.
    Text(&'a str),
    /// An extent.
    Extent(Extent),
}

impl From<u32> for Item<'_> {
    fn from(id: u32) -> Self {
        Self::Id(id)
    }
}

impl<'a> From<&'a str> for Item<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for Item<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

impl From<Extent> for Item<'_> {
    fn from(extent: Extent) -> Self {
        Self::Extent(extent)
    }
}

impl<K: IdKind> IdMap<K> {
    /// Makes a map of several items, each of which is read separately.
    ///
    /// Entries are counted through the whole list, for single IDs and in errors.
    ///
    /// # Errors
    /// The errors of `parse`; the entry number is counted through the whole list.
    ///
    /// # Examples
    /// ```
    /// use ns_idmap::{Item, UidMap};
    ///
    /// let map = UidMap::from_list(["1000", "1 100000 65536"])?;
    /// assert_eq!(map.to_string(), "0 1000 1\n1 100000 65536\n");
    /// let map = UidMap::from_list([Item::Id(1000), "1001".into()])?;
    /// assert_eq!(map.to_string(), "0 1000 1\n1 1001 1\n");
    /// # Ok::<(), ns_idmap::ParseError>(())
    /// ```
    pub fn from_list<'a, I>(items: I) -> Result<Self, ParseError>
    where
        I: IntoIterator,
        I::Item: Into<Item<'a>>,
    {
        let mut store = Store::new();
        items.into_iter().try_for_each(|item| add(&mut store, item.into()))?;
        Ok(Self::checked(store)?)
    }
}

fn add(store: &mut Store, item: Item<'_>) -> Result<(), ParseError> {
    match item {
        Item::Id(id) => {
            // There are at most 340 entries.
            let inside = u32::try_from(store.as_slice().len()).unwrap_or(u32::MAX);
            Ok(store.push(Extent { inside, outside: id, length: 1 })?)
        }
        Item::Text(text) => parse::parse_into(store, text),
        Item::Extent(extent) => Ok(store.push(extent)?),
    }
}
