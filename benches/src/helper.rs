//! Measurements in helper processes, which run this program again, so that two different processes can be compared.

use std::env;
use std::io::{self, Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::pairs::time;

/// A helper process that measures on request.
#[derive(Debug)]
pub struct Helper(Child);

impl Helper {
    /// Starts this program with arguments that make it call [`serve`].
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn start(arguments: &[&str]) -> io::Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        Ok(Self(command.spawn()?))
    }

    /// Makes the helper run its work once, and returns the duration.
    ///
    /// # Errors
    /// The helper has exited.
    pub fn measure(&mut self) -> io::Result<Duration> {
        let exited = || io::Error::from(io::ErrorKind::BrokenPipe);
        self.0.stdin.as_mut().ok_or_else(exited)?.write_all(b"x")?;
        let mut nanoseconds = [0; 8];
        self.0.stdout.as_mut().ok_or_else(exited)?.read_exact(&mut nanoseconds)?;
        Ok(Duration::from_nanos(u64::from_ne_bytes(nanoseconds)))
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // The helper exits at the end of its input.
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// Runs in the helper process: measures `work` on each request, until the end of the input.
///
/// # Errors
/// The results cannot be written.
pub fn serve(mut work: impl FnMut()) -> io::Result<()> {
    let (mut input, mut output) = (io::stdin(), io::stdout());
    while input.read(&mut [0])? == 1 {
        let nanoseconds = u64::try_from(time(&mut work).as_nanos()).unwrap_or(u64::MAX);
        output.write_all(&nanoseconds.to_ne_bytes())?;
        output.flush()?;
    }
    Ok(())
}
