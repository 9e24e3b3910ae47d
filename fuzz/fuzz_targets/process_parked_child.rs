//! See `fuzz::process::parked_child`.
#![no_main]

libfuzzer_sys::fuzz_target!(init: fuzz::sandbox::enter_or_exit(), |liar: fuzz::process::Liar| {
    fuzz::process::parked_child(&liar);
});
