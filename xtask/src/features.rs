//! Each library crate with no feature, each alone, and all.

use anyhow::Result;
use cargo_metadata::Package;

use crate::command::Cmd;
use crate::outcome::Outcome;
use crate::workspace;

pub(crate) fn run() -> Result<Outcome> {
    let metadata = workspace::metadata()?;
    for package in workspace::libraries(&metadata) {
        for choice in choices(package) {
            check(&package.name, &choice).run()?;
        }
    }
    Ok(Outcome::Passed)
}

fn choices(package: &Package) -> Vec<String> {
    let mut choices = vec!["--no-default-features".to_owned()];
    let alone = |feature| format!("--no-default-features --features {feature}");
    choices.extend(package.features.keys().map(alone));
    if !package.features.is_empty() {
        choices.push("--all-features".to_owned());
    }
    choices
}

/// Clippy rather than check: it fails on warnings without making every dependency compile again.
fn check(package: &str, choice: &str) -> Cmd {
    Cmd::cargo(&format!("clippy --quiet -p {package} --lib {choice} -- -D warnings"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_says_which_features_there_are() {
        let metadata = workspace::metadata().unwrap();
        let sys = workspace::libraries(&metadata).find(|package| package.name.as_str() == "ns-sys");
        let choices = choices(sys.unwrap());
        assert_eq!(choices.first().unwrap(), "--no-default-features");
        assert!(choices.contains(&"--no-default-features --features std".to_owned()));
        assert_eq!(choices.last().unwrap(), "--all-features");
    }
}
