//! What a start's price may depend on.

use std::io;

use benches::memory::{GB, MB, available};

use crate::point;
use crate::subject::Subject;
use crate::table::{Figure, Table};

/// A quantity of the caller, at which values it is measured, and of whom.
pub(crate) struct Axis {
    pub(crate) name: &'static str,
    /// Of the quantity.
    pub(crate) title: &'static str,
    /// Of the figures.
    pub(crate) unit: &'static str,
    pub(crate) values: &'static [(usize, &'static str)],
    pub(crate) subjects: &'static [Subject],
}

const MICROSECONDS: &str = "µs to start and join";

pub(crate) const AXES: &[Axis] = &[
    Axis {
        name: "memory",
        title: "memory of the caller",
        unit: MICROSECONDS,
        values: &[(0, "0"), (100 * MB, "100 MB"), (GB, "1 GB"), (4 * GB, "4 GB")],
        subjects: &[
            Subject::Ours,
            Subject::Std,
            Subject::Fork,
            Subject::Unshare,
            Subject::Hakoniwa,
        ],
    },
    Axis {
        name: "threads",
        title: "threads of the caller",
        unit: MICROSECONDS,
        values: &[(1, "1"), (8, "8"), (64, "64")],
        subjects: &[
            Subject::Ours,
            Subject::Floor,
            Subject::Fork,
            Subject::Unshare,
            Subject::Hakoniwa,
        ],
    },
    Axis {
        name: "mounts",
        title: "mounts that the caller sees",
        unit: MICROSECONDS,
        values: &[(20, "20"), (100, "100"), (400, "400")],
        subjects: &[Subject::Ours, Subject::Floor, Subject::Unshare, Subject::Hakoniwa],
    },
    Axis {
        name: "extents",
        title: "extents of each map",
        unit: MICROSECONDS,
        values: &[(1, "1"), (10, "10"), (340, "340")],
        subjects: &[Subject::Ours, Subject::Unshare],
    },
    Axis {
        name: "starters",
        title: "threads that start at once",
        unit: "starts a second",
        values: &[(1, "1"), (2, "2"), (4, "4"), (8, "8")],
        subjects: &[Subject::Ours, Subject::Floor, Subject::Unshare],
    },
];

impl Axis {
    /// The one of this name.
    pub(crate) fn named(name: &str) -> io::Result<&'static Self> {
        let unknown = || io::Error::other(format!("{name}: no such axis"));
        AXES.iter().find(|axis| axis.name == name).ok_or_else(unknown)
    }

    /// Each subject at each value.
    pub(crate) fn measure(&'static self) -> io::Result<Table> {
        let columns = self.values.iter().map(|(value, _)| self.column(*value));
        let columns: Vec<Vec<Figure>> = columns.collect::<io::Result<_>>()?;
        Ok(Table { axis: self, columns })
    }

    fn column(&self, value: usize) -> io::Result<Vec<Figure>> {
        match self.impossible(value) {
            Some(reason) => Ok(vec![Figure::Skipped(reason); self.subjects.len()]),
            None => point::measure(self, value),
        }
    }

    /// Why a value cannot be had here.
    fn impossible(&self, value: usize) -> Option<String> {
        let free = available();
        match self.name {
            "memory" if free < value * 2 => Some(format!("{} GB are free", free / GB)),
            "extents" if value > 1 && !rustix::process::geteuid().is_root() => {
                Some("needs root".to_owned())
            }
            _ => None,
        }
    }
}
