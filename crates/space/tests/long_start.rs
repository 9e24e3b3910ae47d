//! A start that takes long, because another process has a lease on the program.
#![allow(unsafe_code, reason = "fcntl(F_SETLEASE), which rustix lacks")]

#[macro_use]
mod common;
#[path = "common/reporter.rs"]
mod reporter;

use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use common::command;
use ns_testbed::LONG;
use reporter::{REPORTER, Reporter};
use rustix::process::{Pid, Signal, kill_process};

/// From include/uapi/asm-generic/fcntl.h.
const F_SETSIG: libc::c_int = 10;

/// A copy of a program with a lease, which is removed on drop.
struct Leased {
    path: PathBuf,
    file: File,
}

impl Leased {
    fn new(program: &str) -> Self {
        let path = std::env::temp_dir().join(format!("space-leased-{}", std::process::id()));
        fs::copy(program, &path).expect("copy");
        let file = File::open(&path).expect("open");
        lease(&file);
        Self { path, file }
    }

    fn name(&self) -> &str {
        self.path.to_str().expect("UTF-8")
    }

    /// Ends the lease, so that the program can be executed.
    fn release(&self) {
        control(&self.file, libc::F_SETLEASE, libc::F_UNLCK);
    }
}

impl Drop for Leased {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Takes a lease on a file: open(2) for execve blocks until the lease is removed, by default at most 45 seconds.
fn lease(file: &File) {
    // SIGURG, which is ignored by default, reports that another process opens the file.
    control(file, F_SETSIG, libc::SIGURG);
    control(file, libc::F_SETLEASE, libc::F_WRLCK);
}

fn control(file: &File, command: libc::c_int, argument: libc::c_int) {
    // SAFETY: the commands take a number.
    let result = unsafe { libc::fcntl(file.as_raw_fd(), command, argument) };
    assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
}

#[test]
fn e09_a_start_that_takes_long_can_be_interrupted() {
    run_space_as!([Root, User], {
        let leased = Leased::new("/bin/true");
        for signal in [Signal::TERM, Signal::INT, Signal::ALARM, Signal::USR1] {
            let mut child = command(&["execute", leased.name()]).spawn().expect("spawn");
            std::thread::sleep(Duration::from_millis(100));
            assert_eq!(child.try_wait().expect("wait"), None);
            let begin = Instant::now();
            kill_process(Pid::from_child(&child), signal).expect("kill");
            let status = child.wait().expect("wait");
            assert_eq!(status.signal(), Some(signal.as_raw()), "{status}");
            assert!(begin.elapsed() >= Duration::from_millis(400), "the start had no time to end");
        }
    });
}

/// Waits until `space` has a child, which waits for the end of the lease.
fn await_child(space: i32) {
    let children = format!("/proc/{space}/task/{space}/children");
    let deadline = Instant::now() + LONG;
    while fs::read_to_string(&children).is_ok_and(|text| text.is_empty()) {
        assert!(Instant::now() < deadline, "no child");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The timer of `space` itself uses SIGRTMAX.
#[test]
fn signals_during_a_start_reach_the_program() {
    reporter::open();
    run_space_as!([Root, User], {
        let sent = [libc::SIGALRM, libc::SIGRTMAX(), libc::SIGRTMAX()];
        // If the test is not scheduled for half a second, a signal terminates `space`.
        let is_received = |_: usize| {
            let leased = Leased::new(REPORTER);
            let mut program = Reporter::start(command(&["execute", leased.name()]));
            await_child(program.pid());
            // The timer expires in this time.
            std::thread::sleep(Duration::from_millis(120));
            for signal in sent {
                // SAFETY: kill takes no pointer.
                assert_eq!(unsafe { libc::kill(program.pid(), signal) }, 0);
            }
            leased.release();
            program.is_ready() && sent.iter().all(|signal| program.next().signal == *signal)
        };
        assert!((0..100).any(is_received), "the signals are lost");
    });
}

/// A daemon and a kept namespace would outlive `space`.
#[test]
fn an_interrupted_start_leaves_nothing() {
    run_space_as!([Root], {
        let leased = Leased::new("/bin/true");
        let kept = std::env::temp_dir().join(format!("space-kept-{}", std::process::id()));
        let keep = format!("uts={}", kept.display());
        for options in [["-u", "--keep", &keep].as_slice(), &["--daemonize"]] {
            let words = [&["execute"], options, &[leased.name()]].concat();
            let mut child = command(&words).spawn().expect("spawn");
            std::thread::sleep(Duration::from_millis(100));
            kill_process(Pid::from_child(&child), Signal::TERM).expect("kill");
            // All processes of the start have the pipe open.
            let mut text = String::new();
            let mut output = child.stderr.take().expect("piped");
            std::io::Read::read_to_string(&mut output, &mut text).expect("read");
            assert_eq!(child.wait().expect("wait").signal(), Some(15), "{options:?}: {text}");
            assert!(!kept.exists(), "{options:?}");
        }
    });
}
