//! How many system calls a start makes, the child's among them.
//!
//! A filter of seccomp(2) that asks a listener about every call, and a listener that counts and lets
//! it go on: unlike a tracer it changes nothing of how the child is made, and needs no privilege.

use std::collections::BTreeMap;
use std::io;
use std::process::{Command, Output, exit};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::{env, thread};

use super::listener::{self, Listener};
use super::names;

/// How often each call was made, by its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calls(BTreeMap<String, usize>);

/// How many starts are counted; the one with the fewest calls was not disturbed.
const STARTS: usize = 5;

/// What [`count_calls`] prints in a copy of this program with these arguments.
///
/// # Errors
/// Those of starting a program, or why nothing could be counted.
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

/// Prints how often `work` makes each call, and ends the process: no call of this thread would be
/// answered after that.
///
/// # Errors
/// When the kernel takes no such filter.
pub fn count_calls(mut work: impl FnMut()) -> io::Result<()> {
    static LISTENER: AtomicI32 = AtomicI32::new(-1);
    static COUNTS: AtomicBool = AtomicBool::new(false);
    work();
    thread::spawn(|| {
        let listener = wait_for(&LISTENER);
        exit(match listen(&listener, &COUNTS) {
            Ok(()) => 0,
            Err(error) => {
                eprintln!("{error}");
                1
            }
        });
    });
    listener::ask_about_every_call(&LISTENER)?;
    for _ in 0..STARTS {
        COUNTS.store(true, Ordering::Release);
        work();
        COUNTS.store(false, Ordering::Release);
        // One call that is not counted: the listener sees that a start is over.
        let _ = rustix::process::getppid();
    }
    loop {
        thread::park();
    }
}

/// No lock and no system call on the other side: each would wait for an answer.
fn wait_for(number: &AtomicI32) -> Listener {
    loop {
        match number.load(Ordering::Acquire) {
            -1 => thread::yield_now(),
            number => return Listener::new(number),
        }
    }
}

/// Of each number how often it was called.
type Numbers = [usize; 1024];

/// Allocates nothing while it is asked: who asks may hold the heap's lock, as fork(3) does.
fn listen(listener: &Listener, counts: &AtomicBool) -> io::Result<()> {
    // Made before anything is asked.
    let mut all: Vec<Numbers> = vec![[0; 1024]; STARTS];
    let (mut start, mut has_begun) = (0, false);
    while start < STARTS {
        let asked = listener.receive()?;
        if counts.load(Ordering::Acquire) {
            has_begun = true;
            let number = usize::try_from(asked.number()).ok();
            if let Some(count) = number.and_then(|number| all[start].get_mut(number)) {
                *count += 1;
            }
        } else if has_begun {
            (start, has_begun) = (start + 1, false);
        }
        listener.go_on(&asked)?;
    }
    let undisturbed = all.iter().min_by_key(|calls| calls.iter().sum::<usize>());
    let calls = (0_i32..).zip(undisturbed.into_iter().flatten());
    for (number, count) in calls.filter(|(_, count)| **count > 0) {
        println!("{} {count}", names::of(number));
    }
    Ok(())
}

impl Calls {
    /// All of them.
    pub fn total(&self) -> usize {
        self.0.values().sum()
    }

    /// What one makes more often than the other, as `+1 ppoll -2 geteuid`.
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
    fn what_differs_is_named() {
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
