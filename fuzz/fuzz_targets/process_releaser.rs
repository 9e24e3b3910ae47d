//! See `fuzz::process::releaser`.
#![no_main]

libfuzzer_sys::fuzz_target!(init: fuzz::sandbox::enter_or_exit(), |peers: fuzz::process::Peers| {
    fuzz::process::releaser(&peers);
});
