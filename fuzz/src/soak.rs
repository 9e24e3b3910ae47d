//! Starts, joins and kills processes from many threads at once, and checks what is left behind.
#![allow(unsafe_code, reason = "closures in children of a process with threads")]

use std::fmt;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use arbitrary::{Arbitrary, Unstructured};
use ns_process::{
    Container, Inject, Namespace, Process, Step, reap, set_dumpable, setns, setns_process,
};
use ns_sys::{Signal, pidfd_send_signal};
use ns_testbed::Leftovers;

use crate::noise::Noise;
use crate::process::{Liar, Peers, Release, Start, become_subreaper};

/// The number of tasks, and the failures.
#[derive(Debug, Default)]
pub struct Soak {
    counts: [AtomicU64; Task::ALL.len()],
    failures: AtomicU64,
    first_failure: Mutex<Option<String>>,
    /// Resources that exist at the end and did not at the beginning.
    pub leaks: Vec<String>,
}

/// A task of a thread.
#[derive(Clone, Copy, Debug)]
enum Task {
    /// An input of the target `process_start`.
    Start,
    Inject,
    /// Runs a closure on a thread in the namespaces of another process.
    Setns,
    /// Runs a closure in a child, which can join namespaces of every kind.
    SetnsProcess,
    Output,
    /// One thread kills the process while another waits for it.
    KillAndJoin,
    /// The process is killed during its start.
    KillEarly,
    /// An input of the target `process_releaser`.
    Releaser,
    /// An input of the target `process_parked_child`.
    ParkedChild,
    /// An input of the target `process_payload`.
    Payload,
}

impl Task {
    const ALL: [Self; 10] = [
        Self::Start,
        Self::Inject,
        Self::Setns,
        Self::SetnsProcess,
        Self::Output,
        Self::KillAndJoin,
        Self::KillEarly,
        Self::Releaser,
        Self::ParkedChild,
        Self::Payload,
    ];
}

/// Runs random tasks in `threads` threads for `limit`. The calling process must have only one thread.
///
/// # Panics
/// If the target process cannot be started.
pub fn soak(limit: Duration, threads: u64) -> Soak {
    become_subreaper();
    return_large_blocks();
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

/// Returns the resident memory after the threads have exited, in KiB.
fn run(soak: &Soak, limit: Duration, threads: u64) -> u64 {
    let deadline = Instant::now() + limit;
    let target = target();
    thread::scope(|scope| {
        disturb(scope, deadline);
        for number in 0..threads {
            let target = &target;
            scope.spawn(move || tasks(soak, target, deadline, number));
        }
    });
    target.kill().expect("kill");
    target.join().expect("join");
    status("VmRSS:")
}

/// Does what another part of a program may do: forks, receives signals, changes the dumpable attribute, and waits for
/// any child.
fn disturb<'scope>(scope: &'scope thread::Scope<'scope, '_>, deadline: Instant) {
    let handler: extern "C" fn(i32) = ignore;
    // SAFETY: all-zero bytes are a valid sigaction without flags.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler as libc::sighandler_t;
    // SAFETY: the handler does nothing, so it is async-signal-safe. It interrupts system calls.
    unsafe { libc::sigaction(libc::SIGUSR1, &raw const action, std::ptr::null_mut()) };
    let disturbances: [fn(); 4] = [fork, raise, toggle_dumpable, reap_all];
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
    // SAFETY: the child calls only _exit.
    match unsafe { libc::fork() } {
        // SAFETY: _exit runs no handler and no destructor.
        0 => unsafe { libc::_exit(0) },
        // This fails if another thread has reaped the child.
        // SAFETY: the status pointer may be null.
        child => unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) },
    };
}

fn raise() {
    let own = std::process::id().cast_signed();
    // SAFETY: kill takes no pointer.
    unsafe { libc::kill(own, libc::SIGUSR1) };
}

fn toggle_dumpable() {
    set_dumpable(false).expect("clear dumpable");
    thread::yield_now();
    set_dumpable(true).expect("set dumpable");
}

fn reap_all() {
    let all = libc::WNOHANG | libc::__WALL;
    // SAFETY: the status pointer may be null.
    while unsafe { libc::waitpid(-1, std::ptr::null_mut(), all) } > 0 {}
}

fn target() -> Process {
    let mut target = Container::new("sleep");
    target.arg("1000000").namespaces([Namespace::User, Namespace::Pid, Namespace::Uts]).map_zero();
    target.hostname(HOSTNAME);
    target.start().expect("start the target process")
}

fn tasks(soak: &Soak, target: &Process, deadline: Instant, number: u64) {
    let mut noise = Noise::new(number);
    while Instant::now() < deadline {
        let kind = usize::from(noise.byte()) % (2 * Task::ALL.len());
        // More than half of the tasks are starts, which have the most variants.
        let task = Task::ALL.get(kind).copied().unwrap_or(Task::Start);
        let bytes = noise.bytes(160);
        let result = catch_unwind(AssertUnwindSafe(|| task.run(target, &bytes)));
        soak.counts[task as usize].fetch_add(1, Ordering::Relaxed);
        if let Err(panic) = result {
            soak.failures.fetch_add(1, Ordering::Relaxed);
            let message = panic.downcast_ref::<String>().cloned().unwrap_or_default();
            let mut first = soak.first_failure.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert(format!("{task:?}: {message}"));
        }
    }
}

