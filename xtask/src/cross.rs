//! The library crates compiled for the other processors that have assembly of their own, and the gates of these
//! processors in an emulator.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use crate::tools::{FEATURES, Outcome, cargo_cmd, libraries, metadata, rustup, succeeds};

const TARGETS: [&str; 2] = ["aarch64-unknown-linux-gnu", "riscv64gc-unknown-linux-gnu"];

/// Compiles rather than checks, because only code generation reads assembly, and with
/// `link-dead-code`, because otherwise an `#[inline]` function without callers generates no code.
pub(crate) fn run(sh: &Shell) -> Result<Outcome> {
    let metadata = metadata(sh)?;
    let crates: Vec<_> =
        libraries(&metadata).flat_map(|krate| ["-p", krate.name.as_str()]).collect();
    let mut skipped = Vec::new();
    for target in TARGETS {
        let crates = &crates;
        if !rustup(sh, &format!("target add {target}")) {
            skipped.push(format!("no standard library for {target} here"));
            continue;
        }
        let directory = metadata.target_directory.join(target).into_std_path_buf();
        let gate = {
            let _flags = sh.push_env("RUSTFLAGS", "-C link-dead-code");
            cmd!(sh, "cargo build --lib --target {target} {crates...}").run()?;
            gate(sh, target, &directory)?
        };
        let emulator = emulator(target)?;
        if succeeds(sh, &format!("{emulator} --version")) {
            emulate(sh, &emulator, &gate)?;
        } else {
            skipped.push(format!("{emulator} is missing: apt-get install qemu-user-static"));
        }
    }
    Ok(Outcome::unless_skipped(&skipped))
}

/// Writes the instructions of the gate to a file, and returns its path. They need no linker.
fn gate(sh: &Shell, target: &str, directory: &Path) -> Result<PathBuf> {
    let (object, instructions) = (directory.join("gate.o"), directory.join("gate"));
    let emit = format!("--emit=obj={}", object.display());
    cmd!(sh, "cargo rustc --lib -p ns-process --target {target} -- {emit} -C codegen-units=1")
        .run()?;
    // As a file of no machine: it may not know this one.
    let format = ["-I", "elf64-little", "-O", "binary"];
    let section = ["--set-section-flags", ".rodata.gate=alloc", "-j", ".rodata.gate"];
    cmd!(sh, "objcopy {format...} {section...} {object} {instructions}").run()?;
    Ok(instructions)
}

/// Runs the tests of a gate with another one.
fn emulate(sh: &Shell, emulator: &str, gate: &Path) -> Result<()> {
    let test = format!("test --quiet -p ns-process --lib {FEATURES} -- parked::tests::machine");
    let test = cargo_cmd(sh, &test).env("NS_GATE_EMULATOR", emulator).env("NS_GATE_CODE", gate);
    Ok(test.run()?)
}

fn emulator(target: &str) -> Result<String> {
    let machine = target.split('-').next().context("a target begins with its processor")?;
    Ok(format!("qemu-{}-static", machine.trim_end_matches("gc")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_emulator_is_that_of_the_processor() {
        let emulators = TARGETS.map(|target| emulator(target).unwrap());
        assert_eq!(emulators, ["qemu-aarch64-static", "qemu-riscv64-static"]);
    }
}
