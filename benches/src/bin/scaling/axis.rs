//! The quantities on which the time of a start may depend.

use std::io;

use benches::memory::{GB, MB, available};

use crate::point;
use crate::subject::Subject;
use crate::table::{Figure, Table};

/// A quantity of the caller, its values, and the measured subjects.
pub(crate) struct Axis {
    pub(crate) name: &'static str,
    /// The title of the quantity.
    pub(crate) title: &'static str,
    /// The unit of the figures.
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
            Subject::NsProcess,
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
            Subject::NsProcess,
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
        subjects: &[Subject::NsProcess, Subject::Floor, Subject::Unshare, Subject::Hakoniwa],
    },
    Axis {
        name: "extents",
        title: "extents of each map",
        unit: MICROSECONDS,
        values: &[(1, "1"), (10, "10"), (340, "340")],
        subjects: &[Subject::NsProcess, Subject::Unshare],
    },
    Axis {
        name: "starters",
        title: "threads that start at once",
        unit: "starts a second",
        values: &[(1, "1"), (2, "2"), (4, "4"), (8, "8")],
        subjects: &[Subject::NsProcess, Subject::Floor, Subject::Unshare],
    },
];

impl Axis {
    /// Returns the axis with this name.
    pub(crate) fn named(name: &str) -> io::Result<&'static Self> {
        let unknown = || io::Error::other(format!("unknown axis: {name}"));
        AXES.iter().find(|axis| axis.name == name).ok_or_else(unknown)
    }

    /// Measures each subject at each value.
    pub(crate) fn measure(&'static self) -> io::Result<Table> {
        let columns = self.values.iter().map(|(value, _)| self.column(*value));
        let columns: Vec<Vec<Figure>> = columns.collect::<io::Result<_>>()?;
        Ok(Table { axis: self, columns })
    }

    fn column(&self, value: usize) -> io::Result<Vec<Figure>> {
        match self.skip_reason(value) {
            Some(reason) => Ok(vec![Figure::Skipped(reason); self.subjects.len()]),
            None => point::measure(self, value),
        }
    }

    /// Returns a reason if the value cannot be measured on this machine.
    fn skip_reason(&self, value: usize) -> Option<String> {
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
