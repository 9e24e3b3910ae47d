//! Random texts and maps: this crate accepts exactly what the kernel accepts.

use std::cell::Cell;
use std::ops::Range;

use ns_idmap::{Extent, ParseError, UidMap};
use proptest::prelude::*;
use proptest::sample::select;

use crate::process::Target;
use crate::random::{cases, runner};

const BOUNDARIES: [u64; 20] = [
    0,
    1,
    2,
    3,
    5,
    9,
    10,
    11,
    99,
    100,
    1000,
    65_535,
    65_536,
    4_294_967_293,
    4_294_967_294,
    4_294_967_295,
    4_294_967_296,
    4_294_967_297,
    u64::MAX,
    7,
];

fn number(common: Range<u64>) -> impl Strategy<Value = String> {
    let plain = prop_oneof![30 => common, 2 => select(&BOUNDARIES[..]), 1 => any::<u64>()];
    let text = plain.prop_map(|number| number.to_string());
    prop_oneof![40 => text, 1 => Just("18446744073709551617".into()), 1 => "0{1,3}[0-9]{0,3}"]
}

fn blank() -> impl Strategy<Value = &'static str> {
    prop_oneof![9 => Just(" "), 1 => select(&["\t", "  ", "\r", "\x0b", "\x0c"][..])]
}

fn line() -> impl Strategy<Value = String> {
    let blanks = prop::array::uniform4(blank());
    let count = prop_oneof![30 => Just(3_usize), 1 => 0_usize..5];
    (
        [number(0..300), number(0..300), number(1..9), number(0..9)],
        blanks,
        count,
        any::<[bool; 2]>(),
    )
        .prop_map(|(numbers, blanks, count, [leading, trailing])| {
            let mut line = String::from(if leading { blanks[3] } else { "" });
            for (index, number) in numbers.iter().take(count).enumerate() {
                line += if index > 0 { blanks[index - 1] } else { "" };
                line += number;
            }
            line + if trailing { blanks[2] } else { "" }
        })
}

/// Lines, most of them well formed, some with a stray character.
fn text() -> impl Strategy<Value = String> {
    let lines = prop::collection::vec(line(), 1..5);
    let end = prop_oneof![4 => Just(""), 4 => Just("\n"), 1 => Just("\n\n"), 1 => Just("\0")];
    let stray = prop::option::weighted(0.2, (any::<prop::sample::Index>(), "[\0 \n\t+x0-9,:-]"));
    (lines, end, stray).prop_map(|(lines, end, stray)| {
        let mut text = lines.join("\n") + end;
        if let Some((index, stray)) = stray {
            text.insert_str(index.index(text.len() + 1), &stray);
        }
        text
    })
}

/// Whether the text has a form that this crate accepts but the kernel does not.
fn is_shorthand(text: &str) -> bool {
    let is_single = |line: &str| line.split_ascii_whitespace().count() == 1;
    text.contains([',', ':']) || text.lines().any(is_single)
}

/// The kernel and this crate accept the same texts with the same meaning, except those that the
/// kernel truncates.
#[test]
fn a04_random_texts_agree_with_kernel() {
    ns_testbed::run_as!([Root], {
        let [accepted, refused, truncated] = [const { Cell::new(0_u32) }; 3];
        let count = |cell: &Cell<u32>| cell.set(cell.get() + 1);
        let cases = cases(1500);
        runner(cases)
            .run(&text(), |text| {
                let ours = text.parse::<UidMap>();
                if let Ok(map) = &ours {
                    round_trip(map)?;
                }
                if is_shorthand(&text) {
                    return Ok(());
                }
                let kernel = Target::new().write("uid_map", text.as_bytes());
                match (&ours, kernel) {
                    (Ok(_), Ok(())) => count(&accepted),
                    (Err(_), Err(_)) => count(&refused),
                    (Err(ParseError::TooLarge { .. } | ParseError::Nul { .. }), Ok(())) => {
                        count(&truncated);
                    }
                    _ => prop_assert!(false, "{text:?}: crate {ours:?}, kernel {kernel:?}"),
                }
                Ok(())
            })
            .expect("no disagreement");
        println!(
            "shown: {cases} random texts: 0 disagreements; both accept {}, both refuse {}, \
             the kernel truncates and the crate refuses {}, the rest are shorthand",
            accepted.get(),
            refused.get(),
            truncated.get()
        );
        assert!(accepted.get() > cases / 10 && refused.get() > cases / 10, "an unbalanced sample");
    });
}

/// Writes the map, and reads it back without the crate and with it.
fn round_trip(map: &UidMap) -> Result<(), TestCaseError> {
    let target = Target::new();
    prop_assert_eq!(map.write(&target).map_err(|error| error.to_string()), Ok(()));
    let mut rows = target.rows("uid_map");
    let mut expected: Vec<_> = map.iter().map(|e| [e.inside, e.outside, e.length]).collect();
    // The kernel sorts more than five extents.
    rows.sort_unstable();
    expected.sort_unstable();
    prop_assert_eq!(rows, expected);
    let read = UidMap::read(&target).expect("read");
    prop_assert_eq!(read.as_ref(), Some(map));
    Ok(())
}

fn extents() -> impl Strategy<Value = Vec<Extent>> {
    let near = prop_oneof![6 => 0_u32..60, 1 => 4_294_967_285_u32..=u32::MAX];
    let length = prop_oneof![12 => 1_u32..6, 1 => Just(0), 1 => any::<u32>()];
    let extent = (near.clone(), near, length).prop_map(|(inside, outside, length)| Extent {
        inside,
        outside,
        length,
    });
    prop_oneof![
        prop::collection::vec(extent, 1..5),
        // Disjoint on both sides, in any order, with at most one overlap.
        (1_u32..40, any::<u64>(), prop::option::weighted(0.4, (0_u32..400, 0_u32..400)))
            .prop_map(|(count, seed, overlap)| disjoint(count, seed, overlap)),
    ]
}

fn disjoint(count: u32, seed: u64, overlap: Option<(u32, u32)>) -> Vec<Extent> {
    let extent = |id: u32| Extent { inside: id * 10, outside: (count - id) * 10, length: 10 };
    let mut extents: Vec<_> = (0..count).map(extent).collect();
    extents.sort_by_key(|e| (u64::from(e.inside) + 1).wrapping_mul(seed | 1));
    extents.extend(overlap.map(|(inside, outside)| Extent { inside, outside, length: 1 }));
    extents
}

/// The rules for extents are those of the kernel.
#[test]
fn a08_random_maps_agree_with_kernel() {
    ns_testbed::run_as!([Root], {
        let accepted = Cell::new(0_u32);
        let cases = cases(1500);
        runner(cases)
            .run(&extents(), |extents| {
                let text = extents
                    .iter()
                    .fold(String::new(), |text, extent| text + &format!("{extent}\n"));
                let kernel = Target::new().write("uid_map", text.as_bytes());
                let ours = UidMap::new(extents);
                prop_assert_eq!(ours.is_ok(), kernel.is_ok(), "{:?} {:?}", ours, kernel);
                if let Ok(map) = ours {
                    accepted.set(accepted.get() + 1);
                    prop_assert_eq!(map.to_string(), text);
                    round_trip(&map)?;
                }
                Ok(())
            })
            .expect("no disagreement");
        println!("shown: {cases} random maps: 0 disagreements; both accept {}", accepted.get());
        let accepted = accepted.get();
        assert!(accepted > cases / 10 && accepted < cases * 9 / 10, "an unbalanced sample");
    });
}
