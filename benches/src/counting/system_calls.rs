//! Counts the system calls of a start, including those of the child.
//!
//! A seccomp(2) filter reports each system call to a listener, which counts and continues it. Unlike a tracer, this
//! does not change how the child is created, and it needs no privilege.

use std::collections::BTreeMap;
use std::io;
use std::process::{Command, Output, exit};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::{env, thread};

use super::listener::{self, Listener};
use super::names;

/// The number of calls of each system call, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calls(BTreeMap<String, usize>);

/// The number of counted starts. The one with the fewest calls is used, because other activity only adds calls.
const STARTS: usize = 5;

/// Runs this program with these arguments and parses the output of [`count_calls`].
///
/// # Errors
/// The program cannot be started, or the calls cannot be counted.
pub fn calls_of(arguments: &[&str]) -> io::Result<Calls> {
    let Output { status, stdout, stderr } =
        Command::new(env::current_exe()?).args(arguments).output()?;
    if !status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&stderr).into_owned()));
    }
    let text = String::from_utf8_lossy(&stdout);
    let lines = text.lines().filter_map(|line| line.split_once(' '));
    let parsed = lines.map(|(name, count)| count.parse().map(|count| (name.to_owned(), count)));
    parsed.collect::<Result<_, _>>().map(Calls).map_err(io::Error::other)
}

/// Prints the number of calls that `work` makes of each system call, and exits the process, because no later system
/// call of this thread would be continued.
///
/// # Errors
/// The kernel does not accept the filter.
pub fn count_calls(mut work: impl FnMut()) -> io::Result<()> {
    static LISTENER: AtomicI32 = AtomicI32::new(-1);
    static ENABLED: AtomicBool = AtomicBool::new(false);
    work();
    thread::spawn(|| {
        let listener = wait_for(&LISTENER);
        exit(match listen(&listener, &ENABLED) {
            Ok(()) => 0,
            Err(error) => {
                eprintln!("{error}");
                1
            }
        });
    });
    listener::notify_every_call(&LISTENER)?;
    for _ in 0..STARTS {
        ENABLED.store(true, Ordering::Release);
        work();
        ENABLED.store(false, Ordering::Release);
        // One call that is not counted shows the listener that the start is over.
        let _ = rustix::process::getppid();
    }
    loop {
        thread::park();
    }
}

/// Waits for the descriptor of the listener. The other thread can use no lock and no system call to pass it, because
/// that would wait for the listener.
fn wait_for(number: &AtomicI32) -> Listener {
    loop {
        match number.load(Ordering::Acquire) {
            -1 => thread::yield_now(),
            number => return Listener::new(number),
        }
    }
}

/// The number of calls, by the number of the system call.
type Counts = [usize; 1024];

/// Counts the calls of each start. Allocates nothing meanwhile, because the waiting thread may hold the lock of the
/// heap, as in fork(3).
fn listen(listener: &Listener, enabled: &AtomicBool) -> io::Result<()> {
    // Allocate before the first call is received.
    let mut all: Vec<Counts> = vec![[0; 1024]; STARTS];
    let (mut start, mut in_start) = (0, false);
    while start < STARTS {
        let notification = listener.receive()?;
        if enabled.load(Ordering::Acquire) {
            in_start = true;
            let number = usize::try_from(notification.number()).ok();
            if let Some(count) = number.and_then(|number| all[start].get_mut(number)) {
                *count += 1;
            }
        } else if in_start {
            (start, in_start) = (start + 1, false);
        }
        listener.continue_call(&notification)?;
    }
    let undisturbed = all.iter().min_by_key(|calls| calls.iter().sum::<usize>());
    let calls = (0_i32..).zip(undisturbed.into_iter().flatten());
    for (number, count) in calls.filter(|(_, count)| **count > 0) {
        println!("{} {count}", names::of(number));
    }
    Ok(())
}

impl Calls {
    /// Returns the total number of calls.
    pub fn total(&self) -> usize {
        self.0.values().sum()
    }

    /// Formats the difference between two counts, as in `+1 ppoll -2 geteuid`.
    pub fn difference(&self, other: &Self) -> String {
        let names = self.0.keys().chain(other.0.keys()).collect::<std::collections::BTreeSet<_>>();
        let count = |calls: &Self, name| calls.0.get(name).copied().unwrap_or(0).cast_signed();
        let differing = names.into_iter().filter_map(|name| {
            let more = count(self, name) - count(other, name);
            (more != 0).then(|| format!("{more:+} {name}"))
        });
        differing.collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_have_a_sign_and_a_name() {
        let calls = |pairs: &[(&str, usize)]| {
            Calls(pairs.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect())
        };
        let (ours, floor) =
            (calls(&[("close", 2), ("ppoll", 1)]), calls(&[("close", 1), ("futex", 2)]));
        assert_eq!(ours.difference(&floor), "+1 close -2 futex +1 ppoll");
        assert_eq!(ours.total(), 3);
        assert_eq!(ours.difference(&ours), "");
    }
}
