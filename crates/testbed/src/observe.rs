//! Processes that are inspected at one of their system calls.

use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::mpsc::channel;

use crate::notification::{Received, receive, reply};
use crate::seccomp::ask_about;

/// Runs `body`. This thread and its descendants wait at each of the system calls `numbers` until `look`
/// returns on another thread. Its arguments are the process or thread that makes the call, and the number.
///
/// The filter cannot be removed: the calling process is of no use afterwards.
///
/// # Panics
/// The filter cannot be set.
pub fn observed<T>(
    numbers: &[i64],
    look: impl FnMut(u32, i64) + Send + 'static,
    body: impl FnOnce() -> T,
) -> T {
    let (sender, receiver) = channel::<OwnedFd>();
    std::thread::spawn(move || {
        let mut look = look;
        let Ok(listener) = receiver.recv() else { return };
        loop {
            match receive(listener.as_raw_fd()) {
                Received::Call(call) => {
                    look(call.pid, call.data.nr.into());
                    reply(listener.as_raw_fd(), &call, None);
                }
                Received::Nothing => {}
                Received::End => break,
            }
        }
    });
    sender.send(ask_about(numbers)).expect("the thread waits");
    body()
}
