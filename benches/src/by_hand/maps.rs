//! Id maps as text.

use std::fmt::Write as _;
use std::hint::black_box;

use ns_idmap::Extent;

/// A map as people write it.
pub const SMALL_MAP: &str = "0 1000 1,1 1001 1";

/// Maps of two extents, as many users have them. One text again and again would measure whether the processor has
/// learned its branches, which it does in one run and not in the next.
pub fn small_maps() -> Vec<String> {
    let map = |user: u32| format!("0 {} 1,1 {} 65536", user.pow(3), 100_000 + 65_536 * user);
    (1..=64).map(map).collect()
}

/// The most that the kernel takes.
pub const LARGE_EXTENTS: u32 = 340;

/// So many extents of one id each, in the kernel's form, and in order on one side alone.
pub fn large_map(extents: u32) -> String {
    (0..extents).fold(String::new(), |mut text, index| {
        let (inside, outside) = (index * 2, 9_000 - index * 3);
        writeln!(text, "{inside} {outside} 1").expect("a string takes all");
        text
    })
}

/// Three numbers of 32 bits an extent, into an array, and no rule.
///
/// # Panics
/// On anything but digits, spaces and commas at their places.
pub fn parse_into_array(text: &str) -> usize {
    let (mut extents, mut count) = ([Extent { inside: 0, outside: 0, length: 0 }; 5], 0);
    let (mut fields, mut field, mut number) = ([0_u32; 3], 0, None::<u32>);
    for byte in black_box(text).bytes().chain([b',']) {
        match byte {
            b'0'..=b'9' => {
                let next = number.unwrap_or(0).checked_mul(10);
                number = next.and_then(|ten| ten.checked_add(u32::from(byte - b'0')));
                assert!(number.is_some(), "32 bits");
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
            _ => panic!("a digit or a separator"),
        }
    }
    black_box(extents);
    count
}

/// A large map with std's own means: parse, sort on both sides to look for overlaps, format.
///
/// # Panics
/// On lines that are not three numbers, or overlap.
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
        writeln!(output, "{inside} {outside} {length}").expect("a string takes all");
    }
    output
}
