//! See `fuzz::process::start`.
#![no_main]

libfuzzer_sys::fuzz_target!(init: fuzz::sandbox::enter_or_exit(), |start: fuzz::process::Start| {
    fuzz::process::start(&start);
});
