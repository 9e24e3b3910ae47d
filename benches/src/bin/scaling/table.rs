//! The table of an axis.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::axis::Axis;

/// The result of one subject at one value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Figure {
    Value(f64),
    /// Not measured, with the reason.
    Skipped(String),
}

impl Figure {
    /// Parses the output of [`line`](Self::line).
    pub(crate) fn parse(line: &str) -> Self {
        line.parse().map_or_else(|_| Self::Skipped(line.to_owned()), Self::Value)
    }

    pub(crate) fn line(&self) -> String {
        match self {
            Self::Value(value) => value.to_string(),
            Self::Skipped(reason) => reason.clone(),
        }
    }

    pub(crate) fn value(&self) -> Option<f64> {
        match self {
            Self::Value(value) => Some(*value),
            Self::Skipped(_) => None,
        }
    }

    /// Formats the figure with three significant digits and groups of thousands.
    pub(crate) fn cell(&self) -> String {
        let Self::Value(value) = self else { return self.line() };
        let step = 10_f64.powf((value.log10().floor() - 2.0).max(0.0));
        let digits = format!("{:.0}", (value / step).round() * step);
        let groups = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy);
        groups.collect::<Vec<_>>().join(" ")
    }
}

/// A table with a column for each value of the axis. A column has a figure for each subject.
pub(crate) struct Table {
    pub(crate) axis: &'static Axis,
    pub(crate) columns: Vec<Vec<Figure>>,
}

impl Table {
    pub(crate) fn markdown(&self) -> String {
        let Axis { title, unit, values, subjects, .. } = self.axis;
        let names = values.iter().map(|(_, name)| *name).collect::<Vec<_>>().join(" | ");
        let mut text = format!("| {unit}, by {title} | {names} |\n");
        writeln!(text, "|---|{}", "--:|".repeat(values.len())).expect("write to a string");
        for (row, subject) in subjects.iter().enumerate() {
            let cells = self.row(row).map(Figure::cell).collect::<Vec<_>>().join(" | ");
            writeln!(text, "| {} | {cells} |", subject.name()).expect("write to a string");
        }
        text
    }

    pub(crate) fn json(&self) -> Value {
        let Axis { name, title, unit, values, subjects } = self.axis;
        let values: Vec<_> = values.iter().map(|(_, name)| *name).collect();
        let rows = subjects.iter().enumerate().map(|(row, subject)| {
            let figures: Vec<_> = self.row(row).map(Figure::value).collect();
            json!({ "subject": subject.name(), "figures": figures })
        });
        let rows: Vec<_> = rows.collect();
        json!({ "axis": name, "title": title, "unit": unit, "values": values, "rows": rows })
    }

    /// Returns the figures of a subject.
    pub(crate) fn row(&self, subject: usize) -> impl Iterator<Item = &Figure> {
        self.columns.iter().map(move |column| &column[subject])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_have_three_digits() {
        let cell = |value| Figure::Value(value).cell();
        assert_eq!([cell(9.4), cell(98.6), cell(412.4)], ["9", "99", "412"]);
        assert_eq!([cell(57_376.0), cell(1_234_567.0)], ["57 400", "1 230 000"]);
    }

    #[test]
    fn figures_are_parsed_from_lines() {
        for figure in [Figure::Value(412.25), Figure::Skipped("needs root".to_owned())] {
            assert_eq!(Figure::parse(&figure.line()), figure);
        }
    }
}
