//! Measuring in processes that differ: copies of this program, one turn here, one turn there.

use std::env;
use std::io::{self, Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::pairs::time;

/// A copy of this program that measures when it is told to.
#[derive(Debug)]
pub struct Helper(Child);

impl Helper {
    /// Starts this program again with arguments that make it call [`serve`].
    ///
    /// # Errors
    /// Those of starting a program.
    pub fn start(arguments: &[&str]) -> io::Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        Ok(Self(command.spawn()?))
    }

    /// How long the helper's work takes, once.
    ///
    /// # Errors
    /// When the helper has ended.
    pub fn turn(&mut self) -> io::Result<Duration> {
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        self.0.stdin.as_mut().ok_or_else(gone)?.write_all(b"x")?;
        let mut nanoseconds = [0; 8];
        self.0.stdout.as_mut().ok_or_else(gone)?.read_exact(&mut nanoseconds)?;
        Ok(Duration::from_nanos(u64::from_ne_bytes(nanoseconds)))
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // The helper ends when its input does.
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// The helper's side: times `work` each time it is told to, until its input ends.
///
/// # Errors
/// When nobody reads the answers.
pub fn serve(mut work: impl FnMut()) -> io::Result<()> {
    let (mut input, mut output) = (io::stdin(), io::stdout());
    while input.read(&mut [0])? == 1 {
        let nanoseconds = u64::try_from(time(&mut work).as_nanos()).unwrap_or(u64::MAX);
        output.write_all(&nanoseconds.to_ne_bytes())?;
        output.flush()?;
    }
    Ok(())
}
