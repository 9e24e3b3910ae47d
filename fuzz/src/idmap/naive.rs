//! The same as the crate, as plainly as it can be said.

use ns_idmap::{Extent, MAX_BYTES, MAX_EXTENTS};

/// First id and the one behind the last.
type Ids = (u64, u64);

/// One past the last id, which is 4294967294.
pub(super) const END: u64 = u32::MAX as u64;

pub(super) fn inside(extent: &Extent) -> Ids {
    ids(extent.inside, extent.length)
}

pub(super) fn outside(extent: &Extent) -> Ids {
    ids(extent.outside, extent.length)
}

fn ids(first: u32, length: u32) -> Ids {
    (first.into(), u64::from(first) + u64::from(length))
}

/// Whether the kernel takes them as a map, each compared with each.
pub(super) fn is_map(extents: &[Extent]) -> bool {
    keeps_rules(extents) && text(extents).len() <= MAX_BYTES
}

/// As [`is_map`], however long the text is.
pub(super) fn keeps_rules(extents: &[Extent]) -> bool {
    let pairs = extents
        .iter()
        .enumerate()
        .flat_map(|(n, one)| extents[..n].iter().map(move |other| (one, other)));
    (1..=MAX_EXTENTS).contains(&extents.len())
        && extents.iter().all(is_sound)
        && pairs.into_iter().all(|(one, other)| !meet(one, other))
}

fn is_sound(extent: &Extent) -> bool {
    extent.length > 0 && inside(extent).1 <= END && outside(extent).1 <= END
}

fn meet(one: &Extent, other: &Extent) -> bool {
    overlap(inside(one), inside(other)) || overlap(outside(one), outside(other))
}

pub(super) fn overlap(one: Ids, other: Ids) -> bool {
    one.0 < other.1 && other.0 < one.1
}

/// The kernel's lines.
pub(super) fn text(extents: &[Extent]) -> String {
    let line = |e: &Extent| format!("{} {} {}\n", e.inside, e.outside, e.length);
    extents.iter().fold(String::new(), |text, extent| text + &line(extent))
}

/// The extents of a text, or the number of the first entry that is none.
pub(super) fn parse(text: &str) -> Result<Vec<Extent>, usize> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let entries = text.split([',', '\n']).enumerate();
    entries.map(|(place, entry)| extent(place, entry).ok_or(place + 1)).collect()
}

fn extent(place: usize, entry: &str) -> Option<Extent> {
    let blank = |char| matches!(char, ' ' | '\t' | '\x0b' | '\x0c' | '\r');
    let entry = entry.trim_matches(blank);
    let words: Vec<&str> = if entry.contains(':') {
        entry.split(':').collect()
    } else {
        entry.split(blank).filter(|word| !word.is_empty()).collect()
    };
    match *words.as_slice() {
        [id] if !entry.contains(':') => {
            Some(Extent { inside: place.try_into().ok()?, outside: number(id)?, length: 1 })
        }
        [inside, outside, length] => Some(Extent {
            inside: number(inside)?,
            outside: number(outside)?,
            length: number(length)?,
        }),
        _ => None,
    }
}

fn number(word: &str) -> Option<u32> {
    let digits = word.bytes().all(|byte| byte.is_ascii_digit());
    // `parse` would take a sign.
    if digits { word.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// hazards.md, conformance vectors.
    #[test]
    fn it_knows_what_the_kernel_takes() {
        let taken = ["0 0 1", "0 0 1\n1 1 1", " 0\t0  1 ", "0 0 4294967295", "1000,1001", "0:0:1"];
        for text in taken {
            assert!(parse(text).is_ok_and(|extents| is_map(&extents)), "{text:?}");
        }
    }

    #[test]
    fn it_knows_what_is_refused() {
        let refused = [
            "",
            "\n",
            "0 0 1\n\n",
            "0 0",
            "0 0 1 x",
            "0x0 0 1",
            "-1 0 1",
            "0 0 0",
            "4294967295 0 1",
            "4294967294 0 2",
            "0 0 10\n5 100 10",
            "0 0 10\n100 5 10",
            "4294967296 0 1",
            "0 0 1\0x",
        ];
        for text in refused {
            assert!(!parse(text).is_ok_and(|extents| is_map(&extents)), "{text:?}");
        }
    }
}
