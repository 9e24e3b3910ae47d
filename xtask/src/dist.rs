//! `space` as it is handed out: one static file, its manual pages and its completions.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use crate::tools::{Outcome, cargo, metadata, rustup};

/// The position of the program in memory is fixed, so that nothing must be relocated at its start. `first.ld` orders
/// its functions, and code and constants share one mapping: each saves page faults.
const FLAGS: [&str; 4] = [
    "-Ctarget-feature=+crt-static",
    "-Crelocation-model=static",
    concat!("-Clink-arg=-Wl,-T,", env!("CARGO_MANIFEST_DIR"), "/src/first.ld"),
    "-Clink-arg=-Wl,-z,noseparate-code",
];

pub(crate) fn run(sh: &Shell) -> Result<Outcome> {
    let program = build(sh)?;
    let share = program.with_file_name("share");
    cmd!(sh, "cargo run --quiet -p ns-space --example pages -- {share}").run()?;
    println!("{}\n{}", program.display(), share.display());
    Ok(Outcome::Passed)
}

/// Builds the program without a loader and shared libraries, and returns its path.
///
/// It has musl instead of glibc, whose start-up executes cpuid dozens of times: in a virtual machine each of them takes
/// microseconds.
pub(crate) fn build(sh: &Shell) -> Result<PathBuf> {
    let target = target(&cmd!(sh, "rustc --version --verbose").read()?)?;
    ensure!(rustup(sh, &format!("target add {target}")), "no standard library for {target} here");
    let _flags = sh.push_env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\x1f"));
    cargo(sh, &format!("build --quiet --profile dist -p ns-space --bin space --target {target}"))?;
    let target_directory = metadata(sh)?.target_directory.into_std_path_buf();
    Ok(target_directory.join(target).join("dist/space"))
}

/// The musl target of the host, from the output of `rustc --version --verbose`.
fn target(version: &str) -> Result<String> {
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let (system, _) =
        host.and_then(|host| host.rsplit_once('-')).context("rustc reports no host")?;
    Ok(format!("{system}-musl"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_is_that_of_the_host_with_musl() {
        let of = |host| target(&format!("rustc 1.85.0\nhost: {host}\nrelease: 1.85.0\n")).unwrap();
        assert_eq!(of("x86_64-unknown-linux-gnu"), "x86_64-unknown-linux-musl");
        assert_eq!(of("aarch64-unknown-linux-musl"), "aarch64-unknown-linux-musl");
        assert!(target("rustc 1.85.0\n").is_err());
    }
}
