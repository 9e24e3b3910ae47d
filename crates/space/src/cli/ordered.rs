//! Options whose order on the command line matters.

use std::ffi::OsString;

use clap::ArgMatches;

/// An option on the command line, with its values.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    /// The name without dashes.
    pub(crate) name: &'static str,
    values: Vec<OsString>,
}

impl Given {
    /// An option with as many values as it takes.
    pub(crate) fn new(name: &'static str, values: Vec<OsString>) -> Self {
        Self { name, values }
    }

    /// Returns the values of an option that takes `N` of them.
    pub(crate) fn values<const N: usize>(&self) -> [&OsString; N] {
        // The parser has checked the number of values.
        std::array::from_fn(|at| &self.values[at])
    }

    /// Returns all values.
    pub(crate) fn words(&self) -> impl Iterator<Item = &OsString> {
        self.values.iter()
    }
}

/// Returns each occurrence of these options, in the order of the command line.
pub(crate) fn in_order(
    matches: &ArgMatches,
    names: impl IntoIterator<Item = &'static str>,
) -> Vec<Given> {
    let mut all: Vec<_> = names.into_iter().flat_map(|name| occurrences(matches, name)).collect();
    all.sort_by_key(|(index, _)| *index);
    all.into_iter().map(|(_, given)| given).collect()
}

/// Returns each occurrence of an option, with the index of its last value.
fn occurrences(matches: &ArgMatches, name: &'static str) -> Vec<(usize, Given)> {
    let mut indices = matches.indices_of(name).into_iter().flatten();
    let occurrences = matches.get_occurrences::<OsString>(name).into_iter().flatten();
    let occurrences = occurrences.filter_map(|values| {
        let values: Vec<_> = values.cloned().collect();
        // Each value has an index of its own.
        let index = indices.nth(values.len().checked_sub(1)?)?;
        Some((index, Given { name, values }))
    });
    occurrences.collect()
}
