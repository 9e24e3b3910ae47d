//! See `fuzz::idmap::subid`.
#![no_main]

libfuzzer_sys::fuzz_target!(|files: fuzz::idmap::Delegated| fuzz::idmap::subid(&files));
