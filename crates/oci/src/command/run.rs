//! `run`: creates and starts a container, waits for it, and deletes it.

use std::process::{ExitCode, ExitStatus};

use anyhow::{Context as _, Result};

use super::create::{Created, create};
use super::{Context, delete, leave, start};
use crate::{cli, foreground};

pub(super) fn run(context: &Context<'_>, args: &cli::Run) -> Result<ExitCode> {
    let Created { creation, parked, terminal } = create(context, &args.create, !args.detach)?;
    let mut record = creation.record();
    let entry = &creation.entry;
    let start = || {
        let mut process = None;
        let started = start::start(context, entry, &mut record, |_| {
            process = Some(parked.release()?);
            Ok(())
        });
        started.and_then(|()| entry.unlock()).and_then(|()| process.context("no process"))
    };
    let ended = if args.detach {
        start().map(|process| {
            leave(process);
            None
        })
    } else {
        foreground::run(start, terminal.as_ref()).map(Some)
    };
    match ended {
        Ok(None) => Ok(ExitCode::SUCCESS),
        Ok(Some(status)) => {
            if !args.keep {
                delete::run(context, &args.create.id, true)?;
            }
            Ok(code(status))
        }
        Err(error) => {
            // The first error is the one to report.
            let _ = delete::delete(context, entry, &creation.record());
            Err(error)
        }
    }
}

/// The exit status of the program; of one that a signal killed, 128 and the signal, as in a shell.
pub(super) fn code(status: ExitStatus) -> ExitCode {
    use std::os::unix::process::ExitStatusExt;
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(255))
}
