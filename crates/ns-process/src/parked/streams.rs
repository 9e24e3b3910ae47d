//! The descriptors of a payload.

use std::format;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::prelude::rust_2024::*;

use super::call_list::{Call, CallList, Fd};
use super::numbers::F_DUPFD_CLOEXEC;
use crate::error::Error;
use crate::settings::Payload;
use crate::start::Opened;
use crate::start::gate::MAX_DESCRIPTORS;
use crate::step::Step;

/// The open files of a payload: those of its descriptors, and that of its program.
#[derive(Debug)]
pub(super) struct Streams<'a> {
    opened: Opened,
    program: Option<BorrowedFd<'a>>,
}

impl<'a> Streams<'a> {
    /// Opens the files. Opening may block.
    pub(super) fn open(name: &str, payload: &'a Payload) -> Result<Self, Error> {
        let program = payload.program_fd.as_deref().map(AsFd::as_fd);
        let opened = Opened::new(name, &payload.descriptors)?;
        let streams = Self { opened, program };
        if streams.placed().count() >= MAX_DESCRIPTORS {
            let object = "fd: a payload has at most 15 descriptors";
            return Err(Error::new(name, Step::Check).with_object(object));
        }
        Ok(streams)
    }

    /// Each number that gets a file, with the file.
    fn placed(&self) -> impl Iterator<Item = (RawFd, BorrowedFd<'_>)> {
        self.opened.placed()
    }

    /// The files to send, in order: the program is the last.
    pub(super) fn files(&self) -> Vec<BorrowedFd<'_>> {
        self.placed().map(|(_, file)| file).chain(self.program).collect()
    }

    /// Whether `number` gets a file.
    pub(super) fn places(&self, number: RawFd) -> bool {
        self.placed().any(|(to, _)| to == number)
    }

    /// The call that duplicates a descriptor above all numbers that get a file.
    pub(super) fn copy_above(&self, fd: Fd) -> Call {
        let above = self.placed().map(|(to, _)| u64::from(to.unsigned_abs()) + 1).max();
        Call::on(libc::SYS_fcntl, fd, [F_DUPFD_CLOEXEC, above.unwrap_or(0)])
    }

    /// Adds the calls that place the files, and returns the program. The received files are at any
    /// free numbers, so all are first moved above those that are placed.
    pub(super) fn push_to(&self, list: &mut CallList) -> Option<Fd> {
        let mut moved = Vec::new();
        for (index, (to, _)) in self.placed().enumerate() {
            let call = self.copy_above(Fd::Received(index));
            let step = list.push_step(call, Step::PlaceFd, format!("{to}").as_bytes());
            moved.push((to, step));
        }
        let program = self.program.map(|_| {
            let call = self.copy_above(Fd::Received(moved.len()));
            Fd::Result(list.push_step(call, Step::PlaceFd, b"program_fd"))
        });
        for (to, step) in moved {
            let args = [u64::from(to.unsigned_abs()), 0];
            let call = Call::on(libc::SYS_dup3, Fd::Result(step), args);
            list.push_step(call, Step::PlaceFd, format!("{to}").as_bytes());
        }
        program
    }

    /// The caller's ends of the pipes at 0 to 2.
    pub(super) fn take_pipes(mut self) -> [Option<OwnedFd>; 3] {
        self.opened.take_pipes()
    }
}
