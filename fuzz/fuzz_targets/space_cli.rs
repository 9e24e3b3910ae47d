//! See `fuzz::space::cli`.
#![no_main]

libfuzzer_sys::fuzz_target!(|line: fuzz::space::Typed| {
    fuzz::space::cli(&line);
});
