//! Maps computed from other maps.

use super::check;
use super::store::Store;
use crate::{ComposeError, Extent, IdKind, IdMap, Numbered, Side};

impl<K: IdKind> IdMap<K> {
    /// Applies this map and then `parent`'s: from the IDs inside to the IDs outside the *parent*.
    ///
    /// # Errors
    /// The first ID that `parent` does not map, or too many extents.
    ///
    /// # Examples
    /// ```
    /// use ns_idmap::UidMap;
    ///
    /// let parent: UidMap = "0 100000 10,10 200000 10".parse()?;
    /// let child: UidMap = "0 5 10".parse()?;
    /// assert_eq!(child.compose(&parent)?.to_string(), "0 100005 5\n5 200000 5\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn compose(&self, parent: &Self) -> Result<Self, ComposeError> {
        self.split_with(parent, |piece, outside| Extent { outside, ..piece })
    }

    /// Splits each extent where an extent of the parent's map ends. The mapping stays the same.
    ///
    /// The kernel refuses (`EPERM`) an extent that lies in two of the parent's.
    ///
    /// # Errors
    /// The first ID that `parent` does not map, or too many extents.
    ///
    /// # Examples
    /// ```
    /// use ns_idmap::UidMap;
    ///
    /// let parent: UidMap = "0 100000 10,10 200000 10".parse()?;
    /// let child: UidMap = "0 0 20".parse()?;
    /// assert_eq!(child.split_at(&parent)?.to_string(), "0 0 10\n10 10 10\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn split_at(&self, parent: &Self) -> Result<Self, ComposeError> {
        self.split_with(parent, |piece, _| piece)
    }

    /// Exchanges inside and outside.
    pub fn inverse(&self) -> Self {
        // The rules are the same for both sides.
        self.with_extents(|e| Extent { inside: e.outside, outside: e.inside, ..e })
    }

    /// Splits every extent at the bounds of `parent`. `make` gets each piece and the ID to which
    /// `parent` maps its first outside ID.
    fn split_with(
        &self,
        parent: &Self,
        make: impl Fn(Extent, u32) -> Extent,
    ) -> Result<Self, ComposeError> {
        let mut store = Store::new();
        for (index, &extent) in self.extents().iter().enumerate() {
            let mut rest = extent;
            while rest.length > 0 {
                let unmapped = || ComposeError::Unmapped {
                    at: Numbered { entry: index + 1, extent },
                    id: rest.outside,
                };
                let (piece, outside) = first_piece(rest, parent).ok_or_else(unmapped)?;
                store.push(make(piece, outside))?;
                rest.length -= piece.length;
                // Wraps only after the last piece, whose successor is not used.
                rest.inside = rest.inside.wrapping_add(piece.length);
                rest.outside = rest.outside.wrapping_add(piece.length);
            }
        }
        check::rules(&mut store)?;
        Ok(Self::from_store(store))
    }
}

/// The part of `rest` that lies in one extent of `parent`, and the ID to which its first is mapped.
fn first_piece<K: IdKind>(rest: Extent, parent: &IdMap<K>) -> Option<(Extent, u32)> {
    let over = parent.extent_at(Side::Inside, rest.outside)?;
    let offset = over.offset(Side::Inside, rest.outside)?;
    let length = rest.length.min(over.length - offset);
    Some((Extent { length, ..rest }, over.outside + offset))
}
