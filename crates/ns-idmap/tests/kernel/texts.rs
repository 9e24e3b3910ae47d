//! What the kernel takes as a map, and what not.

use std::fmt::Write as _;

use ns_idmap::{ParseError, RuleError, UidMap};

use crate::process::Target;

const EINVAL: Result<(), i32> = Err(libc::EINVAL);

const TRUNCATED: [&str; 4] =
    ["4294967296 0 1", "4294967297 5 1", "18446744073709551617 5 1", "0 0 1\0junk"];

/// The kernel keeps the low 32 bits and stops at a NUL; we refuse, in each field.
#[test]
fn a04_texts_that_the_kernel_truncates_are_refused() {
    ns_testbed::run_as!([Root], {
        for text in TRUNCATED {
            assert_eq!(Target::new().write("uid_map", text.as_bytes()), Ok(()), "{text:?}");
            text.parse::<UidMap>().expect_err(text);
        }
        for bad in ["4294967296", "4294967297", "18446744073709551617", "-1", "0x0", "+1"] {
            for text in [format!("{bad} 0 1"), format!("0 {bad} 1"), format!("0 0 {bad}")] {
                let error = text.parse::<UidMap>().expect_err(&text);
                assert!(!matches!(error, ParseError::Rule(_)), "{text}: {error}");
            }
        }
    });
}

/// The vectors of the kernel's grammar, with its verdict and ours.
#[test]
fn a05_grammar_is_the_kernels() {
    ns_testbed::run_as!([Root], {
        for text in [
            "0 0 1",
            "0 0 1\n1 1 1",
            " 0\t0  1 ",
            "\x0b0\x0c0\r1\r\n",
            "007 08 1",
            "0 0 4294967295",
            "0 0 10\n10 10 10\n",
        ] {
            let target = Target::new();
            assert_eq!(target.write("uid_map", text.as_bytes()), Ok(()), "{text:?}");
            let map: UidMap = text.parse().expect(text);
            let read = UidMap::read(&target).expect("read");
            assert_eq!(read, Some(map), "{text:?}");
        }
        for text in [
            "",
            "\n",
            "0 0 1\n\n",
            "0 0 1\n \n1 1 1",
            "0 0",
            "0 0 1 x",
            "0 0 1 1",
            "0 0 1x",
            "0x0 0 1",
            "-1 0 1",
            "0 0 0",
            "0 0 4294967296",
            "a 0 1",
            "0 0 1\u{a0}",
        ] {
            assert_eq!(Target::new().write("uid_map", text.as_bytes()), EINVAL, "{text:?}");
            text.parse::<UidMap>().expect_err(text);
        }
    });
}

/// 340 extents and 4095 bytes, one less than a page, are the most.
#[test]
fn a06_sizes() {
    ns_testbed::run_as!([Root], {
        for (text, verdict) in [
            (lines(340), Ok(())),
            (lines(341), EINVAL),
            (padded(4095), Ok(())),
            (padded(4096), EINVAL),
        ] {
            let target = Target::new();
            assert_eq!(target.write("uid_map", text.as_bytes()), verdict);
            assert_eq!(text.parse::<UidMap>().is_ok(), verdict.is_ok());
        }
        assert_eq!(lines(341).parse::<UidMap>(), Err(RuleError::TooMany.into()));
        assert_eq!(padded(4096).parse::<UidMap>(), Err(RuleError::TooLong { bytes: 4096 }.into()));
    });
}

/// The largest map comes back as it was written.
#[test]
fn a06_340_extents_round_trip() {
    ns_testbed::run_as!([Root], {
        let (target, map) = (Target::new(), lines(340).parse::<UidMap>().expect("parse"));
        map.write(&target).expect("write");
        assert_eq!(UidMap::read(&target).expect("read"), Some(map));
        assert_eq!(target.rows("uid_map").len(), 340);
        println!("shown: 340 extents written and read back equal; 341 refused before any call");
    });
}

/// Overlap on either side, no length, and running past the last id.
#[test]
fn a08_rules_name_both_extents() {
    ns_testbed::run_as!([Root], {
        for (text, words) in [
            ("0 0 10\n5 100 10", "entry 1 (0 0 10) and entry 2 (5 100 10) share inside ids"),
            ("0 0 10\n100 5 10", "entry 1 (0 0 10) and entry 2 (100 5 10) share outside ids"),
            ("9 9 1\n0 0 1\n0 0 1", "entry 2 (0 0 1) and entry 3 (0 0 1) share inside ids"),
            ("0 0 1\n1 1 0", "entry 2 (1 1 0): the length is 0"),
            ("4294967295 0 1", "entry 1 (4294967295 0 1): 4294967295 is not an inside id"),
            ("0 4294967295 1", "entry 1 (0 4294967295 1): 4294967295 is not an outside id"),
            ("4294967294 0 2", "entry 1 (4294967294 0 2): the inside ids run past"),
            ("0 1 4294967295", "entry 1 (0 1 4294967295): the outside ids run past"),
        ] {
            assert_eq!(Target::new().write("uid_map", text.as_bytes()), EINVAL, "{text:?}");
            let error = text.parse::<UidMap>().expect_err(text).to_string();
            assert!(error.starts_with(words), "{text:?}: {error}");
        }
    });
}

/// A map of so many extents, short enough to be written.
fn lines(count: u32) -> String {
    (0..count).fold(String::new(), |mut text, id| {
        writeln!(text, "{id} {id} 1").expect("write to a string");
        text
    })
}

fn padded(bytes: usize) -> String {
    format!("{:bytes$}", "0 0 1")
}
