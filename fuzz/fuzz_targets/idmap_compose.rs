//! See `fuzz::idmap::compose`.
#![no_main]

libfuzzer_sys::fuzz_target!(|maps: fuzz::idmap::Maps| fuzz::idmap::compose(&maps));
