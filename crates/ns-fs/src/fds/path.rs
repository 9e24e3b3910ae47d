//! A file that is given by its path, and how it is opened.

use std::format;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::prelude::rust_2024::*;
use std::time::Instant;

use super::error::FdError;
use super::fifo::open_until;

/// A path of the caller.
#[derive(Clone, Debug)]
pub(super) struct PathFile {
    pub(super) path: PathBuf,
    /// `None`: the descriptor number decides.
    pub(super) access: Option<Access>,
}

/// The access mode of open(2), and what it does with a missing or an existing file.
#[derive(Clone, Copy, Debug)]
pub(super) enum Access {
    Read,
    Append,
    Create,
    ReadWrite,
}

impl PathFile {
    /// Opens the file; a deadline limits the wait for a FIFO's peer.
    pub(super) fn open(&self, number: RawFd, deadline: Option<Instant>) -> io::Result<File> {
        let options = self.access(number).options();
        match deadline {
            Some(deadline) => open_until(&options, &self.path, deadline),
            None => options.open(&self.path),
        }
    }

    /// Returns the system call that opens the file at `number`.
    pub(super) fn describe(&self, number: RawFd) -> String {
        format!("openat({}, {})", self.name(), self.access(number).flags())
    }

    /// Returns the quoted path.
    pub(super) fn name(&self) -> String {
        format!("{:?}", self.path.to_string_lossy())
    }

    /// Checks the path, without a system call.
    pub(super) fn check(&self, number: RawFd) -> Result<(), FdError> {
        match self.path.as_os_str().as_bytes() {
            [] => Err(FdError::Empty { number }),
            path if path.contains(&0) => Err(FdError::Nul { number, path: self.path.clone() }),
            _ => Ok(()),
        }
    }

    fn access(&self, number: RawFd) -> Access {
        self.access.unwrap_or(match number {
            0 => Access::Read,
            1 | 2 => Access::Append,
            _ => Access::ReadWrite,
        })
    }
}

impl Access {
    fn options(self) -> OpenOptions {
        let mut options = OpenOptions::new();
        match self {
            Self::Read => options.read(true),
            Self::Append => options.append(true).create(true),
            Self::Create => options.write(true).create(true).truncate(true),
            Self::ReadWrite => options.read(true).write(true),
        };
        options
    }

    fn flags(self) -> &'static str {
        match self {
            Self::Read => "O_RDONLY",
            Self::Append => "O_WRONLY | O_CREAT | O_APPEND",
            Self::Create => "O_WRONLY | O_CREAT | O_TRUNC",
            Self::ReadWrite => "O_RDWR",
        }
    }
}
