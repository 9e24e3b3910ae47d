//! Inversion, composition and splitting of maps.

use arbitrary::{Arbitrary, Result, Unstructured};
use ns_idmap::{ComposeError, Extent, RuleError, UidMap};

/// The maps of a namespace, its parent and its grandparent. Each often maps the outside IDs of the one before.
#[derive(Clone, Debug)]
pub struct Maps([UidMap; 3]);

impl<'a> Arbitrary<'a> for Maps {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Self([map(u)?, map(u)?, map(u)?]))
    }
}

/// Returns a map of consecutive IDs, split into extents that have another order outside.
fn map(u: &mut Unstructured<'_>) -> Result<UidMap> {
    let (mut inside, mut outside) = (first(u)?, first(u)?);
    let mut lengths: Vec<u32> = Vec::new();
    // Fewer extents fit into one write if the numbers have ten digits.
    let many = if inside.max(outside) > 9 { 160 } else { 300 };
    let most = if u.ratio(1, 6)? { many } else { 12 };
    for _ in 0..u.int_in_range(1..=most)? {
        lengths.push(u.int_in_range(1..=20)?);
    }
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    for place in 0..order.len().min(40) {
        order.swap(place, u.choose_index(lengths.len())?);
    }
    let mut extents = vec![Extent::default(); lengths.len()];
    for (place, length) in lengths.iter().enumerate() {
        extents[place] = Extent { inside, outside: 0, length: *length };
        inside += length;
    }
    for place in order {
        extents[place].outside = outside;
        outside += extents[place].length;
    }
    let gap = u.ratio(1, 4)?;
    Ok(UidMap::new(extents.into_iter().skip(usize::from(gap && lengths.len() > 1)))
        .expect("extents without overlap, within the limit"))
}

fn first(u: &mut Unstructured<'_>) -> Result<u32> {
    Ok(*u.choose(&[0, 0, 0, 3, 4_294_960_000])?)
}

/// Inverts, composes and splits maps.
///
/// Oracle: maps are functions. The inverse and the composition must be those of functions, and a split map must be the
/// same function.
///
/// # Panics
/// If one of these does not hold.
pub fn compose(maps: &Maps) {
    let [child, parent, grandparent] = &maps.0;
    inverse(child);
    let composed = child.compose(parent);
    composition(child, parent, &composed);
    split(child, parent, &composed);
    if let (Ok(lower), Ok(upper)) = (&composed, parent.compose(grandparent)) {
        // One of the two may exceed the limit of extents, because the split depends on the order.
        if let (Ok(one), Ok(other)) = (lower.compose(grandparent), child.compose(&upper)) {
            same(&one, &other);
        }
    }
}

/// Returns the bounds of all extents and the IDs next to them. All IDs between two bounds behave alike.
fn probes(map: &UidMap) -> impl Iterator<Item = u32> {
    map.iter().flat_map(|extent| {
        let last = extent.inside + (extent.length - 1);
        [extent.inside.wrapping_sub(1), extent.inside, last, last.wrapping_add(1)]
    })
}

fn same(one: &UidMap, other: &UidMap) {
    for id in probes(one).chain(probes(other)) {
        assert_eq!(one.to_outside(id), other.to_outside(id), "{id} of {one} and of {other}");
    }
}

fn inverse(map: &UidMap) {
    let inverse = map.inverse();
    assert_eq!(&inverse.inverse(), map);
    for id in probes(map) {
        let outside = map.to_outside(id);
        assert_eq!(outside.and_then(|outside| inverse.to_outside(outside)), outside.map(|_| id));
        assert_eq!(map.to_inside(id), inverse.to_outside(id));
    }
    let identity = map.compose(&inverse).expect("every outside ID has an inside ID");
    assert!(identity.iter().all(|extent| extent.inside == extent.outside), "{identity}");
}

fn composition(
    child: &UidMap,
    parent: &UidMap,
    composed: &std::result::Result<UidMap, ComposeError>,
) {
    match composed {
        Ok(composed) => {
            for id in probes(child).chain(probes(composed)) {
                let step = child.to_outside(id).and_then(|id| parent.to_outside(id));
                assert_eq!(composed.to_outside(id), step, "{id} of {child} over {parent}");
            }
        }
        Err(ComposeError::Unmapped { at, id }) => {
            assert_eq!(child.extents()[at.entry - 1], at.extent);
            assert!(child.to_inside(*id).is_some() && !parent.contains(*id), "{id}");
        }
        Err(ComposeError::Rule(RuleError::TooMany)) => assert!(child.iter().count() > 1),
        Err(error) => panic!("{error}: {child} over {parent}"),
    }
}

fn split(child: &UidMap, parent: &UidMap, composed: &std::result::Result<UidMap, ComposeError>) {
    let split = child.split_at(parent);
    assert_eq!(split.as_ref().err(), composed.as_ref().err());
    if let Ok(split) = split {
        same(&split, child);
        let lies_in = |piece: &Extent, whole: &Extent| {
            let offset = piece.outside.checked_sub(whole.inside);
            offset.is_some_and(|offset| offset + piece.length <= whole.length)
        };
        let lies_in_one = |piece: &Extent| parent.iter().any(|whole| lies_in(piece, whole));
        assert!(split.iter().all(lies_in_one), "{split} over {parent}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_maps_are_composed() {
        let map = |text: &str| text.parse().unwrap();
        let maps = Maps([map("0 5 10"), map("0 100000 10,10 200000 10"), map("100000 7 900000")]);
        compose(&maps);
        compose(&Maps([map("0 50 1"), map("0 0 10"), map("0 0 10")]));
    }

    #[test]
    fn many_inputs_can_be_composed() {
        let noise = crate::noise();
        let maps =
            noise.iter().map(|bytes| Maps::arbitrary(&mut Unstructured::new(bytes)).unwrap());
        let composed = maps.filter(|maps| maps.0[0].compose(&maps.0[1]).is_ok()).count();
        assert!((40..=480).contains(&composed), "{composed} of {}", noise.len());
    }
}
