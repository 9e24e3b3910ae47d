//! The gates of the layers that make no process: prints ratio, gate and verdict of each; fails where
//! one misses.
//!
//! Both sides run in turn, block by block; a row is the best of three medians.
#![allow(unsafe_code, reason = "descriptors placed by number")]

use std::fmt::Write as _;
use std::fs::File;
use std::hint::black_box;
use std::os::fd::{AsFd, BorrowedFd};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use benches::median;
use ns_fs::{Descriptors, FdPlan, Stdio, apply};
use ns_idmap::{Extent, UidMap};
use ns_sys::child::dup3;

const SMALL: &str = "0 1000 1,1 1001 1";
/// Free in this program, which owns no other descriptor so high.
const NUMBERS: [i32; 3] = [100, 101, 102];
const PAIRS: usize = 400;
const REPEATS: usize = 3;

fn main() -> ExitCode {
    let large: String = (0..340_u32).fold(String::new(), |mut text, index| {
        let (inside, outside) = (index * 2, 9_000 - index * 3);
        writeln!(text, "{inside} {outside} 1").expect("a string takes all");
        text
    });
    let files: [File; 3] = NUMBERS.map(|_| File::open("/dev/null").expect("open"));
    let plan = fd_plan(&files);
    let rows = [
        row("idmap/parse/small", 1.5, 2000, || parse(SMALL), || loop_parse(SMALL)),
        row(
            "idmap/parse_validate_format/340",
            1.5,
            20,
            || through(&large),
            || loop_through(&large),
        ),
        row("fs/place_fds/3", 1.2, 300, || place(&plan), || bare(&files)),
    ];
    if rows.iter().all(|met| *met) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn row(name: &str, gate: f64, block: u32, ours: impl Fn(), theirs: impl Fn()) -> bool {
    let repeat = || median((0..PAIRS).map(|_| time(block, &ours) / time(block, &theirs)).collect());
    let ratio = (0..REPEATS).map(|_| repeat()).fold(f64::INFINITY, f64::min);
    let met = ratio <= gate;
    println!("{name}: {ratio:.2}x, at most {gate}x: {}", if met { "met" } else { "MISSED" });
    met
}

fn time(block: u32, work: impl Fn()) -> f64 {
    let begin = Instant::now();
    (0..block).for_each(|_| work());
    begin.elapsed().max(Duration::from_nanos(1)).as_secs_f64()
}

fn parse(text: &str) {
    black_box(black_box(text).parse::<UidMap>().expect("a map"));
}

fn through(text: &str) {
    let map: UidMap = black_box(text).parse().expect("a map");
    black_box(map.to_string());
}

/// What one writes by hand: three numbers of 32 bits an extent, into an array, and no rule.
fn loop_parse(text: &str) {
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
    black_box((extents, count));
}

/// A large map with std's own means: parse, sort on both sides to look for overlaps, format.
fn loop_through(text: &str) {
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
    black_box(output);
}

fn fd_plan(files: &[File; 3]) -> FdPlan {
    let mut wish = Descriptors::new();
    for (number, file) in NUMBERS.into_iter().zip(files) {
        wish.place(number, Stdio::fd(file.try_clone().expect("dup")));
    }
    FdPlan::new(wish.close_rest(false)).expect("a plan")
}

fn place(plan: &FdPlan) {
    // SAFETY: nobody owns the numbers of the plan, which keeps its sources.
    unsafe { apply::place_fds(plan.steps()) }.expect("place");
}

fn bare(files: &[File; 3]) {
    for (number, file) in NUMBERS.into_iter().zip(files) {
        let source: BorrowedFd<'_> = file.as_fd();
        // SAFETY: nobody owns the number.
        unsafe { dup3(source, number, false) }.expect("dup3");
    }
}
