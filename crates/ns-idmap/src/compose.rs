//! Maps of maps.

use crate::store::Store;
use crate::{ComposeError, Extent, IdKind, IdMap, Numbered, Side, check};

impl<K: IdKind> IdMap<K> {
    /// The map from the ids inside to those outside the *parent*: first this map, then `parent`'s.
    ///
    /// ```
    /// use ns_idmap::UidMap;
    /// let parent: UidMap = "0 100000 10,10 200000 10".parse()?;
    /// let child: UidMap = "0 5 10".parse()?;
    /// assert_eq!(child.compose(&parent)?.to_string(), "0 100005 5\n5 200000 5\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The first id that `parent` does not have, or too many extents.
    pub fn compose(&self, parent: &Self) -> Result<Self, ComposeError> {
        self.pieces(parent, |piece, outside| Extent { outside, ..piece })
    }

    /// The same map, with each extent cut where an extent of the parent's map ends.
    ///
    /// The kernel refuses (`EPERM`) an extent that lies in two of the parent's.
    ///
    /// ```
    /// use ns_idmap::UidMap;
    /// let parent: UidMap = "0 100000 10,10 200000 10".parse()?;
    /// let child: UidMap = "0 0 20".parse()?;
    /// assert_eq!(child.split_at(&parent)?.to_string(), "0 0 10\n10 10 10\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The first id that `parent` does not have, or too many extents.
    pub fn split_at(&self, parent: &Self) -> Result<Self, ComposeError> {
        self.pieces(parent, |piece, _| piece)
    }

    /// The map read the other way: inside and outside change places.
    pub fn inverse(&self) -> Self {
        let turned = |e: &Extent| Extent { inside: e.outside, outside: e.inside, ..*e };
        let mut store = Store::new();
        // The rules know no difference between the sides, so this map keeps them too.
        let kept = self.extents().iter().try_for_each(|extent| store.push(turned(extent)));
        debug_assert!(kept.is_ok(), "as many extents as before");
        store.sort();
        Self::from_store(store)
    }

    /// Cuts every extent at the parent's bounds; `make` gets each piece and where the parent leads it.
    fn pieces(
        &self,
        parent: &Self,
        make: impl Fn(Extent, u32) -> Extent,
    ) -> Result<Self, ComposeError> {
        let mut store = Store::new();
        for (place, &extent) in self.extents().iter().enumerate() {
            let mut rest = extent;
            while rest.length > 0 {
                let (piece, outside) = cut(&mut rest, parent).ok_or(ComposeError::Unmapped {
                    at: Numbered { entry: place + 1, extent },
                    id: rest.outside,
                })?;
                store.push(make(piece, outside))?;
            }
        }
        check::rules(&mut store)?;
        Ok(Self::from_store(store))
    }
}

/// Takes off `rest` what the parent's extent at its beginning covers.
fn cut<K: IdKind>(rest: &mut Extent, parent: &IdMap<K>) -> Option<(Extent, u32)> {
    let over = parent.extent_at(Side::Inside, rest.outside)?;
    let offset = over.offset(Side::Inside, rest.outside)?;
    let length = rest.length.min(over.length - offset);
    let piece = Extent { length, ..*rest };
    rest.length -= length;
    // Past the last piece nobody looks, and only there can the sum be no id any more.
    rest.inside = rest.inside.wrapping_add(length);
    rest.outside = rest.outside.wrapping_add(length);
    Some((piece, over.outside + offset))
}
