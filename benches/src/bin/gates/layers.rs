//! Layers that start no process, compared with references that are written by hand.
#![allow(unsafe_code, reason = "descriptors by number")]

use std::fs::File;
use std::hint::black_box;

use benches::by_hand::{
    LARGE_EXTENTS, RootDirectories, bare_dup3, large_map as text, parse_into_array,
    parse_sort_format, small_maps,
};
use benches::forked::time_in_namespaces;
use benches::pairs::{PAIRS, ratios_of_blocks, ratios_of_times};
use ns_fs::{Descriptors, FdPlan, Mount, Root, RootPlan, Stdio, Workdir, apply};
use ns_idmap::UidMap;

use crate::measured::Measured;

/// Unused descriptor numbers: this program has no other descriptors in this range.
const NUMBERS: [i32; 3] = [100, 101, 102];

pub(crate) fn small_map() -> Measured {
    let texts = small_maps();
    let parse =
        |text: &String| _ = black_box(black_box(text).parse::<UidMap>().expect("a valid map"));
    let tested = || texts.iter().for_each(parse);
    let reference = || texts.iter().for_each(|text| _ = black_box(parse_into_array(text)));
    Measured::Ratios(ratios_of_blocks(30, tested, reference))
}

pub(crate) fn large_map() -> Measured {
    let text = text(LARGE_EXTENTS);
    let tested = || {
        let map: UidMap = black_box(&text).parse().expect("a valid map");
        black_box(map.to_string());
    };
    let reference = || _ = black_box(parse_sort_format(&text));
    Measured::Ratios(ratios_of_blocks(20, tested, reference))
}

pub(crate) fn descriptors() -> Measured {
    let files: [File; 3] = NUMBERS.map(|_| File::open("/dev/null").expect("open"));
    let mut descriptors = Descriptors::new();
    for (number, file) in NUMBERS.into_iter().zip(&files) {
        descriptors.place(number, Stdio::fd(file.try_clone().expect("dup")));
    }
    let plan = FdPlan::new(descriptors.close_rest(false)).expect("plan");
    // SAFETY: nothing owns these descriptor numbers, and the plan keeps its source descriptors open.
    let tested = || unsafe { apply::place_fds(plan.steps()) }.expect("place");
    // SAFETY: nothing owns these descriptor numbers.
    let reference = || unsafe { bare_dup3(&files, NUMBERS) };
    Measured::Ratios(ratios_of_blocks(300, tested, reference))
}

pub(crate) fn root() -> Measured {
    let directories = RootDirectories::new();
    let plan = root_plan(&directories);
    let tested = || time_in_namespaces(|| plan.apply().expect("apply"));
    let reference = || time_in_namespaces(|| directories.enter());
    Measured::Ratios(ratios_of_times(PAIRS, tested, reference))
}

fn root_plan(directories: &RootDirectories) -> RootPlan {
    let bind = |(source, target)| Mount::bind(source, target).read_only_top();
    let others = [Mount::tmpfs("/tmp"), Mount::proc("/proc"), Mount::dev("/dev")];
    let mounts = directories.binds().map(bind).chain(others);
    let root = mounts.fold(Root::pivot(directories.root()), Root::mount);
    RootPlan::new(root, Workdir::default()).expect("plan")
}
