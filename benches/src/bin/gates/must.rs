//! What a row must be.

use std::fmt;

use serde::Serialize;

use crate::measured::Measured;

/// The gate of a row.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Must {
    /// No more than this.
    AtMost(f64),
    /// No less than this.
    AtLeast(f64),
    /// The same on both sides.
    Equal,
    /// Printed only.
    Informs,
}

/// How a row ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    Met,
    Missed,
    Informs,
    Skipped,
}

impl Must {
    /// The figure that counts, which of all repeats is the nearest to the gate, and the verdict.
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

impl fmt::Display for Must {
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
    fn the_repeat_nearest_to_the_gate_counts() {
        let measured = Measured::Ratios(vec![1.2, 1.0, 1.1]);
        assert_eq!(Must::AtMost(1.05).judge(&measured), (Some(1.0), Verdict::Met));
        assert_eq!(Must::AtMost(0.95).judge(&measured), (Some(1.0), Verdict::Missed));
        assert_eq!(Must::AtLeast(1.2).judge(&measured), (Some(1.2), Verdict::Met));
        assert_eq!(Must::AtLeast(1.3).judge(&measured), (Some(1.2), Verdict::Missed));
    }

    #[test]
    fn counts_are_equal_or_not() {
        let calls = |ours| Measured::Calls { ours, twin: 81, difference: String::new() };
        assert_eq!(Must::Equal.judge(&calls(81)).1, Verdict::Met);
        assert_eq!(Must::Equal.judge(&calls(80)).1, Verdict::Missed);
        assert_eq!(Must::Equal.judge(&calls(82)).1, Verdict::Missed);
    }

    #[test]
    fn what_was_not_measured_is_not_met() {
        let skipped = Measured::Skipped("no memory".to_owned());
        assert_eq!(Must::AtMost(9.0).judge(&skipped), (None, Verdict::Skipped));
    }
}
