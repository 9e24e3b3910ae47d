//! The terminal of a program in the foreground: it is shown on the terminal of the caller.

use std::fs::File;
use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};
use rustix::termios::{
    OptionalActions, Termios, isatty, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize,
};

use crate::fd_message::receive;

/// A terminal that is shown. Dropping it restores the terminal of the caller.
pub(crate) struct Terminal {
    master: Arc<File>,
    /// The attributes of standard input, if it is a terminal.
    saved: Option<Termios>,
    output: Option<JoinHandle<()>>,
}

impl Terminal {
    /// Receives the master from a start, and shows it until the program has closed its terminal.
    pub(crate) fn show(socket: &UnixStream) -> Result<Self> {
        let master = Arc::new(File::from(receive(socket).context("the terminal")?));
        let mut terminal = Self { master, saved: None, output: None };
        terminal.resize();
        if isatty(io::stdin()) {
            terminal.saved = Some(make_raw()?);
        }
        let (input, output) = (Arc::clone(&terminal.master), Arc::clone(&terminal.master));
        // This thread ends with the process: a read of standard input cannot be interrupted.
        thread::spawn(move || copy(&mut io::stdin(), &mut &*input));
        terminal.output = Some(thread::spawn(move || copy(&mut &*output, &mut io::stdout())));
        Ok(terminal)
    }

    /// Gives the terminal the size of the caller's.
    pub(crate) fn resize(&self) {
        // What has no size is no terminal.
        if let Ok(size) = tcgetwinsize(io::stdin()) {
            let _ = tcsetwinsize(&self.master, size);
        }
    }

    /// Waits until all output is shown.
    pub(crate) fn finish(mut self) {
        if let Some(output) = self.output.take() {
            let _ = output.join();
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(saved) = &self.saved {
            let _ = tcsetattr(io::stdin(), OptionalActions::Drain, saved);
        }
    }
}

/// Passes every byte on, as the terminal of the program interprets them. Returns the attributes before.
fn make_raw() -> Result<Termios> {
    let saved = tcgetattr(io::stdin()).context("tcgetattr")?;
    let mut raw = saved.clone();
    raw.make_raw();
    tcsetattr(io::stdin(), OptionalActions::Flush, &raw).context("tcsetattr")?;
    Ok(saved)
}

/// Copies until the end, or until an error: the read of a master fails once the terminal is closed.
fn copy(from: &mut impl io::Read, to: &mut impl io::Write) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..count]).and_then(|()| to.flush()).is_err() {
            return;
        }
    }
}
