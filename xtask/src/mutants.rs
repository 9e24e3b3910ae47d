//! Mutation testing of one crate: which changes of its code no test notices.

use anyhow::{Result, ensure};

use crate::command::Cmd;
use crate::outcome::Outcome;

/// Runs cargo-mutants on `package`; with `shard`, as `1/4`, only that part.
pub(crate) fn run(package: &str, shard: Option<&str>) -> Result<Outcome> {
    let installed = Cmd::cargo("mutants --version").read().is_ok();
    ensure!(installed, "cargo-mutants is missing: cargo install cargo-mutants");
    command(package, shard).run()?;
    Ok(Outcome::Passed)
}

fn command(package: &str, shard: Option<&str>) -> Cmd {
    let part = shard.map(|part| format!(" --shard {part}")).unwrap_or_default();
    Cmd::cargo(&format!("mutants --package {package} --output target{part}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_passed_on() {
        let whole = "cargo mutants --package ns-idmap --output target";
        assert_eq!(command("ns-idmap", None).to_string(), whole);
        assert_eq!(command("ns-idmap", Some("1/4")).to_string(), format!("{whole} --shard 1/4"));
    }
}
