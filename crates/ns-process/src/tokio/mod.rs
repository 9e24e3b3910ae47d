//! Starts, joins and output as futures of tokio.
//!
//! Needs the feature `tokio`. [`Builder::start_async`](crate::Builder::start_async),
//! [`status_async`](crate::Builder::status_async) and [`output_async`](crate::Builder::output_async) start what the
//! builder describes, with the same settings and errors as the methods that block. The handle is [`Process`];
//! [`TryFrom`] converts an existing [`crate::Process`].
//!
//! All of these need a runtime of tokio with I/O and time enabled, as `#[tokio::main]` makes it. No signal handler is
//! installed: a pidfd reports the exit.
//!
//! ```
//! use ns_process::{Container, Stdio};
//! use tokio::io::AsyncReadExt;
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let output = Container::new("echo").arg("text").output_async().await?;
//!     assert_eq!(output.stdout, b"text\n");
//!
//!     let mut process = Container::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).start_async().await?;
//!     drop(process.take_stdin());
//!     let mut text = String::new();
//!     process.take_stdout().expect("it is piped").read_to_string(&mut text).await?;
//!     assert!(process.join().await?.success());
//!     Ok(())
//! }
//! ```
//!
//! # Cancellation
//!
//! Each future can be dropped at any time:
//! - a start or a release: the process is killed and reaped, or never started.
//! - a wait for the exit: nothing is lost, and a later call returns the status.
//! - [`status_async`](crate::Builder::status_async), [`output_async`](crate::Builder::output_async) and
//!   [`wait_with_output`](Process::wait_with_output), also with a time limit: after the start, the handle is dropped.
//!   The process continues, unless [`kill_on_drop`](crate::Builder::kill_on_drop) is set, and is reaped after its exit.
//!
//! # Other event loops
//!
//! Without this feature, every event loop can poll the descriptor of [`crate::Process`], which is readable once the
//! process has exited: see [`crate::Process::pidfd`], and the example `epoll`.

mod output;
mod parked;
mod pipes;
mod process;
mod start;

pub use process::Process;
