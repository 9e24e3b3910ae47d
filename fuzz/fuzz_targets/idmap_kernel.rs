//! See `fuzz::idmap::kernel`.
#![no_main]

libfuzzer_sys::fuzz_target!(init: fuzz::sandbox::enter_or_exit(), |text: fuzz::idmap::Written| {
    fuzz::idmap::kernel(&text);
});
