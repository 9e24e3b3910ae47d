//! See `fuzz::sys::clone_args`.
#![no_main]

libfuzzer_sys::fuzz_target!(init: fuzz::sandbox::enter_or_exit(), |wish: fuzz::sys::CloneWish| {
    fuzz::sys::clone_args(&wish);
});