impl Task {
    fn run(self, target: &Process, bytes: &[u8]) {
        let code = bytes[0];
        match self {
            Self::Start => {
                let start = Start::without_faults(&mut Unstructured::new(bytes));
                start.expect("enough bytes").run();
            }
            Self::Inject => inject(target, code),
            Self::Setns => {
                let inside = setns(target, [Namespace::Uts]).expect("open the target");
                assert_eq!(inside.run(hostname).expect("run"), HOSTNAME.as_bytes());
            }
            Self::SetnsProcess => {
                let inside = setns_process(target, Namespace::ALL).expect("open the target");
                // SAFETY: the closure takes no lock but that of the allocator, which is usable in a forked child.
                let output = unsafe { inside.run_unchecked(hostname) };
                assert_eq!(output.expect("run"), HOSTNAME.as_bytes());
            }
            Self::Output => output(code),
            Self::KillAndJoin => kill_and_join(),
            Self::KillEarly => kill_early(),
            Self::Releaser => input::<Peers>(bytes).run(),
            Self::ParkedChild => input::<Liar>(bytes).run(),
            Self::Payload => input::<Release>(bytes).run(),
        }
    }
}

fn input<'a, Input: Arbitrary<'a>>(bytes: &'a [u8]) -> Input {
    Input::arbitrary(&mut Unstructured::new(bytes)).expect("an input of any bytes")
}

/// The host name in the UTS namespace of the target process.
const HOSTNAME: &str = "soak";

fn hostname() -> Vec<u8> {
    rustix::system::uname().nodename().to_bytes().to_vec()
}

fn script(code: u8) -> String {
    format!("echo {code}; exit {code}")
}

fn inject(target: &Process, code: u8) {
    let mut inject = Inject::new(target, "sh");
    let status = inject.args(["-c", &format!("exit {code}")]).start().and_then(|p| p.join());
    assert_eq!(status.expect("inject").code(), Some(code.into()));
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
        assert_eq!(sleeping.join_timeout(Duration::from_millis(1)).expect("join_timeout"), None);
        sleeping.kill().expect("kill");
        let joined = joined.join().expect("the thread exits").expect("join");
        assert_eq!(Some(joined), sleeping.join_timeout(Duration::ZERO).expect("the status"));
        assert_eq!(sleeping.exit_code().expect("the status"), Some(-9));
    });
}

fn kill_early() {
    let mut killed = Container::new("true");
    killed.before_go(|child| pidfd_send_signal(child, Signal::KILL));
    let error = killed.start().expect_err("the child is killed before execve");
    assert_eq!((error.step(), error.errno()), (Step::Exec, None), "{error}");
}

/// Returns a number from `/proc/self/status`.
fn status(name: &str) -> u64 {
    let text = fs::read_to_string("/proc/self/status").expect("read the status");
    let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("find the field");
    line.split_whitespace().next().and_then(|word| word.parse().ok()).expect("a number")
}

/// Keeps the allocator from keeping large blocks that were freed, in an arena of each thread.
fn return_large_blocks() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it takes no pointer, and only sets a number of the allocator.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 128 * 1024)
    };
}

/// The growth of memory that counts as a leak, in KiB. The allocator may keep less than this.
const GROWTH: u64 = 8 * 1024;

fn leaks(before: &Leftovers, warm: u64) -> Vec<String> {
    let unchanged = || before.assert_unchanged_within(Duration::from_secs(5));
    let left = catch_unwind(AssertUnwindSafe(unchanged)).err();
    let left = left.map(|panic| panic.downcast_ref::<String>().cloned().unwrap_or_default());
    let (threads, memory) = (threads(), status("VmRSS:"));
    let threads = (threads > 1).then(|| format!("{threads} threads"));
    let grown = memory > warm + GROWTH;
    let memory =
        grown.then(|| format!("{memory} KiB of memory, {warm} KiB after a quarter of the time"));
    left.into_iter().chain(threads).chain(memory).collect()
}

/// Returns the number of threads. Waits first, because a thread exits shortly after its scope.
fn threads() -> u64 {
    let deadline = Instant::now() + Duration::from_secs(5);
    while status("Threads:") > 1 && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(1));
    }
    status("Threads:")
}

impl Soak {
    /// Whether no task failed and nothing has leaked.
    pub fn is_clean(&self) -> bool {
        self.failures.load(Ordering::Relaxed) == 0 && self.leaks.is_empty()
    }
}

impl fmt::Display for Soak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (task, count) in Task::ALL.iter().zip(&self.counts) {
            write!(f, "{} {task:?}, ", count.load(Ordering::Relaxed))?;
        }
        let failures = self.failures.load(Ordering::Relaxed);
        write!(f, "{} leaks, {failures} wrong statuses", self.leaks.len())?;
        let first = self.first_failure.lock().unwrap_or_else(PoisonError::into_inner);
        first.iter().chain(&self.leaks).try_for_each(|line| write!(f, "\n{line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_soak_of_a_second_is_clean() {
        ns_testbed::run_as!([Root, Nested], {
            // The program also runs the soak in a process with one thread.
            let code = ns_testbed::forked(|| {
                // On a busy machine it takes longer to run each kind of task once.
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
    fn a_leak_is_reported() {
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
