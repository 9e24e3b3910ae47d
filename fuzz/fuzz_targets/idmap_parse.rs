//! See `fuzz::idmap::parse`.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: fuzz::idmap::Text| fuzz::idmap::parse(&text.0));
