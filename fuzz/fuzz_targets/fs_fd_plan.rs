//! See `fuzz::fs::fd_plan`.
#![no_main]

libfuzzer_sys::fuzz_target!(|wish: fuzz::fs::Descriptors| {
    fuzz::fs::fd_plan(&wish);
});
