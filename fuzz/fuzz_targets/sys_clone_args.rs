//! See `fuzz::sys::clone_args`.
#![no_main]

libfuzzer_sys::fuzz_target!(init: fuzz::sandbox::enter_or_exit(), |request: fuzz::sys::CloneRequest| {
    fuzz::sys::clone_args(&request);
});
