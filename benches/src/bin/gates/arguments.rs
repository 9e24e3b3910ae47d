//! The command line.

use std::io;
use std::path::PathBuf;

use crate::row::Row;

/// The task of this process: to measure rows, or to be the helper process in the measurement of a row.
pub(crate) enum Arguments {
    Rows(Selection),
    /// Start and join on request, with this many resident bytes.
    Serve {
        bytes: usize,
    },
    /// Count the system calls of a subject.
    Count {
        subject: String,
    },
}

/// The rows to measure, and the directory for the results.
#[derive(Default)]
pub(crate) struct Selection {
    pub(crate) directory: Option<PathBuf>,
    robust: bool,
    only: Option<String>,
}

impl Arguments {
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> io::Result<Self> {
        let mut selection = Selection::default();
        while let Some(word) = words.next() {
            let mut value =
                || words.next().ok_or_else(|| invalid(&format!("{word} requires a value")));
            match word.as_str() {
                "serve" => {
                    return Ok(Self::Serve { bytes: value()?.parse().map_err(io::Error::other)? });
                }
                "count" => return Ok(Self::Count { subject: value()? }),
                "--robust" => selection.robust = true,
                "--only" => selection.only = Some(value()?),
                directory if !directory.starts_with('-') => {
                    selection.directory = Some(directory.into());
                }
                unknown => return Err(invalid(&format!("unknown option: {unknown}"))),
            }
        }
        Ok(Self::Rows(selection))
    }
}

impl Selection {
    pub(crate) fn contains(&self, row: &Row) -> bool {
        let is_named = self.only.as_ref().is_none_or(|text| row.name.contains(text));
        is_named && (row.robust || !self.robust)
    }
}

fn invalid(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text)
}
