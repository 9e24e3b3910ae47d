//! The corpus in the repository: every target has one, it is small, and it replays without a panic.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use fuzz::TARGETS;
use rustix::fs::{Access, access};

/// The limit for the corpus of one target, in bytes, to keep the repository small.
const LARGEST: u64 = 64 * 1024;

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

#[test]
fn every_target_has_a_shim_and_a_small_corpus() {
    for target in TARGETS {
        let shim = path("fuzz_targets").join(target.name).with_extension("rs");
        assert!(shim.exists(), "{} has no shim", target.name);
        let inputs = fs::read_dir(path("corpus").join(target.name)).expect("read the corpus");
        let sizes = inputs
            .map(|input| input.expect("read an entry").metadata().expect("read the size").len());
        let size: u64 = sizes.sum();
        assert!((1..=LARGEST).contains(&size), "{}: {size} bytes of corpus", target.name);
    }
    let shims = fs::read_dir(path("fuzz_targets")).expect("read the shims");
    assert_eq!(shims.count(), TARGETS.len(), "every shim has a target");
}

/// An ordinary user can replay the corpus too.
#[test]
fn the_corpus_replays() {
    ns_testbed::run_as!([Root, User], {
        let program = env!("CARGO_BIN_EXE_replay");
        let may_run =
            access(program, Access::EXEC_OK).and_then(|()| access(path("corpus"), Access::READ_OK));
        if let Err(error) = may_run {
            ns_testbed::skip!("this user cannot access {program} and the corpus: {error}");
        }
        let output = Command::new(program).output().expect("run replay");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        let lines = String::from_utf8_lossy(&output.stdout);
        for target in TARGETS {
            assert!(lines.contains(target.name), "{} was not replayed: {errors}", target.name);
        }
    });
}
