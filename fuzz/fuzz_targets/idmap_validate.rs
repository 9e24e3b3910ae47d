//! See `fuzz::idmap::validate`.
#![no_main]

libfuzzer_sys::fuzz_target!(|extents: fuzz::idmap::Extents| fuzz::idmap::validate(&extents));
