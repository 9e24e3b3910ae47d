//! Lists of extents, many of which are valid maps.

use arbitrary::{Arbitrary, Result, Unstructured};
use ns_idmap::Extent;

/// A list of extents: a few with close IDs, or many without overlap and perhaps one that overlaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extents(pub Vec<Extent>);

impl<'a> Arbitrary<'a> for Extents {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        if u.arbitrary()? { close(u) } else { disjoint(u) }.map(Self)
    }
}

/// Returns an ID close to 0, close to the last ID, or arbitrary.
pub(super) fn id(u: &mut Unstructured<'_>) -> Result<u32> {
    match u.int_in_range(0..=7)? {
        0 => Ok(u32::MAX - u.int_in_range(0..=12)?),
        1 => u.arbitrary(),
        _ => u.int_in_range(0..=60),
    }
}

fn close(u: &mut Unstructured<'_>) -> Result<Vec<Extent>> {
    let count = u.int_in_range(0..=7)?;
    (0..count).map(|_| extent(u)).collect()
}

fn extent(u: &mut Unstructured<'_>) -> Result<Extent> {
    let length = match u.int_in_range(0..=9)? {
        0 => 0,
        1 => u.arbitrary()?,
        _ => u.int_in_range(1..=6)?,
    };
    Ok(Extent { inside: id(u)?, outside: id(u)?, length })
}

/// Returns disjoint extents with a different order inside and outside, and perhaps one more that overlaps.
fn disjoint(u: &mut Unstructured<'_>) -> Result<Vec<Extent>> {
    let count = if u.ratio(1, 4)? { u.int_in_range(330..=345)? } else { u.int_in_range(1..=40)? };
    let (inside, outside) = (id(u)?, id(u)?);
    let factor = u.int_in_range(1..=u32::from(u16::MAX))?;
    let position = |n: u32| (n * factor) % count;
    let length = u.int_in_range(1..=10)?;
    let mut extents: Vec<_> = (0..count)
        .map(|n| Extent {
            inside: inside.wrapping_add(position(n) * 10),
            outside: outside.wrapping_add(n * 10),
            length,
        })
        .collect();
    if u.ratio(1, 3)? {
        extents.push(extent(u)?);
    }
    Ok(extents)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs() -> Vec<Vec<Extent>> {
        let noise = crate::noise();
        let inputs = noise.iter().map(|bytes| Extents::arbitrary(&mut Unstructured::new(bytes)));
        inputs.map(|extents| extents.unwrap().0).collect()
    }

    #[test]
    fn many_inputs_are_valid_and_many_are_invalid() {
        let lists = inputs();
        let maps = lists.iter().filter(|list| super::super::naive::is_map(list)).count();
        assert!((50..=450).contains(&maps), "{maps} of {}", lists.len());
        assert!(lists.iter().any(|list| list.len() > ns_idmap::MAX_EXTENTS));
    }
}
