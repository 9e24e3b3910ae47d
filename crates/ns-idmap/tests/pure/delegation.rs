//! Delegated IDs: the lines that belong to a user, and that no ID is taken twice.

use ns_idmap::{Extent, NotEnough, Owner, SubIds};
use proptest::prelude::*;

use crate::maps::config;

const PASSWD: &str = "root:x:0:0::/root:/bin/sh\n\
    alice:x:1000:1000::/:/bin/sh\n\
    :x:1000:1000::/:/bin/sh\n\
    broken:x:1000abc:0\n\
    short:x\n\
    empty:x::0::/:\n\
    plus:x:+1000:0::/:\n\
    other:x:1001:1000::/:\n\
    twin:x:1000:5::/:\n";

fn extent(inside: u32, outside: u32, length: u32) -> Extent {
    Extent { inside, outside, length }
}

#[test]
fn a23_lines_of_a_user() {
    let covers =
        |line: &str, uid| SubIds::parse(line, &Owner::from_passwd(PASSWD, uid)).covers(5, 5);
    for (line, uid, covered) in [
        ("alice:5:5", 1000, true),
        ("twin:5:5", 1000, true),
        ("1000:5:5", 1000, true),
        ("other:5:5", 1000, false),
        ("broken:5:5", 1000, false),
        ("alice:5:5", 0, false),
        ("empty:5:5", 0, false),
        ("broken:5:5", 0, false),
        ("alice", 1000, false),
        ("root:5:5", 0, true),
        ("0:5:5", 0, true),
        ("00:5:5", 0, false),
        ("1000abc:5:5", 1000, false),
        (":5:5", 1000, false),
    ] {
        assert_eq!(covers(line, uid), covered, "{line} for {uid}");
    }
    assert!(Owner::from_passwd(PASSWD, 1000).has_name());
    assert!(!Owner::from_passwd(PASSWD, 7).has_name());
    assert!(!Owner::nameless(1000).has_name());
}

#[test]
fn a23_uid_with_plus_sign_is_ignored() {
    assert!(!SubIds::parse("plus:5:5", &Owner::from_passwd(PASSWD, 1000)).covers(5, 5));
}

#[test]
fn a23_long_lines_are_skipped() {
    let line = |bytes: usize| format!("1000:{:0>width$}:9", 7, width = bytes - 7);
    let covers = |bytes| SubIds::parse(&line(bytes), &Owner::nameless(1000)).covers(7, 9);
    assert_eq!(line(1023).len(), 1023);
    assert!(covers(1023));
    assert!(!covers(1024));
}

#[test]
fn a23_covers_only_delegated_ids() {
    let ids =
        SubIds::new([(100, 10), (110, 5), (200, 1), (4_294_967_290, 100), (u32::MAX, 5), (9, 0)]);
    for (first, length, covered) in [
        (100, 15, true),
        (104, 3, true),
        (114, 1, true),
        (200, 1, true),
        (99, 2, false),
        (100, 16, false),
        (115, 1, false),
        (200, 2, false),
        (100, 0, false),
        (9, 1, false),
        (4_294_967_290, 5, true),
        (4_294_967_290, 6, false),
        (4_294_967_295, 1, false),
    ] {
        assert_eq!(ids.covers(first, length), covered, "{first} {length}");
    }
    assert_eq!(ids.left(), 15 + 1 + 5);
}

#[test]
fn a23_lowest_free_ids_are_taken_first() {
    let mut ids = SubIds::new([(500, 10), (100, 10)]);
    ids.reserve(103, 4);
    assert_eq!(ids.left(), 16);
    let taken = ids.take(1, 8).expect("16 are free");
    assert_eq!(taken, [extent(1, 100, 3), extent(4, 107, 3), extent(7, 500, 2)]);
    let error = ids.take(0, 9).expect_err("8 are free");
    assert_eq!(error, NotEnough { wanted: 9, left: 8 });
    let message = "9 IDs requested, 8 left; request fewer, or ask an administrator for more";
    assert_eq!(error.to_string(), message);
    assert_eq!(ids.take(0, 8).expect("8 are free"), [extent(0, 502, 8)]);
    assert_eq!(ids.left(), 0);
    assert!(ids.covers(100, 10), "still delegated");
    assert_eq!(ids.take(0, 0), Ok(vec![]));
}

/// The names of a user may come from another source than a text in the format of passwd(5).
#[test]
fn a23_names_from_another_source() {
    let owner = Owner::named(70_001, ["alice@example.org", "", "twin"]);
    for (line, covered) in [
        ("alice@example.org:5:5", true),
        ("twin:5:5", true),
        ("70001:5:5", true),
        (":5:5", false),
        ("alice:5:5", false),
    ] {
        assert_eq!(SubIds::parse(line, &owner).covers(5, 5), covered, "{line}");
    }
    assert!(owner.has_name() && !Owner::named(7, [""]).has_name());
    assert_eq!(Owner::named(7, Vec::<String>::new()), Owner::nameless(7));
}

