//! See `fuzz::process::report`.
#![no_main]

libfuzzer_sys::fuzz_target!(init: fuzz::sandbox::enter_or_exit(), |case: fuzz::process::FailingStep| {
    fuzz::process::report(&case);
});
