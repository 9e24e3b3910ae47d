//! The counts that were checked in.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::workspace;

/// Counts, and the compiler whose code they are of.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Baseline {
    pub(super) compiler: String,
    pub(super) counts: BTreeMap<String, u64>,
}

impl Baseline {
    pub(super) fn load() -> Result<Self> {
        Self::parse(&fs::read_to_string(path())?).context("benches/instructions.txt is damaged")
    }

    pub(super) fn save(&self) -> Result<()> {
        Ok(fs::write(path(), self.text())?)
    }

    /// By which part of it a count has grown; `None` for a new one.
    #[expect(clippy::cast_precision_loss, reason = "no count is so large")]
    pub(super) fn change(&self, name: &str, count: u64) -> Option<f64> {
        let before = *self.counts.get(name)?;
        Some(count as f64 / before as f64 - 1.0)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let compiler = lines.next()?.to_owned();
        let counts = lines.map(|line| {
            let (name, count) = line.split_once(": ")?;
            Some((name.to_owned(), count.parse().ok()?))
        });
        Some(Self { compiler, counts: counts.collect::<Option<_>>()? })
    }

    fn text(&self) -> String {
        let lines = self.counts.iter().map(|(name, count)| format!("{name}: {count}\n"));
        [format!("{}\n", self.compiler)].into_iter().chain(lines).collect()
    }
}

fn path() -> PathBuf {
    workspace::root().join("benches/instructions.txt")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let counts = [("idmap/parse".to_owned(), 100), ("process/plan".to_owned(), 7)];
        let baseline = Baseline { compiler: "rustc 1.90".to_owned(), counts: counts.into() };
        assert_eq!(Baseline::parse(&baseline.text()), Some(baseline));
        assert_eq!(Baseline::parse("rustc 1.90\nidmap/parse: many\n"), None);
    }

    #[test]
    fn growth_is_a_part() {
        let counts = [("idmap/parse".to_owned(), 200)];
        let baseline = Baseline { compiler: String::new(), counts: counts.into() };
        assert_eq!(baseline.change("idmap/parse", 210).map(|by| (by * 100.0).round()), Some(5.0));
        assert_eq!(baseline.change("idmap/new", 1), None);
    }
}
