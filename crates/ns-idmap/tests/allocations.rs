//! The number of heap allocations that maps make.
#![allow(unsafe_code, reason = "a global allocator that counts")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fmt::Write;
use std::hint::black_box;

use ns_idmap::UidMap;

struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

fn count() {
    COUNT.with(|count| count.set(count.get() + 1));
}

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations<T>(work: impl FnOnce() -> T) -> usize {
    let before = COUNT.get();
    black_box(work());
    COUNT.get() - before
}

fn lines(extents: u32) -> String {
    (0..extents).fold(String::new(), |mut text, id| {
        writeln!(text, "{id} {} 1", 339 - id).expect("write to a string");
        text
    })
}

#[test]
fn parsing_a_small_map_does_not_allocate() {
    for text in ["1000", "0 1000 1,1 1001 1", &lines(5)] {
        assert_eq!(allocations(|| text.parse::<UidMap>().expect("parse")), 0, "{text}");
    }
}

#[test]
fn looking_up_and_comparing_a_small_map_do_not_allocate() {
    let map: UidMap = lines(5).parse().expect("parse");
    assert_eq!(allocations(|| (map.to_outside(3), map.to_inside(337), map == map.clone())), 0);
}

#[test]
fn the_largest_map_makes_two_allocations() {
    let text = lines(340);
    let work = || text.parse::<UidMap>().expect("parse").to_string();
    assert_eq!(allocations(work), 2, "one for the extents, one for the text");
    println!("shown: parse, validate and format 340 extents: 2 allocations");
}

#[test]
fn formatting_makes_one_allocation() {
    let map: UidMap = lines(3).parse().expect("parse");
    assert_eq!(allocations(|| map.to_string()), 1);
}
