//! The gates that hold the speed.

use anyhow::Result;

use crate::command::Cmd;
use crate::outcome::Outcome;

/// The rows of `only`, or all; the tables go to `target/gates`.
pub(crate) fn run(robust: bool, only: Option<&str>) -> Result<Outcome> {
    command(robust, only).run()?;
    Ok(Outcome::Passed)
}

/// The rows that hold on any machine, however busy: counts, and flatness in memory.
pub(crate) fn robust() -> Cmd {
    command(true, None)
}

fn command(robust: bool, only: Option<&str>) -> Cmd {
    let mut words =
        vec!["run", "--release", "-p", "benches", "--bin", "gates", "--", "target/gates"];
    if robust {
        words.push("--robust");
    }
    if let Some(text) = only {
        words.extend(["--only", text]);
    }
    Cmd::new("cargo", &words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_choice_of_rows_is_passed_on() {
        let all = "cargo run --release -p benches --bin gates -- target/gates";
        assert_eq!(command(false, None).to_string(), all);
        let some = command(true, Some("raw floor")).to_string();
        assert_eq!(some, format!("{all} --robust --only 'raw floor'"));
    }
}
