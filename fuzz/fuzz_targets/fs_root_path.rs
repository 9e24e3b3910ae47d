//! See `fuzz::fs::root_path`.
#![no_main]

libfuzzer_sys::fuzz_target!(init: fuzz::sandbox::enter_or_exit(), |tree: fuzz::fs::Hostile| {
    fuzz::fs::root_path(&tree);
});
