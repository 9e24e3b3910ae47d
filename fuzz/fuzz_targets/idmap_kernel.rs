//! See `fuzz::idmap::kernel`.
#![no_main]

libfuzzer_sys::fuzz_target!(init: fuzz::sandbox::enter_or_exit(), |case: fuzz::idmap::WriteCase| {
    fuzz::idmap::kernel(&case);
});
