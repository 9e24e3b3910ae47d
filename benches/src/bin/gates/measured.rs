//! What came out of a row.

use std::fmt;

/// A figure of each repeat, or why there is none.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Measured {
    /// Medians of pairs.
    Ratios(Vec<f64>),
    /// Medians of seconds.
    Times(Vec<f64>),
    /// System calls of one start and join, and where the two sides differ.
    Calls {
        ours: usize,
        twin: usize,
        difference: String,
    },
    /// Of allocations.
    Count(u32),
    Skipped(String),
}

impl Measured {
    /// None, if it was skipped.
    #[expect(clippy::cast_precision_loss, reason = "counts of calls are small")]
    pub(crate) fn values(&self) -> Vec<f64> {
        match self {
            Self::Ratios(values) | Self::Times(values) => values.clone(),
            Self::Calls { ours, twin, .. } => vec![*ours as f64 / *twin as f64],
            Self::Count(count) => vec![f64::from(*count)],
            Self::Skipped(_) => Vec::new(),
        }
    }

    /// Those of the same row, measured again.
    pub(crate) fn with_repeats(self, again: Self) -> Self {
        match (self, again) {
            (Self::Ratios(values), Self::Ratios(more)) => Self::Ratios([values, more].concat()),
            (Self::Times(values), Self::Times(more)) => Self::Times([values, more].concat()),
            (_, again) => again,
        }
    }

    /// With the figure that counts.
    pub(crate) fn told(&self, value: Option<f64>) -> String {
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
            Self::Calls { ours, twin, difference } if difference.is_empty() => {
                write!(f, "{ours} and {twin}")
            }
            Self::Calls { ours, twin, difference } => write!(f, "{ours} and {twin}: {difference}"),
            Self::Count(count) => write!(f, "{count}"),
            Self::Skipped(reason) => f.write_str(reason),
        }
    }
}
