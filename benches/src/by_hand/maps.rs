//! ID maps as text.

use std::fmt::Write as _;
use std::hint::black_box;

use ns_idmap::Extent;

/// A map in the form with commas.
pub const SMALL_MAP: &str = "0 1000 1,1 1001 1";

/// Returns maps of two extents for many users. With a single text, the result would depend on whether the branch
/// predictor learns the text, which differs between runs.
pub fn small_maps() -> Vec<String> {
    let map = |user: u32| format!("0 {} 1,1 {} 65536", user.pow(3), 100_000 + 65_536 * user);
    (1..=64).map(map).collect()
}

/// The largest number of extents that the kernel accepts.
pub const LARGE_EXTENTS: u32 = 340;

/// Returns a map of `extents` extents of one ID each, in the kernel's form. Only the inside IDs are in order.
pub fn large_map(extents: u32) -> String {
    (0..extents).fold(String::new(), |mut text, index| {
        let (inside, outside) = (index * 2, 9_000 - index * 3);
        writeln!(text, "{inside} {outside} 1").expect("write to a string");
        text
    })
}

/// Parses three 32-bit numbers for each extent into an array, and checks no rules. Returns the number of extents.
///
/// # Panics
/// If the text is not of this form.
pub fn parse_into_array(text: &str) -> usize {
    let (mut extents, mut count) = ([Extent { inside: 0, outside: 0, length: 0 }; 5], 0);
    let (mut fields, mut field, mut number) = ([0_u32; 3], 0, None::<u32>);
    for byte in black_box(text).bytes().chain([b',']) {
        match byte {
            b'0'..=b'9' => {
                let next = number.unwrap_or(0).checked_mul(10);
                number = next.and_then(|ten| ten.checked_add(u32::from(byte - b'0')));
                assert!(number.is_some(), "a 32-bit number");
            }
            b' ' => {
                fields[field] = number.take().expect("a number");
                field += 1;
            }
            b',' => {
                fields[field] = number.take().expect("a number");
                assert!(field == 2, "three fields");
                let [inside, outside, length] = fields;
                extents[count] = Extent { inside, outside, length };
                (count, field) = (count + 1, 0);
            }
            _ => panic!("not a digit or a separator"),
        }
    }
    black_box(extents);
    count
}

/// Parses a large map with std, sorts it by both sides to find overlaps, and formats it.
///
/// # Panics
/// If a line does not have three numbers, or extents overlap.
pub fn parse_sort_format(text: &str) -> String {
    let mut extents = Vec::with_capacity(340);
    for line in black_box(text).lines() {
        let mut fields = line.split(' ').map(|field| field.parse::<u32>().expect("a number"));
        let mut next = || fields.next().expect("three fields");
        extents.push(Extent { inside: next(), outside: next(), length: next() });
    }
    for by in [|extent: &Extent| extent.inside, |extent: &Extent| extent.outside] {
        extents.sort_unstable_by_key(by);
        assert!(extents.windows(2).all(|pair| by(&pair[0]) + pair[0].length <= by(&pair[1])));
    }
    let mut output = String::with_capacity(text.len());
    for Extent { inside, outside, length } in &extents {
        writeln!(output, "{inside} {outside} {length}").expect("write to a string");
    }
    output
}
