//! A simple reference implementation of the rules and of the parser.

use ns_idmap::{Extent, MAX_BYTES, MAX_EXTENTS};

/// The first ID, and the ID after the last one.
type Ids = (u64, u64);

/// The ID after the last valid one, which is 4294967294.
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

/// Whether the extents are a valid map. Compares each pair of extents.
pub(super) fn is_map(extents: &[Extent]) -> bool {
    keeps_rules(extents) && text(extents).len() <= MAX_BYTES
}

/// Like [`is_map`], but without the limit on the length of the text.
pub(super) fn keeps_rules(extents: &[Extent]) -> bool {
    let pairs = extents
        .iter()
        .enumerate()
        .flat_map(|(n, one)| extents[..n].iter().map(move |other| (one, other)));
    (1..=MAX_EXTENTS).contains(&extents.len())
        && extents.iter().all(is_valid)
        && pairs.into_iter().all(|(one, other)| !clash(one, other))
}

fn is_valid(extent: &Extent) -> bool {
    extent.length > 0 && inside(extent).1 <= END && outside(extent).1 <= END
}

fn clash(one: &Extent, other: &Extent) -> bool {
    overlap(inside(one), inside(other)) || overlap(outside(one), outside(other))
}

pub(super) fn overlap(one: Ids, other: Ids) -> bool {
    one.0 < other.1 && other.0 < one.1
}

/// Formats the extents as the lines that are written to `/proc/PID/uid_map`.
pub(super) fn text(extents: &[Extent]) -> String {
    let line = |e: &Extent| format!("{} {} {}\n", e.inside, e.outside, e.length);
    extents.iter().fold(String::new(), |text, extent| text + &line(extent))
}

/// Parses a text. Returns the extents, or the number of the first invalid entry.
pub(super) fn parse(text: &str) -> Result<Vec<Extent>, usize> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let entries = text.split([',', '\n']).enumerate();
    entries.map(|(index, entry)| extent(index, entry).ok_or(index + 1)).collect()
}

fn extent(index: usize, entry: &str) -> Option<Extent> {
    let blank = |char| matches!(char, ' ' | '\t' | '\x0b' | '\x0c' | '\r');
    let entry = entry.trim_matches(blank);
    let words: Vec<&str> = if entry.contains(':') {
        entry.split(':').collect()
    } else {
        entry.split(blank).filter(|word| !word.is_empty()).collect()
    };
    match *words.as_slice() {
        [id] if !entry.contains(':') => {
            Some(Extent { inside: index.try_into().ok()?, outside: number(id)?, length: 1 })
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
    // `parse` accepts a sign, which is invalid here.
    if digits { word.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_texts_are_maps() {
        let valid = ["0 0 1", "0 0 1\n1 1 1", " 0\t0  1 ", "0 0 4294967295", "1000,1001", "0:0:1"];
        for text in valid {
            assert!(parse(text).is_ok_and(|extents| is_map(&extents)), "{text:?}");
        }
    }

    #[test]
    fn invalid_texts_are_not_maps() {
        let invalid = [
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
        for text in invalid {
            assert!(!parse(text).is_ok_and(|extents| is_map(&extents)), "{text:?}");
        }
    }
}
