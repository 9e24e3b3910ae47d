//! See `fuzz::process::builder`.
#![no_main]

libfuzzer_sys::fuzz_target!(|calls: fuzz::process::Sequence| {
    fuzz::process::builder(&calls);
});
