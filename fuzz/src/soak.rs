//! Starts, injects, kills and drops from many threads at once, and what they leave behind.
#![allow(unsafe_code, reason = "a closure in a child of a program with threads")]

use std::fmt;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use arbitrary::Unstructured;
use ns_process::{
    Container, Inject, Namespace, Process, Step, reap, set_dumpable, setns, setns_process,
};
use ns_sys::{Signal, pidfd_send_signal};
use ns_testbed::Leftovers;

use crate::noise::Noise;
use crate::process::{Start, adopt};

/// What was done and what was found.
#[derive(Debug, Default)]
pub struct Soak {
    counts: [AtomicU64; Turn::ALL.len()],
    wrong: AtomicU64,
    first_wrong: Mutex<Option<String>>,
    /// What is there at the end and was not at the beginning.
    pub leaks: Vec<String>,
}

/// One thing that a thread does.
#[derive(Clone, Copy, Debug)]
enum Turn {
    /// Of the target `process_start`: exits, kills, drops, and what is missing; daemons, inits, joins,
    /// closures and hooks.
    Start,
    Inject,
    /// A closure on a thread in the namespaces of another process.
    Setns,
    /// The same in a child, which all of them can have.
    SetnsProcess,
    Output,
    /// Killed by one thread while another waits.
    KillAndJoin,
    /// Killed while it is being started.
    KillEarly,
}

impl Turn {
    const ALL: [Self; 7] = [
        Self::Start,
        Self::Inject,
        Self::Setns,
        Self::SetnsProcess,
        Self::Output,
        Self::KillAndJoin,
        Self::KillEarly,
    ];
}

/// Runs for so long with so many threads, in a process that has one.
///
/// # Panics
/// When the process that is entered by others cannot be started.
pub fn soak(limit: Duration, threads: u64) -> Soak {
    adopt();
    let before = Leftovers::snapshot();
    let mut soak = Soak::default();
    let warm = run(&soak, limit / 4, threads);
    run(&soak, limit.saturating_sub(limit / 4), threads);
    while reap() > 0 {
        thread::sleep(Duration::from_millis(1));
    }
    soak.leaks = leaks(&before, warm);
    soak
}

/// Gives how much memory there was when the threads had ended, in KiB.
fn run(soak: &Soak, limit: Duration, threads: u64) -> u64 {
    let deadline = Instant::now() + limit;
    let entered = target();
    thread::scope(|scope| {
        disturb(scope, deadline);
        for number in 0..threads {
            let entered = &entered;
            scope.spawn(move || turns(soak, entered, deadline, number));
        }
    });
    entered.kill().expect("kill");
    entered.join().expect("join");
    status("VmRSS:")
}

/// What a program does besides: it forks, gets signals, sets its dumpable flag, and waits for every child.
fn disturb<'scope>(scope: &'scope thread::Scope<'scope, '_>, deadline: Instant) {
    let handler: extern "C" fn(i32) = ignore;
    // SAFETY: zeros are a struct without flags.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler as libc::sighandler_t;
    // SAFETY: a handler that does nothing, and interrupts system calls.
    unsafe { libc::sigaction(libc::SIGUSR1, &raw const action, std::ptr::null_mut()) };
    let disturbances: [fn(); 4] = [fork, raise, toggle, reap_all];
    for disturbance in disturbances {
        scope.spawn(move || {
            while Instant::now() < deadline {
                disturbance();
                thread::sleep(Duration::from_millis(2));
            }
        });
    }
}

extern "C" fn ignore(_: i32) {}

fn fork() {
    // SAFETY: the child leaves at once.
    match unsafe { libc::fork() } {
        // SAFETY: ends the child alone.
        0 => unsafe { libc::_exit(0) },
        // The other waiter may have reaped it.
        // SAFETY: writes nothing.
        child => unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) },
    };
}

fn raise() {
    let own = std::process::id().cast_signed();
    // SAFETY: takes numbers.
    unsafe { libc::kill(own, libc::SIGUSR1) };
}

fn toggle() {
    set_dumpable(false).expect("clear");
    thread::yield_now();
    set_dumpable(true).expect("set");
}

fn reap_all() {
    let all = libc::WNOHANG | libc::__WALL;
    // SAFETY: writes nothing.
    while unsafe { libc::waitpid(-1, std::ptr::null_mut(), all) } > 0 {}
}

fn target() -> Process {
    let mut target = Container::new("sleep");
    target.arg("1000000").namespaces([Namespace::User, Namespace::Pid, Namespace::Uts]).map_zero();
    target.hostname(HOSTNAME);
    target.start().expect("a process to enter")
}

fn turns(soak: &Soak, entered: &Process, deadline: Instant, number: u64) {
    let mut noise = Noise::new(number);
    while Instant::now() < deadline {
        let kind = usize::from(noise.byte()) % (2 * Turn::ALL.len());
        // Half of them are starts, of which there are the most kinds.
        let turn = Turn::ALL.get(kind).copied().unwrap_or(Turn::Start);
        let bytes = noise.bytes(160);
        let done = catch_unwind(AssertUnwindSafe(|| turn.make(entered, &bytes)));
        soak.counts[turn as usize].fetch_add(1, Ordering::Relaxed);
        if let Err(panic) = done {
            soak.wrong.fetch_add(1, Ordering::Relaxed);
            let said = panic.downcast_ref::<String>().cloned().unwrap_or_default();
            let mut first = soak.first_wrong.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert(format!("{turn:?}: {said}"));
        }
    }
}

