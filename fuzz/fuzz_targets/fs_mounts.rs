//! See `fuzz::fs::mounts`.
#![no_main]

libfuzzer_sys::fuzz_target!(init: fuzz::sandbox::enter_or_exit(), |case: fuzz::fs::HostileMounts| {
    fuzz::fs::mounts(&case);
});
