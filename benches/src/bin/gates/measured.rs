//! The result of a row.

use std::fmt;

/// One value for each repeat, or the reason why the row was skipped.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Measured {
    /// Median ratios.
    Ratios(Vec<f64>),
    /// Median times in seconds.
    Times(Vec<f64>),
    /// The numbers of system calls of one start and join, and the differences.
    Calls {
        ours: usize,
        floor: usize,
        difference: String,
    },
    /// The number of allocations.
    Count(u32),
    Skipped(String),
}

impl Measured {
    /// Returns the values, none if the row was skipped.
    #[expect(clippy::cast_precision_loss, reason = "counts of calls are small")]
    pub(crate) fn values(&self) -> Vec<f64> {
        match self {
            Self::Ratios(values) | Self::Times(values) => values.clone(),
            Self::Calls { ours, floor, .. } => vec![*ours as f64 / *floor as f64],
            Self::Count(count) => vec![f64::from(*count)],
            Self::Skipped(_) => Vec::new(),
        }
    }

    /// Adds the repeats of a later measurement of the same row.
    pub(crate) fn with_repeats(self, again: Self) -> Self {
        match (self, again) {
            (Self::Ratios(values), Self::Ratios(more)) => Self::Ratios([values, more].concat()),
            (Self::Times(values), Self::Times(more)) => Self::Times([values, more].concat()),
            (_, again) => again,
        }
    }

    /// Formats the result, with `value` as the one that is compared with the gate.
    pub(crate) fn format(&self, value: Option<f64>) -> String {
        match self {
            Self::Ratios(_) => value.map_or_else(String::new, |value| format!("{value:.2}x")),
            Self::Times(_) => {
                value.map_or_else(String::new, |value| format!("{:.2} us", value * 1e6))
            }
            other => other.to_string(),
        }
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ratios(values) => write!(f, "{values:.2?}"),
            Self::Times(values) => write!(f, "{values:.9?} s"),
            Self::Calls { ours, floor, difference } if difference.is_empty() => {
                write!(f, "{ours} and {floor}")
            }
            Self::Calls { ours, floor, difference } => {
                write!(f, "{ours} and {floor}: {difference}")
            }
            Self::Count(count) => write!(f, "{count}"),
            Self::Skipped(reason) => f.write_str(reason),
        }
    }
}
