//! Each invalid text has its own error, with the position and advice.

use std::error::Error;

use ns_idmap::{ComposeError, GidMap, ParseError, RuleError, UidMap};

#[test]
fn a04_a05_a08_messages() {
    for (text, message) in [
        ("", "the map is empty; give at least one entry, as in \"0 1000 1\""),
        ("\n", "entry 1 is blank; remove the extra comma or line end"),
        ("0 0 1\n\n", "entry 2 is blank; remove the extra comma or line end"),
        ("1000,,1001", "entry 2 is blank; remove the extra comma or line end"),
        ("1000,", "entry 2 is blank; remove the extra comma or line end"),
        ("0 0", "entry 1: the length is missing; write \"inside outside length\""),
        ("0:", "entry 1: the outside ID is missing; write \"inside outside length\""),
        ("0:1", "entry 1: the length is missing; write \"inside outside length\""),
        ("0 0 1 x", "entry 1: 'x' after the length; an entry has three numbers at most"),
        ("0 0 1 1", "entry 1: '1' after the length; an entry has three numbers at most"),
        ("0:0:1:1", "entry 1: ':' after the length; an entry has three numbers at most"),
        ("0 0 1é", "entry 1: 'é' in the length; write decimal digits"),
        ("0 0 1 é", "entry 1: 'é' after the length; an entry has three numbers at most"),
        ("0x0 0 1", "entry 1: the inside ID is hexadecimal; write it in decimal"),
        ("0 0 0X1", "entry 1: the length is hexadecimal; write it in decimal"),
        ("00x1", "entry 1: 'x' in the outside ID; write decimal digits"),
        ("1000abc", "entry 1: 'a' in the outside ID; write decimal digits"),
        ("root", "entry 1: 'r' in the outside ID; write decimal digits"),
        // A single number is the outside ID.
        ("0x10", "entry 1: the outside ID is hexadecimal; write it in decimal"),
        (" 0x10 ", "entry 1: the outside ID is hexadecimal; write it in decimal"),
        ("5,0x10,6", "entry 2: the outside ID is hexadecimal; write it in decimal"),
        ("0 5 1\n0X10\n6", "entry 2: the outside ID is hexadecimal; write it in decimal"),
        ("-1", "entry 1: a sign before the outside ID; write decimal digits only"),
        ("0x10:0:1", "entry 1: the inside ID is hexadecimal; write it in decimal"),
        (" 0x10 0", "entry 1: the inside ID is hexadecimal; write it in decimal"),
        ("5,-1:0:1", "entry 2: a sign before the inside ID; write decimal digits only"),
        ("0 1000:1", "entry 1: ':' in the outside ID; write decimal digits"),
        ("0:1000 1", "entry 1: ' ' in the outside ID; write decimal digits"),
        ("0 : 1000 : 1", "entry 1: ':' in the outside ID; write decimal digits"),
        ("-1 0 1", "entry 1: a sign before the inside ID; write decimal digits only"),
        ("1,0 +5 1", "entry 2: a sign before the outside ID; write decimal digits only"),
        ("0 0 1-1", "entry 1: '-' in the length; write decimal digits"),
        ("0 0 1\0junk", "entry 1: a NUL byte; remove it"),
        ("0 0 1 \0", "entry 1: a NUL byte; remove it"),
        ("\0", "entry 1: a NUL byte; remove it"),
        ("0 0 4294967296", "entry 1: the length has more than 32 bits; the last ID is 4294967294"),
        (
            "4294967297 0 1",
            "entry 1: the inside ID has more than 32 bits; the last ID is 4294967294",
        ),
        (
            "18446744073709551617",
            "entry 1: the outside ID has more than 32 bits; the last ID is 4294967294",
        ),
        ("0 0 0", "entry 1 (0 0 0): the length is 0; it must be at least 1"),
        (
            "4294967295 0 1",
            "entry 1 (4294967295 0 1): 4294967295 is not an inside ID; the last one is 4294967294",
        ),
        (
            "0 4294967290 6",
            "entry 1 (0 4294967290 6): the outside IDs run past 4294967294; shorten the length or begin lower",
        ),
        (
            "0 0 10,10 9 1",
            "entry 1 (0 0 10) and entry 2 (10 9 1) share outside IDs; each ID may appear only once per side",
        ),
    ] {
        let error = text.parse::<GidMap>().expect_err(text);
        assert_eq!(error.to_string(), message, "{text:?}");
        assert!(error.source().is_none(), "Display has everything");
    }
}

/// The last ID is exactly 4294967294.
#[test]
fn a08_last_id() {
    for text in ["4294967294 4294967294 1", "0 4294967290 5", "0 0 4294967295", "1 1 4294967294"] {
        text.parse::<UidMap>().expect(text);
    }
    for text in ["4294967294 0 2", "0 4294967290 6", "1 0 4294967295", "0 1 4294967295"] {
        let error = text.parse::<UidMap>();
        assert!(matches!(error, Err(ParseError::Rule(RuleError::Wraps { .. }))), "{error:?}");
    }
}

#[test]
fn messages_of_size_limits() {
    let many = UidMap::from_list(0..341).expect_err("341").to_string();
    assert_eq!(many, "more than 340 extents, the kernel's limit; merge adjacent ranges");
    let long = format!("{:4096}", "1").parse::<UidMap>().expect_err("4096").to_string();
    assert_eq!(
        long,
        "the text has 4096 bytes; the kernel accepts at most 4095: give fewer entries"
    );
}

/// An overlap among many extents has the same error as among a few.
#[test]
fn a08_overlap_among_many_extents() {
    let text = |last: &str| {
        let lines = (0..20).rev().map(|n| format!("{} {} 10\n", n * 10, 1000 - n * 10));
        lines.collect::<String>() + last
    };
    text("200 790 10").parse::<UidMap>().expect("disjoint extents");
    for (last, message) in [
        ("55 5000 1", "entry 15 (50 950 10) and entry 21 (55 5000 1) share inside"),
        ("5000 955 100", "entry 15 (50 950 10) and entry 21 (5000 955 100) share outside"),
        ("190 5000 1", "entry 1 (190 810 10) and entry 21 (190 5000 1) share inside"),
        ("199 5000 1", "entry 1 (190 810 10) and entry 21 (199 5000 1) share inside"),
    ] {
        let error = text(last).parse::<UidMap>().expect_err(last).to_string();
        // Here the last extent overlaps several others, and any of them may be named.
        let is_any = message.contains("5000 955 100");
        assert!((is_any || error.starts_with(message)) && error.contains("entry 21"), "{error}");
    }
}

#[test]
fn messages_of_compose() {
    let map: UidMap = "5 0 1,0 7 4".parse().expect("parse");
    let parent: UidMap = "0 100 9".parse().expect("parse");
    let error = map.compose(&parent).expect_err("9 and 10 are missing");
    let message = "entry 2 (0 7 4): the parent's map has no ID 9; use IDs that it maps";
    assert_eq!(error.to_string(), message);
    let many: UidMap = UidMap::from_list((0..340).map(|id| 2 * id)).expect("340");
    let pairs = UidMap::from_list(["0 0 341"]).expect("parse");
    assert!(matches!(pairs.compose(&many), Err(ComposeError::Unmapped { id: 340, .. })));
    let halves: UidMap = "0 0 339,339 339 1".parse().expect("parse");
    assert_eq!(halves.compose(&many).expect("340 pieces").extents().len(), 340);
}
