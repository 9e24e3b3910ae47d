//! Layers that make no process, against what one writes by hand.
#![allow(unsafe_code, reason = "descriptors placed by number")]

use std::fs::File;
use std::hint::black_box;

use benches::by_hand::{
    LARGE_EXTENTS, bare_dup3, large_map as text, parse_into_array, parse_sort_format, small_maps,
};
use benches::pairs::ratios_of_blocks;
use ns_fs::{Descriptors, FdPlan, Stdio, apply};
use ns_idmap::UidMap;

use crate::measured::Measured;

/// Free in this program, which owns no other descriptor so high.
const NUMBERS: [i32; 3] = [100, 101, 102];

pub(crate) fn small_map() -> Measured {
    let texts = small_maps();
    let parse = |text: &String| _ = black_box(black_box(text).parse::<UidMap>().expect("a map"));
    let ours = || texts.iter().for_each(parse);
    let theirs = || texts.iter().for_each(|text| _ = black_box(parse_into_array(text)));
    Measured::Ratios(ratios_of_blocks(30, ours, theirs))
}

pub(crate) fn large_map() -> Measured {
    let text = text(LARGE_EXTENTS);
    let ours = || {
        let map: UidMap = black_box(&text).parse().expect("a map");
        black_box(map.to_string());
    };
    let theirs = || _ = black_box(parse_sort_format(&text));
    Measured::Ratios(ratios_of_blocks(20, ours, theirs))
}

pub(crate) fn descriptors() -> Measured {
    let files: [File; 3] = NUMBERS.map(|_| File::open("/dev/null").expect("open"));
    let mut wish = Descriptors::new();
    for (number, file) in NUMBERS.into_iter().zip(&files) {
        wish.place(number, Stdio::fd(file.try_clone().expect("dup")));
    }
    let plan = FdPlan::new(wish.close_rest(false)).expect("a plan");
    // SAFETY: nobody owns the numbers of the plan, which keeps its sources.
    let ours = || unsafe { apply::place_fds(plan.steps()) }.expect("place");
    // SAFETY: nobody owns the numbers.
    let theirs = || unsafe { bare_dup3(&files, NUMBERS) };
    Measured::Ratios(ratios_of_blocks(300, ours, theirs))
}
