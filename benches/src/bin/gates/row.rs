//! A row of the table.

use crate::measured::Measured;
use crate::must::Must;

/// What is measured, what it must be, and how.
pub(crate) struct Row {
    /// What is divided by what, or what is counted.
    pub(crate) name: &'static str,
    pub(crate) must: Must,
    /// Whether it holds on a busy machine as well.
    pub(crate) robust: bool,
    pub(crate) measure: fn() -> Measured,
}

/// A row of time, which a busy machine disturbs.
pub(crate) const fn timed(name: &'static str, must: Must, measure: fn() -> Measured) -> Row {
    Row { name, must, robust: false, measure }
}

/// A row that holds everywhere.
pub(crate) const fn robust(name: &'static str, must: Must, measure: fn() -> Measured) -> Row {
    Row { name, must, robust: true, measure }
}
