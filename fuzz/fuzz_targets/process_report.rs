//! See `fuzz::process::report`.
#![no_main]

libfuzzer_sys::fuzz_target!(init: fuzz::sandbox::enter_or_exit(), |step: fuzz::process::Failing| {
    fuzz::process::report(&step);
});
