//! See `fuzz::fs::fd_real`.
#![no_main]

libfuzzer_sys::fuzz_target!(init: fuzz::sandbox::enter_or_exit(), |case: fuzz::fs::DescriptorCase| {
    fuzz::fs::fd_real(&case);
});
