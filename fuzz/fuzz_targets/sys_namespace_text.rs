//! See `fuzz::sys::namespace_text`.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| fuzz::sys::namespace_text(text));
