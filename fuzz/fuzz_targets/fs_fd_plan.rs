//! See `fuzz::fs::fd_plan`.
#![no_main]

libfuzzer_sys::fuzz_target!(|case: fuzz::fs::DescriptorCase| {
    fuzz::fs::fd_plan(&case);
});
