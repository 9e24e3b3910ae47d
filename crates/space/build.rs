//! Links the command so that it loads fast, where the C compiler can do so.
//!
//! It is linked without `libgcc_s.so`: the linker finds a script of that name first, which names the static form of the
//! library. And it has a fixed address, so that nothing must be relocated. Each saves a run some percent of its time.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=RUSTC_LINKER");
    if let Some(archive) = static_library() {
        let directory = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets this variable"));
        let script = format!("INPUT(\"{}\")\n", archive.display());
        fs::write(directory.join("libgcc_s.so"), script).expect("write the linker script");
        println!("cargo::rustc-link-arg-bins=-L{}", directory.display());
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}

/// Returns the path of the static library, if the target has a libgcc at all.
fn static_library() -> Option<PathBuf> {
    let variable = |name: &str| env::var(name).ok();
    let linker = variable("RUSTC_LINKER");
    let is_native = variable("HOST") == variable("TARGET");
    if variable("CARGO_CFG_TARGET_ENV")? != "gnu" || (linker.is_none() && !is_native) {
        return None;
    }
    let mut command = Command::new(linker.unwrap_or_else(|| "cc".to_owned()));
    let output = command.arg("-print-file-name=libgcc_eh.a").output().ok()?;
    let path = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim_end());
    // A compiler prints the bare name of a file that it does not have.
    path.is_absolute().then_some(path)
}
