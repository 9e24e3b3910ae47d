//! How a verb ended, when it did not fail.

use std::fmt;

/// A verb that could not look says so; it must not read as one that looked and found nothing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    /// Not or not wholly run, and why.
    Skipped(String),
}

impl Outcome {
    /// Passed, unless there are reasons why something was left out.
    pub(crate) fn unless_skipped(reasons: &[String]) -> Self {
        if reasons.is_empty() { Self::Passed } else { Self::Skipped(reasons.join("; ")) }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => f.write_str("ok"),
            Self::Skipped(reason) => write!(f, "skipped: {reason}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_never_lost() {
        let reasons = ["no network".to_owned(), "no rustup".to_owned()];
        let outcome = Outcome::unless_skipped(&reasons);
        assert_eq!(outcome.to_string(), "skipped: no network; no rustup");
        assert_eq!(Outcome::unless_skipped(&[]), Outcome::Passed);
    }
}
