//! See `fuzz::fs::root_path`.
#![no_main]

libfuzzer_sys::fuzz_target!(init: fuzz::sandbox::enter_or_exit(), |case: fuzz::fs::HostileRoot| {
    fuzz::fs::root_path(&case);
});
