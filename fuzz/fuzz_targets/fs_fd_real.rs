//! See `fuzz::fs::fd_real`.
#![no_main]

libfuzzer_sys::fuzz_target!(init: fuzz::sandbox::enter_or_exit(), |wish: fuzz::fs::Descriptors| {
    fuzz::fs::fd_real(&wish);
});
