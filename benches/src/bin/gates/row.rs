//! A row of the table.

use crate::gate::Gate;
use crate::measured::Measured;

/// A measurement and its gate.
pub(crate) struct Row {
    /// Names the two sides of the ratio, or the counted events.
    pub(crate) name: &'static str,
    pub(crate) gate: Gate,
    /// Whether the row also holds on a busy machine.
    pub(crate) robust: bool,
    pub(crate) measure: fn() -> Measured,
}

/// Creates a row that measures time and needs an idle machine.
pub(crate) const fn timed(name: &'static str, gate: Gate, measure: fn() -> Measured) -> Row {
    Row { name, gate, robust: false, measure }
}

/// Creates a row that holds on any machine.
pub(crate) const fn robust(name: &'static str, gate: Gate, measure: fn() -> Measured) -> Row {
    Row { name, gate, robust: true, measure }
}