/// Blanks and signs count as for shadow: before a number they are ignored, elsewhere they are not.
#[test]
fn a23_blanks_and_signs() {
    let owner = Owner::named(1000, ["alice"]);
    for (line, covered) in [
        ("alice: 5:\t5", true),
        ("alice:+5: +5", true),
        ("alice:\r5:5", true),
        ("alice:-5:5", false),
        ("alice:+-5:5", false),
        ("alice:5 :5", false),
        ("alice:5:5 ", false),
        ("alice:5:5\r", false),
        (" alice:5:5", false),
    ] {
        assert_eq!(SubIds::parse(line, &owner).covers(5, 5), covered, "{line:?}");
    }
}

/// The first line that begins with the name or ID of the user but delegates nothing.
#[test]
fn a23_skipped_line() {
    let owner = Owner::named(1000, ["alice"]);
    let skipped = |text: &str| SubIds::parse(text, &owner).skipped().map(ToString::to_string);
    let blank = "is skipped: a blank before the name";
    let malformed = "is skipped: not USER:FIRST:COUNT";
    for (text, expected) in [
        ("alice:1:1\n\n", None),
        ("alicia:1\n#alice:1:1\nbob:1:1\r\n", None),
        ("\n alice:5:5\n", Some(format!("line 2 (\" alice:5:5\") {blank}"))),
        ("\u{feff}alice:5:5\n", Some(format!("line 1 (\"\\u{{feff}}alice:5:5\") {blank}"))),
        (
            "bob:1:1\r\nalice:5:5\r\n1000:5:5\r\n",
            Some("line 2 (\"alice:5:5\\r\") is skipped: a carriage return at its end".into()),
        ),
        ("1000:5\n", Some(format!("line 1 (\"1000:5\") {malformed}"))),
        ("alice:1:1\nalice :5:5", Some(format!("line 2 (\"alice :5:5\") {malformed}"))),
        ("alice 5 5", Some(format!("line 1 (\"alice 5 5\") {malformed}"))),
        ("alice:5-9", Some(format!("line 1 (\"alice:5-9\") {malformed}"))),
    ] {
        assert_eq!(skipped(text), expected, "{text:?}");
    }
    let long = format!("alice:{}", "1".repeat(2000));
    let ids = SubIds::parse(&long, &owner);
    assert_eq!(ids.skipped().map(|skipped| skipped.text.len()), Some(80));
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a23_ranges_are_the_delegated_ids(
        ranges in prop::collection::vec((0_u32..200, 0_u32..30), 0..8),
        taken in 0_u32..9,
    ) {
        let mut ids = SubIds::new(ranges);
        let merged: Vec<_> = ids.ranges().collect();
        prop_assert_eq!(&SubIds::new(merged.iter().copied()), &ids);
        prop_assert!(merged.windows(2).all(|pair| pair[0].0 + pair[0].1 < pair[1].0));
        for id in 0..300 {
            let is_in = merged.iter().any(|(first, count)| (*first..first + count).contains(&id));
            prop_assert_eq!(ids.covers(id, 1), is_in);
        }
        let _ = ids.take(0, taken);
        prop_assert_eq!(ids.ranges().collect::<Vec<_>>(), merged);
    }

    #[test]
    fn a23_no_id_is_taken_twice(
        ranges in prop::collection::vec((0_u32..200, 0_u32..30), 0..8),
        reserved in prop::collection::vec((0_u32..220, 0_u32..9), 0..4),
        requests in prop::collection::vec(0_u32..40, 1..8),
    ) {
        let mut ids = SubIds::new(ranges.iter().copied());
        let is_delegated = |id: u32| ranges.iter().any(|(first, count)| (*first..first + count).contains(&id));
        let is_reserved = |id: u32| reserved.iter().any(|(first, count)| (*first..first + count).contains(&id));
        for (first, length) in &reserved {
            ids.reserve(*first, *length);
        }
        let free = (0..300).filter(|id| is_delegated(*id) && !is_reserved(*id)).count();
        prop_assert_eq!(ids.left() as usize, free);
        let mut taken = std::collections::HashSet::new();
        for length in requests {
            let left = ids.left();
            match ids.take(0, length) {
                Err(_) => prop_assert!(left < length && ids.left() == left),
                Ok(extents) => {
                    let mut inside = 0;
                    for e in extents {
                        prop_assert_eq!(e.inside, inside);
                        inside += e.length;
                        for id in e.outside..e.outside + e.length {
                            let is_free = is_delegated(id) && !is_reserved(id);
                            prop_assert!(is_free && taken.insert(id), "{}", id);
                        }
                    }
                    prop_assert_eq!(inside, length);
                }
            }
        }
        prop_assert_eq!(ids.left() as usize, free - taken.len());
        for first in 0..240 {
            prop_assert_eq!(ids.covers(first, 3), (first..first + 3).all(is_delegated));
        }
    }

    #[test]
    fn a23_any_text_is_parsed_without_panic(text in "([a-z0-9]{0,4}[:\n ]{1,2}){0,20}", raw in any::<String>()) {
        let owner = Owner::from_passwd(&text, 0);
        for text in [&text, &raw] {
            for owner in [&owner, &Owner::nameless(1000)] {
                let lines = text.lines().filter(|line| line.contains(':')).count();
                prop_assert!(lines > 0 || SubIds::parse(text, owner).left() == 0);
            }
        }
    }
}
