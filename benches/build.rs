//! Builds `tiny`, the target of every measurement: a static program with no libc, because the
//! dynamic loader of an ordinary one costs several times what is measured.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

fn main() {
    let arch = env::var("CARGO_CFG_TARGET_ARCH").expect("set by cargo");
    let source = format!("tiny/{arch}.s");
    let root = PathBuf::from(env::var_os("OUT_DIR").expect("set by cargo")).join("root");
    fs::create_dir_all(root.join("proc")).expect("make a root");
    let program = root.join("tiny");
    let linker = env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let status = Command::new(&linker)
        .args(["-nostdlib", "-static", "-o"])
        .arg(&program)
        .arg(&source)
        .status()
        .unwrap_or_else(|error| panic!("{linker} builds tiny: {error}"));
    assert!(status.success(), "{linker} could not build {source}");
    println!("cargo::rerun-if-changed={source}");
    println!("cargo::rustc-env=TINY={}", program.display());
    println!("cargo::rustc-env=TINY_ROOT={}", root.display());
}
