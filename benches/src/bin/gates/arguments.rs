//! What the program is called with.

use std::io;
use std::path::PathBuf;

use crate::row::Row;

/// Its jobs: the rows, and what copies of it do for them.
pub(crate) enum Arguments {
    Rows(Wish),
    /// Start and join when told to, with so many bytes resident.
    Serve {
        bytes: usize,
    },
    /// Count the system calls of a subject.
    Count {
        subject: String,
    },
}

/// Which rows, and where they are written.
#[derive(Default)]
pub(crate) struct Wish {
    pub(crate) folder: Option<PathBuf>,
    robust: bool,
    only: Option<String>,
}

impl Arguments {
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> io::Result<Self> {
        let mut wish = Wish::default();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| said(&format!("{word}: of what?")));
            match word.as_str() {
                "serve" => {
                    return Ok(Self::Serve { bytes: value()?.parse().map_err(io::Error::other)? });
                }
                "count" => return Ok(Self::Count { subject: value()? }),
                "--robust" => wish.robust = true,
                "--only" => wish.only = Some(value()?),
                folder if !folder.starts_with('-') => wish.folder = Some(folder.into()),
                unknown => return Err(said(&format!("{unknown}: no such option"))),
            }
        }
        Ok(Self::Rows(wish))
    }
}

impl Wish {
    pub(crate) fn wants(&self, row: &Row) -> bool {
        let named = self.only.as_ref().is_none_or(|text| row.name.contains(text));
        named && (row.robust || !self.robust)
    }
}

fn said(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text)
}
