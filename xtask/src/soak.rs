//! Starts, injects, kills and drops for as long as one likes, and what they leave behind.

use anyhow::Result;

use crate::command::Cmd;
use crate::outcome::Outcome;

pub(crate) fn run(minutes: u64, threads: u64) -> Result<Outcome> {
    command(minutes, threads).run()?;
    Ok(Outcome::Passed)
}

fn command(minutes: u64, threads: u64) -> Cmd {
    Cmd::cargo(&format!("run --quiet --release -p fuzz --bin soak -- {} {threads}", minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_are_sixty_seconds() {
        assert!(command(2, 8).to_string().ends_with("--bin soak -- 120 8"));
    }
}
