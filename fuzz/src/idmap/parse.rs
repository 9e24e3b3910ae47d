//! Texts of maps.

use ns_idmap::{Extent, GidMap, MAX_BYTES, ParseError, RuleError, UidMap};

use super::naive;

/// Oracle: a naive parser with a check of each pair, and what is taken prints as a text that is read
/// as the same map.
///
/// # Panics
/// Where they disagree.
pub fn parse(text: &str) {
    let ours = text.parse::<UidMap>();
    match naive::parse(text) {
        Ok(extents) => {
            assert_eq!(
                ours.is_ok(),
                is_short(text) && naive::is_map(&extents),
                "{text:?} {ours:?}"
            );
            if let Ok(map) = &ours {
                assert_eq!(map.extents(), extents, "{text:?}");
            }
            shown(text, naive::keeps_rules(&extents));
        }
        Err(entry) => refused(text, entry, ours.as_ref().expect_err("no map")),
    }
    if let Ok(map) = &ours {
        round_trip(map);
    }
    same_by_other_ways(text, &ours);
}

fn is_short(text: &str) -> bool {
    text.len() <= MAX_BYTES
}

/// The first entry that is none is the one that the error names.
fn refused(text: &str, entry: usize, error: &ParseError) {
    let named = match error {
        ParseError::Rule(RuleError::Empty) => return assert!(text.is_empty()),
        ParseError::Rule(RuleError::TooLong { bytes }) => return assert_eq!(*bytes, text.len()),
        ParseError::Rule(RuleError::TooMany) => return assert!(entry > ns_idmap::MAX_EXTENTS),
        ParseError::BlankEntry { entry }
        | ParseError::Missing { entry, .. }
        | ParseError::NotANumber { entry, .. }
        | ParseError::Sign { entry, .. }
        | ParseError::Hexadecimal { entry, .. }
        | ParseError::TooLarge { entry, .. }
        | ParseError::Trailing { entry, .. }
        | ParseError::Nul { entry } => *entry,
        other => panic!("{text:?}: {other}"),
    };
    assert_eq!(named, entry, "{text:?}: {error}");
    assert!(!error.to_string().contains('\0'), "{text:?}");
}

/// What a file shows may be longer than what it takes.
fn shown(text: &str, keeps_rules: bool) {
    let read = UidMap::from_shown(text);
    assert_eq!(matches!(read, Ok(Some(_))), keeps_rules && !text.is_empty(), "{text:?} {read:?}");
}

fn round_trip(map: &UidMap) {
    let text = map.to_string();
    assert!(is_short(&text), "{text:?}");
    assert_eq!(text, naive::text(map.extents()));
    assert_eq!(text.parse().as_ref(), Ok(map));
    assert_eq!(UidMap::from_shown(&text), Ok(Some(map.clone())));
}

fn same_by_other_ways(text: &str, ours: &Result<UidMap, ParseError>) {
    let gids = text.parse::<GidMap>();
    assert_eq!(gids.map(|map| map.extents().to_vec()).map_err(|error| error.to_string()), {
        ours.as_ref().map(|map| map.extents().to_vec()).map_err(ToString::to_string)
    });
    if !text.is_empty() {
        assert_eq!(&UidMap::from_list([text]), ours, "{text:?}");
    }
    ids(text);
}

/// Ids in a list are what they are in a text.
fn ids(text: &str) {
    let ids: Option<Vec<u32>> = text.split(',').map(|word| word.parse().ok()).collect();
    let Some(ids) = ids.filter(|_| !text.contains('+')) else { return };
    let (listed, read) = (UidMap::from_list(ids.iter().copied()), text.parse::<UidMap>());
    assert_eq!(listed.map_err(|error| error.to_string()), read.map_err(|error| error.to_string()));
    if let [id] = *ids {
        assert_eq!(UidMap::from(id).extents(), [Extent { inside: 0, outside: id, length: 1 }]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::TEXTS;
    use super::*;

    #[test]
    fn the_first_texts_hold() {
        TEXTS.iter().copied().for_each(parse);
    }
}