impl Turn {
    fn make(self, entered: &Process, bytes: &[u8]) {
        let code = bytes[0];
        match self {
            Self::Start => {
                let start = Start::without_faults(&mut Unstructured::new(bytes));
                start.expect("enough bytes").run();
            }
            Self::Inject => inject(entered, code),
            Self::Setns => {
                let inside = setns(entered, [Namespace::Uts]).expect("a target");
                assert_eq!(inside.run(hostname).expect("run"), HOSTNAME.as_bytes());
            }
            Self::SetnsProcess => {
                let inside = setns_process(entered, Namespace::ALL).expect("a target");
                // SAFETY: the closure makes one system call, and allocates.
                let told = unsafe { inside.run_unchecked(hostname) };
                assert_eq!(told.expect("run"), HOSTNAME.as_bytes());
            }
            Self::Output => output(code),
            Self::KillAndJoin => kill_and_join(),
            Self::KillEarly => kill_early(),
        }
    }
}

/// Of the process that is entered.
const HOSTNAME: &str = "soak";

fn hostname() -> Vec<u8> {
    rustix::system::uname().nodename().to_bytes().to_vec()
}

fn script(code: u8) -> String {
    format!("echo {code}; exit {code}")
}

fn inject(entered: &Process, code: u8) {
    let mut inject = Inject::new(entered, "sh");
    let status = inject.args(["-c", &format!("exit {code}")]).start().and_then(|p| p.join());
    assert_eq!(status.expect("injected").code(), Some(code.into()));
}

fn output(code: u8) {
    let output = Container::new("sh").args(["-c", &script(code)]).output().expect("output");
    assert_eq!(output.status.code(), Some(code.into()));
    assert_eq!(output.stdout, format!("{code}\n").as_bytes());
}

fn kill_and_join() {
    let mut sleeping = Container::new("sleep");
    let sleeping = sleeping.arg("1000").namespace(Namespace::Pid).start().expect("start");
    thread::scope(|scope| {
        let joined = scope.spawn(|| sleeping.join());
        assert_eq!(sleeping.join_timeout(Duration::from_millis(1)).expect("look"), None);
        sleeping.kill().expect("kill");
        let joined = joined.join().expect("the thread").expect("join");
        assert_eq!(Some(joined), sleeping.join_timeout(Duration::ZERO).expect("known"));
        assert_eq!(sleeping.exit_code().expect("known"), Some(-9));
    });
}

fn kill_early() {
    let mut killed = Container::new("true");
    killed.before_go(|child| pidfd_send_signal(child, Signal::KILL));
    let error = killed.start().expect_err("it never executed");
    assert_eq!((error.step(), error.errno()), (Step::Exec, None), "{error}");
}

/// A number of `/proc/self/status`.
fn status(name: &str) -> u64 {
    let text = fs::read_to_string("/proc/self/status").expect("own status");
    let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("a line");
    line.split_whitespace().next().and_then(|word| word.parse().ok()).expect("a number")
}

/// Memory that grows for as long as it goes on, in KiB; what is less is the allocator's.
const GROWTH: u64 = 8 * 1024;

fn leaks(before: &Leftovers, warm: u64) -> Vec<String> {
    let unchanged = || before.assert_unchanged_within(Duration::from_secs(5));
    let left = catch_unwind(AssertUnwindSafe(unchanged)).err();
    let left = left.map(|panic| panic.downcast_ref::<String>().cloned().unwrap_or_default());
    let (threads, memory) = (threads(), status("VmRSS:"));
    let threads = (threads > 1).then(|| format!("{threads} threads"));
    let grown = memory > warm + GROWTH;
    let memory = grown.then(|| format!("{memory} KiB of memory, {warm} after a quarter"));
    left.into_iter().chain(threads).chain(memory).collect()
}

/// How many there are when those that have ended are gone: their scope ends a moment before.
fn threads() -> u64 {
    let deadline = Instant::now() + Duration::from_secs(5);
    while status("Threads:") > 1 && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(1));
    }
    status("Threads:")
}

impl Soak {
    /// Whether nothing was wrong and nothing is left.
    pub fn is_clean(&self) -> bool {
        self.wrong.load(Ordering::Relaxed) == 0 && self.leaks.is_empty()
    }
}

impl fmt::Display for Soak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (turn, count) in Turn::ALL.iter().zip(&self.counts) {
            write!(f, "{} {turn:?}, ", count.load(Ordering::Relaxed))?;
        }
        let wrong = self.wrong.load(Ordering::Relaxed);
        write!(f, "{} leaks, {wrong} wrong statuses", self.leaks.len())?;
        let first = self.first_wrong.lock().unwrap_or_else(PoisonError::into_inner);
        first.iter().chain(&self.leaks).try_for_each(|said| write!(f, "\n{said}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_of_it_is_clean() {
        ns_testbed::run_as!([Root, Nested], {
            // In a process with one thread, as the program has.
            let code = ns_testbed::forked(|| {
                // On a busy machine it takes longer to make each kind once.
                for seconds in [1, 2, 4, 8, 16] {
                    let soak = soak(Duration::from_secs(seconds), 4);
                    println!("{soak}");
                    if !soak.is_clean() {
                        return 1;
                    }
                    if soak.counts.iter().all(|n| n.load(Ordering::Relaxed) > 0) {
                        return 0;
                    }
                }
                2
            });
            assert_eq!(code, 0);
        });
    }

    #[test]
    fn a_leak_is_told() {
        ns_testbed::run_as!([User], {
            let code = ns_testbed::forked(|| {
                let before = Leftovers::snapshot();
                std::mem::forget(fs::File::open("/dev/null").expect("open"));
                let leaks = leaks(&before, 0);
                i32::from(!leaks[0].contains("descriptors"))
            });
            assert_eq!(code, 0);
        });
    }
}
