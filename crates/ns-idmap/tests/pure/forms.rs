//! The forms of a map that are parsed, and the one that is printed.

use ns_idmap::{Extent, GidMap, Item, MAX_BYTES, MAX_EXTENTS, ParseError, RuleError, UidMap};

fn text(given: &str) -> String {
    given.parse::<UidMap>().expect(given).to_string()
}

#[test]
fn a05_all_forms_are_parsed() {
    for (given, expected) in [
        ("1000", "0 1000 1\n"),
        ("0", "0 0 1\n"),
        ("1000,1001", "0 1000 1\n1 1001 1\n"),
        (" 1000 , 1001 ", "0 1000 1\n1 1001 1\n"),
        ("1000\n1001\n", "0 1000 1\n1 1001 1\n"),
        ("0 1000 1", "0 1000 1\n"),
        ("0 1000 1,1 1001 1", "0 1000 1\n1 1001 1\n"),
        ("0 1000 1, 1\t100000   65536\n", "0 1000 1\n1 100000 65536\n"),
        (
            "         0       1000          1\n         1     100000      65536\n",
            "0 1000 1\n1 100000 65536\n",
        ),
        ("0:1000:1", "0 1000 1\n"),
        (" 0:1000:1 ,1:100000:65536\n", "0 1000 1\n1 100000 65536\n"),
        ("5 1000 1,1001,7:1002:1", "5 1000 1\n1 1001 1\n7 1002 1\n"),
        ("000 0001 0000000000000002", "0 1 2\n"),
        ("4294967294 4294967294 1", "4294967294 4294967294 1\n"),
        ("9 1 10,100 99 1", "9 1 10\n100 99 1\n"),
    ] {
        assert_eq!(text(given), expected, "{given:?}");
        assert_eq!(text(expected), expected);
    }
}

/// util-linux 2.38 took `outside,inside,length`. Three numbers with commas are three IDs here.
#[test]
fn a05_three_numbers_with_commas_are_a_list() {
    assert_eq!(text("1000,0,1"), "0 1000 1\n1 0 1\n2 1 1\n");
    assert_eq!(text("0:1000:1"), "0 1000 1\n");
}

/// `{:?}` shows the extents, and nothing of the storage.
#[test]
fn debug_shows_the_extents() {
    let map: UidMap = "0 1000 1,1 100000 65536".parse().expect("parse");
    assert_eq!(format!("{map:?}"), format!("{:?}", map.extents()));
    let many = UidMap::from_list(0..340).expect("340");
    assert_eq!(format!("{many:?}"), format!("{:?}", many.extents()));
}

#[test]
fn a05_lists_are_parsed() {
    let map = UidMap::from_list(["1000", "1 100000 65536"]).expect("two texts");
    assert_eq!(map.to_string(), "0 1000 1\n1 100000 65536\n");
    let owned = vec![String::from("0:7:1"), String::from("8,9")];
    let map = GidMap::from_list(&owned).expect("two strings");
    assert_eq!(map.to_string(), "0 7 1\n1 8 1\n2 9 1\n");
    let extent = Extent { inside: 9, outside: 9, length: 9 };
    let mixed = [Item::Id(5), "6".into(), extent.into(), 7.into()];
    let map = UidMap::from_list(mixed).expect("mixed items");
    assert_eq!(map.to_string(), "0 5 1\n1 6 1\n9 9 9\n3 7 1\n");
    assert_eq!(UidMap::from_list([1000, 1001]).expect("ids").to_string(), "0 1000 1\n1 1001 1\n");
}

#[test]
fn a05_errors_count_entries_through_a_list() {
    let blank = UidMap::from_list(["1000", ""]);
    assert_eq!(blank, Err(ParseError::BlankEntry { entry: 2 }));
    let sign = UidMap::from_list(["1,2", "0 -1 1"]).expect_err("a sign").to_string();
    assert_eq!(sign, "entry 3: a sign before the outside ID; write decimal digits only");
    assert_eq!(UidMap::from_list::<[&str; 0]>([]), Err(RuleError::Empty.into()));
    let twice = UidMap::from_list([1000, 1000]).expect_err("twice").to_string();
    assert!(
        twice.starts_with("entry 1 (0 1000 1) and entry 2 (1 1000 1) share outside"),
        "{twice}"
    );
}

#[test]
fn single_id_is_mapped_to_zero() {
    assert_eq!(UidMap::from(1000).to_string(), "0 1000 1\n");
    let inferred: GidMap = 7.into();
    assert_eq!(inferred.extents(), [Extent { inside: 0, outside: 7, length: 1 }]);
    assert_eq!(UidMap::from(0).to_outside(0), Some(0));
}

#[test]
fn a06_limits() {
    let line = |id: usize| format!("{id} {id} 1\n");
    let most: String = (0..MAX_EXTENTS).map(line).collect();
    assert_eq!(most.parse::<UidMap>().expect("340").extents().len(), MAX_EXTENTS);
    assert_eq!((most + &line(340)).parse::<UidMap>(), Err(RuleError::TooMany.into()));

    let padded = |bytes: usize| format!("{:bytes$}", "0 0 1").parse::<UidMap>();
    padded(MAX_BYTES).expect("4095 bytes");
    assert_eq!(padded(4096), Err(RuleError::TooLong { bytes: 4096 }.into()));
}

/// 169 lines of 24 bytes, one of 33, and one that fills the text to the limit or exceeds it.
#[test]
fn a06_printed_text_is_limited() {
    let long = |n: u32| Extent { inside: 1_000_000_000 + n, outside: 2_000_000_000 + n, length: 1 };
    let longest = Extent { inside: 3_000_000_000, outside: 3_000_000_000, length: 1_000_000_000 };
    let map = |length| {
        let last = [longest, Extent { inside: 1, outside: 2, length }];
        UidMap::new((0..169).map(long).chain(last))
    };
    let fits = map(3).expect("4095 bytes");
    assert_eq!(fits.to_string().len(), MAX_BYTES);
    assert_eq!(fits.to_string().parse(), Ok(fits));
    assert_eq!(map(10), Err(RuleError::TooLong { bytes: 4096 }));
}

#[test]
fn content_of_map_files() {
    assert_eq!(UidMap::from_shown(""), Ok(None));
    let shown = |id: u32| format!("{id:>10} {id:>10} {:>10}\n", 1);
    let text: String = (0..340).map(shown).collect();
    assert!(text.len() > MAX_BYTES);
    let map = UidMap::from_shown(&text).expect("longer than one write").expect("a map");
    assert_eq!(map.extents().len(), 340);
    assert_eq!(text.parse::<UidMap>(), Err(RuleError::TooLong { bytes: text.len() }.into()));
    let everything = UidMap::from_shown("         0          0 4294967295\n")
        .expect("the map of the initial namespace");
    assert!(everything.expect("a map").contains(4_294_967_294));
    let unknown = UidMap::from_shown("         0 4294967295          1\n");
    assert!(matches!(unknown, Err(ParseError::Rule(RuleError::NotAnId { .. }))), "{unknown:?}");
}
