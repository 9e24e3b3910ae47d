//! Two containers at once on one thread of tokio, which polls the descriptors of the handles.
#![allow(unsafe_code, reason = "tokio relies on the descriptor of a handle")]

use std::process::ExitStatus;

use ns_process::{Container, Error, Namespace, Process};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Waits for the process without a thread.
async fn join(process: Process) -> Result<ExitStatus, Box<dyn std::error::Error>> {
    // SAFETY: the handle owns its descriptor, always returns the same one, and closes it when dropped.
    let process = unsafe { AsyncFd::register_with_interest(process, Interest::READABLE) }?;
    // A pidfd is readable once the process has terminated, and stays readable.
    let _ended = process.readable().await?;
    Ok(process.get_ref().join()?)
}

fn start(seconds: &str, code: i32) -> Result<Process, Error> {
    let mut container = Container::new("sh");
    container.args(["-c", &format!("sleep {seconds}; exit {code}")]);
    container.namespaces([Namespace::User, Namespace::Pid]).map_zero().kill_on_drop(true).start()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (slow, fast) = (start("0.2", 1)?, start("0.1", 2)?);
    let (slow, fast) = tokio::join!(join(slow), join(fast));
    println!("exit codes {:?} and {:?}", slow?.code(), fast?.code());
    Ok(())
}
