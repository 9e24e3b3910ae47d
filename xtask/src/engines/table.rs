//! The results of all cases, and the verdict.

use std::fmt::{self, Display};

/// How a case ended with one runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Passed,
    /// What was different, in one line.
    Failed(String),
    /// The condition that does not hold here.
    Skipped(String),
}

/// A case, and its result with each runtime. The first runtime is the one under test.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) case: String,
    pub(super) verdicts: Vec<Verdict>,
}

#[derive(Debug)]
pub(super) struct Table {
    pub(super) runtimes: Vec<String>,
    pub(super) rows: Vec<Row>,
}

impl Verdict {
    fn word(&self) -> &'static str {
        match self {
            Self::Passed => "pass",
            Self::Failed(_) => "FAIL",
            Self::Skipped(_) => "skip",
        }
    }

    /// Why the case did not pass.
    fn reason(&self) -> Option<&str> {
        match self {
            Self::Passed => None,
            Self::Failed(reason) | Self::Skipped(reason) => Some(reason),
        }
    }
}

impl Row {
    /// Whether the runtime under test failed where another one passed, or where there is no other one.
    fn counts(&self) -> bool {
        let Some((tested, compared)) = self.verdicts.split_first() else { return false };
        matches!(tested, Verdict::Failed(_))
            && (compared.is_empty() || compared.contains(&Verdict::Passed))
    }
}

impl Table {
    /// The cases that make the run a failure.
    pub(super) fn failures(&self) -> Vec<&str> {
        self.rows.iter().filter(|row| row.counts()).map(|row| row.case.as_str()).collect()
    }

    fn total(&self, runtime: usize, word: &str) -> usize {
        self.rows.iter().filter(|row| row.verdicts[runtime].word() == word).count()
    }
}

impl Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.rows.iter().map(|row| row.case.len()).max().unwrap_or_default();
        write!(f, "{:width$}", "case")?;
        self.runtimes.iter().try_for_each(|runtime| write!(f, "  {runtime:<8}"))?;
        for Row { case, verdicts } in &self.rows {
            write!(f, "\n{case:width$}")?;
            verdicts.iter().try_for_each(|verdict| write!(f, "  {:<8}", verdict.word()))?;
            for (runtime, verdict) in self.runtimes.iter().zip(verdicts) {
                if let Some(reason) = verdict.reason() {
                    write!(f, "\n    {runtime}: {reason}")?;
                }
            }
        }
        for (index, runtime) in self.runtimes.iter().enumerate() {
            let [passed, failed, skipped] =
                ["pass", "FAIL", "skip"].map(|word| self.total(index, word));
            write!(f, "\n{runtime}: {passed} passed, {failed} failed, {skipped} skipped")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(verdicts: &[Verdict]) -> Table {
        let runtimes = ["ns-oci", "crun", "runc"][..verdicts.len()].iter();
        let row = Row { case: "a case".to_owned(), verdicts: verdicts.to_vec() };
        Table { runtimes: runtimes.map(ToString::to_string).collect(), rows: vec![row] }
    }

    #[test]
    fn a_failure_counts_unless_all_others_fail_too() {
        let failed = || Verdict::Failed("no".to_owned());
        assert_eq!(table(&[failed()]).failures(), ["a case"]);
        assert_eq!(table(&[failed(), failed(), Verdict::Passed]).failures(), ["a case"]);
        assert!(table(&[failed(), failed()]).failures().is_empty());
        assert!(table(&[Verdict::Passed, failed()]).failures().is_empty());
        assert!(table(&[Verdict::Skipped("no".to_owned())]).failures().is_empty());
    }

    #[test]
    fn the_table_has_the_reason_below_the_case() {
        let table = table(&[Verdict::Passed, Verdict::Failed("no output".to_owned())]);
        let text = table.to_string();
        assert!(text.contains("a case  pass      FAIL"), "{text}");
        assert!(text.contains("\n    crun: no output\n"), "{text}");
        assert!(text.ends_with("\ncrun: 0 passed, 1 failed, 0 skipped"), "{text}");
    }
}
