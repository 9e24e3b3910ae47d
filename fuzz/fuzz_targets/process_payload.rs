//! See `fuzz::process::payload`.
#![no_main]

libfuzzer_sys::fuzz_target!(init: fuzz::sandbox::enter_or_exit(), |release: fuzz::process::Release| {
    fuzz::process::payload(&release);
});
