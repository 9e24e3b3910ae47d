//! Builds `tiny`, the program that every measurement starts. It is static and has no libc, because a dynamic loader
//! takes several times as long as the start itself.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

fn main() {
    let arch = env::var("CARGO_CFG_TARGET_ARCH").expect("cargo sets this variable");
    let source = format!("tiny/{arch}.s");
    let root =
        PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets this variable")).join("root");
    fs::create_dir_all(root.join("proc")).expect("create the root directory");
    let program = root.join("tiny");
    let linker = env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let status = Command::new(&linker)
        .args(["-nostdlib", "-static", "-o"])
        .arg(&program)
        .arg(&source)
        .status()
        .unwrap_or_else(|error| panic!("cannot run {linker}: {error}"));
    assert!(status.success(), "{linker} failed to build {source}");
    println!("cargo::rerun-if-changed={source}");
    println!("cargo::rustc-env=TINY={}", program.display());
    println!("cargo::rustc-env=TINY_ROOT={}", root.display());
}
