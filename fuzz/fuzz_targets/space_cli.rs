//! See `fuzz::space::cli`.
#![no_main]

libfuzzer_sys::fuzz_target!(|line: fuzz::space::CommandLine| {
    fuzz::space::cli(&line);
});
