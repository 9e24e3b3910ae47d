//! Texts that the kernel accepts or refuses as a map.

use std::fmt::Write as _;

use ns_idmap::{ParseError, RuleError, UidMap};

use crate::process::Target;

const EINVAL: Result<(), i32> = Err(libc::EINVAL);

const TRUNCATED: [&str; 4] =
    ["4294967296 0 1", "4294967297 5 1", "18446744073709551617 5 1", "0 0 1\0junk"];

/// The kernel uses the low 32 bits of a number and ignores the text after a NUL byte. The crate refuses
/// both, in each field.
#[test]
fn a04_truncated_texts_are_refused() {
    ns_testbed::run_as!([Root], {
        for text in TRUNCATED {
            assert_eq!(Target::new().write("uid_map", text.as_bytes()), Ok(()), "{text:?}");
            text.parse::<UidMap>().expect_err(text);
        }
        for invalid in ["4294967296", "4294967297", "18446744073709551617", "-1", "0x0", "+1"] {
            for text in
                [format!("{invalid} 0 1"), format!("0 {invalid} 1"), format!("0 0 {invalid}")]
            {
                let error = text.parse::<UidMap>().expect_err(&text);
                assert!(!matches!(error, ParseError::Rule(_)), "{text}: {error}");
            }
        }
    });
}

/// The kernel and the crate agree on each form of the grammar.
#[test]
fn a05_grammar_agrees_with_kernel() {
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

/// The limits are 340 extents and 4095 bytes, one less than a page.
#[test]
fn a06_limits_agree_with_kernel() {
    ns_testbed::run_as!([Root], {
        for (text, expected) in [
            (lines(340), Ok(())),
            (lines(341), EINVAL),
            (padded(4095), Ok(())),
            (padded(4096), EINVAL),
        ] {
            let target = Target::new();
            assert_eq!(target.write("uid_map", text.as_bytes()), expected);
            assert_eq!(text.parse::<UidMap>().is_ok(), expected.is_ok());
        }
        assert_eq!(lines(341).parse::<UidMap>(), Err(RuleError::TooMany.into()));
        assert_eq!(padded(4096).parse::<UidMap>(), Err(RuleError::TooLong { bytes: 4096 }.into()));
    });
}

/// The largest map is read back as it was written.
#[test]
fn a06_340_extents_round_trip() {
    ns_testbed::run_as!([Root], {
        let (target, map) = (Target::new(), lines(340).parse::<UidMap>().expect("parse"));
        map.write(&target).expect("write");
        assert_eq!(UidMap::read(&target).expect("read"), Some(map));
        assert_eq!(target.rows("uid_map").len(), 340);
        println!(
            "shown: 340 extents written and read back equal; 341 refused before any system call"
        );
    });
}

/// The kernel refuses a text that breaks a rule, and the error of the crate names the extents.
#[test]
fn a08_rules_agree_with_kernel() {
    ns_testbed::run_as!([Root], {
        for (text, message) in [
            ("0 0 10\n5 100 10", "entry 1 (0 0 10) and entry 2 (5 100 10) share inside IDs"),
            ("0 0 10\n100 5 10", "entry 1 (0 0 10) and entry 2 (100 5 10) share outside IDs"),
            ("9 9 1\n0 0 1\n0 0 1", "entry 2 (0 0 1) and entry 3 (0 0 1) share inside IDs"),
            ("0 0 1\n1 1 0", "entry 2 (1 1 0): the length is 0"),
            ("4294967295 0 1", "entry 1 (4294967295 0 1): 4294967295 is not an inside ID"),
            ("0 4294967295 1", "entry 1 (0 4294967295 1): 4294967295 is not an outside ID"),
            ("4294967294 0 2", "entry 1 (4294967294 0 2): the inside IDs run past"),
            ("0 1 4294967295", "entry 1 (0 1 4294967295): the outside IDs run past"),
        ] {
            assert_eq!(Target::new().write("uid_map", text.as_bytes()), EINVAL, "{text:?}");
            let error = text.parse::<UidMap>().expect_err(text).to_string();
            assert!(error.starts_with(message), "{text:?}: {error}");
        }
    });
}

/// The text of a map of `count` extents, shorter than the limit.
fn lines(count: u32) -> String {
    (0..count).fold(String::new(), |mut text, id| {
        writeln!(text, "{id} {id} 1").expect("write to a string");
        text
    })
}

fn padded(bytes: usize) -> String {
    format!("{:bytes$}", "0 0 1")
}
