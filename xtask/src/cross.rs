//! The library crates compiled for the other processors with an assembly of their own.

use anyhow::Result;

use crate::command::Cmd;
use crate::outcome::Outcome;
use crate::{rustup, workspace};

const TARGETS: [&str; 2] = ["aarch64-unknown-linux-gnu", "riscv64gc-unknown-linux-gnu"];

pub(crate) fn run() -> Result<Outcome> {
    let metadata = workspace::metadata()?;
    let mut skipped = Vec::new();
    for target in TARGETS {
        if !rustup::obtain(&["target", "add", target]) {
            skipped.push(format!("no standard library for {target} here"));
            continue;
        }
        compile(workspace::libraries(&metadata).map(|package| package.name.as_str()), target)
            .run()?;
    }
    Ok(Outcome::unless_skipped(&skipped))
}

/// Compiled, not checked, because only code generation reads assembly; and with `link-dead-code`,
/// because an `#[inline]` function that nobody calls generates none otherwise. All at once, so that what
/// they share is compiled once.
fn compile<'a>(packages: impl Iterator<Item = &'a str>, target: &str) -> Cmd {
    let build = format!("build --lib --target {target}");
    let build = packages.fold(build, |build, name| build + " -p " + name);
    Cmd::cargo(&build).env("RUSTFLAGS", "-C link-dead-code")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_crate_is_compiled_and_all_of_its_code() {
        let command = compile(["one", "two"].into_iter(), "there").to_string();
        let flags = "RUSTFLAGS='-C link-dead-code'";
        assert_eq!(command, format!("{flags} cargo build --lib --target there -p one -p two"));
    }
}
