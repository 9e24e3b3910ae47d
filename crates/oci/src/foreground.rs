//! A program in the foreground: this process waits for it, and passes signals on.

use std::os::unix::net::UnixStream;
use std::process::ExitStatus;
use std::thread;

use anyhow::{Context, Result};
use ns_process::{Process, Signal};
use signal_hook::consts::{FORBIDDEN, SIGBUS, SIGCHLD, SIGPIPE, SIGSYS, SIGTRAP, SIGURG, SIGWINCH};
use signal_hook::iterator::Signals;

use crate::terminal::Terminal;

/// The signals that are caught: all that can be, except those that this process causes itself.
fn caught() -> impl Iterator<Item = i32> {
    let own = [SIGBUS, SIGCHLD, SIGPIPE, SIGSYS, SIGTRAP, SIGURG];
    // The C library uses 32 and 33.
    let all = (1..32).chain(34..65).filter(move |signal| !own.contains(signal));
    all.filter(|signal| !FORBIDDEN.contains(signal))
}

/// Waits for a process that `start` starts. Signals that arrive from then on are passed on.
///
/// `socket` receives the terminal of the program, if it has one.
pub(crate) fn run(
    start: impl FnOnce() -> Result<Process>,
    socket: Option<&UnixStream>,
) -> Result<ExitStatus> {
    let mut signals = Signals::new(caught()).context("signal handlers")?;
    let handle = signals.handle();
    let process = start()?;
    let terminal = socket.map(Terminal::show).transpose()?;
    let status = thread::scope(|scope| {
        scope.spawn(|| {
            for number in signals.forever() {
                match (&terminal, number) {
                    (Some(terminal), SIGWINCH) => terminal.resize(),
                    _ => pass_on(&process, number),
                }
            }
        });
        let status = process.join();
        handle.close();
        status
    })?;
    if let Some(terminal) = terminal {
        terminal.finish();
    }
    Ok(status)
}

fn pass_on(process: &Process, number: i32) {
    if let Some(signal) = Signal::from_raw(number) {
        // The process may have exited.
        let _ = process.signal(signal);
    }
}
