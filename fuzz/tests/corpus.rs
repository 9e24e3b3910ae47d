//! The corpus that is checked in: there, small, and replayed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use fuzz::TARGETS;
use rustix::fs::{Access, access};

/// Bytes of one target's corpus: what a reader of the history can bear.
const LARGEST: u64 = 64 * 1024;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

#[test]
fn every_target_has_a_shim_and_a_small_corpus() {
    for target in TARGETS {
        let shim = folder("fuzz_targets").join(target.name).with_extension("rs");
        assert!(shim.exists(), "{} has no shim", target.name);
        let inputs = fs::read_dir(folder("corpus").join(target.name)).expect("a corpus");
        let sizes = inputs.map(|input| input.expect("an entry").metadata().expect("a file").len());
        let size: u64 = sizes.sum();
        assert!((1..=LARGEST).contains(&size), "{}: {size} bytes of corpus", target.name);
    }
    let shims = fs::read_dir(folder("fuzz_targets")).expect("shims");
    assert_eq!(shims.count(), TARGETS.len(), "a shim without a target");
}

/// As an ordinary user can: in namespaces of its own where a target needs them.
#[test]
fn it_replays() {
    ns_testbed::run_as!([Root, User], {
        let program = env!("CARGO_BIN_EXE_replay");
        let may_run = access(program, Access::EXEC_OK)
            .and_then(|()| access(folder("corpus"), Access::READ_OK));
        if let Err(error) = may_run {
            ns_testbed::skip!("this user does not get to {program} and the corpus: {error}");
        }
        let output = Command::new(program).output().expect("replay");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        let lines = String::from_utf8_lossy(&output.stdout);
        for target in TARGETS {
            assert!(lines.contains(target.name), "{} was not replayed: {errors}", target.name);
        }
    });
}
