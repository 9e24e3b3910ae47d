//! Parsing and printing of maps.

use ns_idmap::{Extent, GidMap, MAX_BYTES, ParseError, RuleError, UidMap};

use super::naive;

/// Parses a text.
///
/// Oracle: the reference parser, which compares each pair of extents. A map must also print as a text that parses as
/// the same map.
///
/// # Panics
/// If the crate and the reference parser disagree.
pub fn parse(text: &str) {
    let parsed = text.parse::<UidMap>();
    match naive::parse(text) {
        Ok(extents) => {
            assert_eq!(
                parsed.is_ok(),
                is_short(text) && naive::is_map(&extents),
                "{text:?} {parsed:?}"
            );
            if let Ok(map) = &parsed {
                assert_eq!(map.extents(), extents, "{text:?}");
            }
            check_shown(text, naive::keeps_rules(&extents));
        }
        Err(entry) => check_error(text, entry, parsed.as_ref().expect_err("an invalid text")),
    }
    if let Ok(map) = &parsed {
        round_trip(map);
    }
    check_other_parsers(text, &parsed);
}

fn is_short(text: &str) -> bool {
    text.len() <= MAX_BYTES
}

/// Checks that the error names the first invalid entry.
fn check_error(text: &str, entry: usize, error: &ParseError) {
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

/// Checks `from_shown`, which has no limit on the length of the text.
fn check_shown(text: &str, keeps_rules: bool) {
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

/// Checks that group maps and lists parse in the same way.
fn check_other_parsers(text: &str, parsed: &Result<UidMap, ParseError>) {
    let gids = text.parse::<GidMap>();
    assert_eq!(gids.map(|map| map.extents().to_vec()).map_err(|error| error.to_string()), {
        parsed.as_ref().map(|map| map.extents().to_vec()).map_err(ToString::to_string)
    });
    if !text.is_empty() {
        assert_eq!(&UidMap::from_list([text]), parsed, "{text:?}");
    }
    check_ids(text);
}

/// Checks that a list of IDs makes the same map as their text.
fn check_ids(text: &str) {
    let ids: Option<Vec<u32>> = text.split(',').map(|word| word.parse().ok()).collect();
    let Some(ids) = ids.filter(|_| !text.contains('+')) else { return };
    let (listed, parsed) = (UidMap::from_list(ids.iter().copied()), text.parse::<UidMap>());
    assert_eq!(
        listed.map_err(|error| error.to_string()),
        parsed.map_err(|error| error.to_string())
    );
    if let [id] = *ids {
        assert_eq!(UidMap::from(id).extents(), [Extent { inside: 0, outside: id, length: 1 }]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::TEXTS;
    use super::*;

    #[test]
    fn the_seed_texts_are_parsed() {
        TEXTS.iter().copied().for_each(parse);
    }
}
