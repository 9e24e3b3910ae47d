//! See `fuzz::idmap::parse`.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| fuzz::idmap::parse(text));
