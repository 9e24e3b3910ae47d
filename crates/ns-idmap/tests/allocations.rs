//! The number of heap allocations that maps make.

use std::fmt::Write;

use ns_idmap::UidMap;
use ns_testbed::CountingHeap;

#[global_allocator]
static HEAP: CountingHeap = CountingHeap;

fn lines(extents: u32) -> String {
    (0..extents).fold(String::new(), |mut text, id| {
        writeln!(text, "{id} {} 1", 339 - id).expect("write to a string");
        text
    })
}

#[test]
fn parsing_a_small_map_does_not_allocate() {
    for text in ["1000", "0 1000 1,1 1001 1", &lines(5)] {
        assert_eq!(
            CountingHeap::allocations(|| text.parse::<UidMap>().expect("parse")),
            0,
            "{text}"
        );
    }
}

#[test]
fn looking_up_and_comparing_a_small_map_do_not_allocate() {
    let map: UidMap = lines(5).parse().expect("parse");
    assert_eq!(
        CountingHeap::allocations(|| (map.to_outside(3), map.to_inside(337), map == map.clone())),
        0
    );
}

#[test]
fn the_largest_map_makes_two_allocations() {
    let text = lines(340);
    let work = || text.parse::<UidMap>().expect("parse").to_string();
    assert_eq!(CountingHeap::allocations(work), 2, "one for the extents, one for the text");
    println!("shown: parse, validate and format 340 extents: 2 allocations");
}

#[test]
fn formatting_makes_one_allocation() {
    let map: UidMap = lines(3).parse().expect("parse");
    assert_eq!(CountingHeap::allocations(|| map.to_string()), 1);
}
