//! The limit that a row of the table must meet, and whether it meets it.

use std::fmt;

use serde::Serialize;

use crate::measured::Measured;

/// The limit of a row.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Gate {
    /// The value must be at most this.
    AtMost(f64),
    /// The value must be at least this.
    AtLeast(f64),
    /// Both sides must be equal.
    Equal,
    /// The row has no limit.
    Informs,
}

/// The verdict of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    Met,
    Missed,
    Informs,
    Skipped,
}

impl Gate {
    /// Returns the value that counts, which is that of the repeat nearest to the limit, and the verdict.
    pub(crate) fn judge(self, measured: &Measured) -> (Option<f64>, Verdict) {
        let values = measured.values();
        let Some(least) = values.iter().copied().reduce(f64::min) else {
            return (None, Verdict::Skipped);
        };
        let most = values.into_iter().fold(least, f64::max);
        let (value, holds) = match self {
            Self::AtMost(limit) => (least, least <= limit),
            Self::AtLeast(limit) => (most, most >= limit),
            Self::Equal => (least, least.max(most).total_cmp(&1.0).is_eq()),
            Self::Informs => return (Some(least), Verdict::Informs),
        };
        (Some(value), if holds { Verdict::Met } else { Verdict::Missed })
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(limit) => write!(f, "at most {limit}"),
            Self::AtLeast(limit) => write!(f, "at least {limit}"),
            Self::Equal => f.write_str("equal"),
            Self::Informs => f.write_str("informs"),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Met => "met",
            Self::Missed => "**missed**",
            Self::Informs => "",
            Self::Skipped => "skipped",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repeat_nearest_to_the_limit_counts() {
        let measured = Measured::Ratios(vec![1.2, 1.0, 1.1]);
        assert_eq!(Gate::AtMost(1.05).judge(&measured), (Some(1.0), Verdict::Met));
        assert_eq!(Gate::AtMost(0.95).judge(&measured), (Some(1.0), Verdict::Missed));
        assert_eq!(Gate::AtLeast(1.2).judge(&measured), (Some(1.2), Verdict::Met));
        assert_eq!(Gate::AtLeast(1.3).judge(&measured), (Some(1.2), Verdict::Missed));
    }

    #[test]
    fn equal_counts_meet_the_gate() {
        let calls = |ours| Measured::Calls { ours, floor: 81, difference: String::new() };
        assert_eq!(Gate::Equal.judge(&calls(81)).1, Verdict::Met);
        assert_eq!(Gate::Equal.judge(&calls(80)).1, Verdict::Missed);
        assert_eq!(Gate::Equal.judge(&calls(82)).1, Verdict::Missed);
    }

    #[test]
    fn a_skipped_row_is_not_met() {
        let skipped = Measured::Skipped("no memory".to_owned());
        assert_eq!(Gate::AtMost(9.0).judge(&skipped), (None, Verdict::Skipped));
    }
}
