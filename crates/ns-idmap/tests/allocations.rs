//! How often the heap is asked: the gates of the map's text work.
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

// SAFETY: everything is handed to the system's allocator as it came.
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
fn a_small_map_is_parsed_without_the_heap() {
    for text in ["1000", "0 1000 1,1 1001 1", &lines(5)] {
        assert_eq!(allocations(|| text.parse::<UidMap>().expect("a map")), 0, "{text}");
    }
}

#[test]
fn a_small_map_is_looked_up_and_compared_without_the_heap() {
    let map: UidMap = lines(5).parse().expect("a map");
    assert_eq!(allocations(|| (map.to_outside(3), map.to_inside(337), map == map.clone())), 0);
}

#[test]
fn the_largest_map_takes_two() {
    let text = lines(340);
    let work = || text.parse::<UidMap>().expect("a map").to_string();
    assert_eq!(allocations(work), 2, "one for the extents, one for the text");
    println!("shown: parse, validate and format 340 extents: 2 allocations");
}

#[test]
fn formatting_takes_one() {
    let map: UidMap = lines(3).parse().expect("a map");
    assert_eq!(allocations(|| map.to_string()), 1);
}
