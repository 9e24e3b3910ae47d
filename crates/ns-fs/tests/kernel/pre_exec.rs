//! Descriptor plans in `pre_exec` of std's `Command`, which opens a pipe of its own for each start.
#![allow(unsafe_code, reason = "pre_exec, and descriptors by number")]

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::process::{Command, Stdio as Std};
use std::sync::Arc;

use ns_fs::apply::{self, FdRange};
use ns_fs::{Descriptors, FdError, FdPlan, Stdio};
use ns_sys::Errno;
use ns_sys::child::{self, exit_group, fcntl_getlk, fcntl_setlk};
use ns_testbed::forked;
use rustix::fs::fstat;
use rustix::io::{FdFlags, fcntl_getfd};

use crate::fixture::{TempDir, borrow, command, is_open};

/// Runs `body` in a child that has no descriptor above 2; a panic in the child is a panic here.
fn in_child(body: impl FnOnce()) {
    let code = forked(|| {
        // SAFETY: this child exits without destructors.
        unsafe { apply::close_rest(&[FdRange { first: 3, last: u32::MAX }]) }.expect("close");
        body();
        0
    });
    assert_eq!(code, 0);
}

fn plan(descriptors: &Descriptors) -> Arc<FdPlan> {
    Arc::new(FdPlan::new(descriptors).expect("plan"))
}

/// A plan that also keeps 0 to 2.
fn plan_at(number: RawFd, file: impl Into<Stdio>) -> Arc<FdPlan> {
    plan(Descriptors::new().place(number, file))
}

fn spawn_missing(plan: Arc<FdPlan>) -> io::ErrorKind {
    command("/no/such/program", plan).spawn().expect_err("no such program").kind()
}

/// std's pipe takes the lowest free number; no placed file may replace it.
#[test]
fn e11_a_missing_program_is_an_error_at_every_number() {
    ns_testbed::run_as!([Root, User], {
        let dir = TempDir::new("pre_exec");
        let path = dir.path().join("file");
        let file = || File::options().append(true).create(true).open(&path).expect("open");
        in_child(|| {
            for number in 3..20 {
                let kind = spawn_missing(plan_at(number, file()));
                assert_eq!(kind, io::ErrorKind::NotFound, "{number}");
            }
            // Several numbers, and the lowest ones together.
            for last in 3..20 {
                let (shared, mut descriptors) = (Stdio::fd(file()), Descriptors::new());
                for number in 3..=last {
                    descriptors.place(number, shared.clone());
                }
                let plan = plan(&descriptors);
                assert_eq!(spawn_missing(plan), io::ErrorKind::NotFound, "to {last}");
            }
        });
        assert_eq!(
            fs::read(&path).expect("read"),
            b"",
            "the file has the bytes of the error report"
        );
    });
}

/// The program has the file at the number, and no other descriptor.
#[test]
fn e01_the_program_has_the_file_at_every_number() {
    ns_testbed::run_as!([Root, User], {
        let dir = TempDir::new("placed");
        let path = dir.path().join("file");
        fs::write(&path, "").expect("write");
        in_child(|| {
            let _leak = [41, 42].map(|number| {
                // SAFETY: nothing owns these numbers.
                unsafe { child::dup3(borrow(0), number, false) }.expect("dup3");
            });
            for number in 3..20 {
                let plan = plan_at(number, File::open(&path).expect("open"));
                let mut sh = command("sh", plan);
                // The shell lists its own descriptors, one of which reads the directory.
                let script =
                    "for fd in /proc/self/fd/*; do echo ${fd##*/}; done; readlink /proc/self/fd/$0";
                sh.args(["-c", script]).arg(number.to_string()).stdout(Std::piped());
                let output = String::from_utf8(sh.output().expect("start").stdout).expect("text");
                let (numbers, file): (Vec<_>, Vec<_>) =
                    output.lines().partition(|line| !line.starts_with('/'));
                assert_eq!(file, [path.to_str().expect("text")], "{number}");
                assert!(numbers.contains(&number.to_string().as_str()), "{number}: {output}");
                assert!(!numbers.contains(&"41") && !numbers.contains(&"42"), "{output}");
            }
        });
    });
}

/// The numbers are in use while the plan exists, close-on-exec, and free afterwards.
#[test]
fn e11_a_plan_reserves_its_numbers() {
    ns_testbed::run_as!([Root, User], {
        in_child(|| {
            let mut descriptors = Descriptors::new();
            descriptors.place(5, Stdio::null()).place(6, Stdio::null()).keep(7);
            let plan = FdPlan::new(&descriptors).expect("plan");
            for number in [5, 6] {
                let flags = fcntl_getfd(borrow(number)).expect("reserved");
                assert_eq!(flags, FdFlags::CLOEXEC, "{number}");
            }
            assert!(!is_open(7), "a kept number that is free stays free");
            let opened: Vec<_> = plan.opened().collect();
            assert_eq!((0..100).filter(|fd| is_open(*fd)).count(), 3 + 2 + opened.len());
            drop(plan);
            assert!(!(3..100).any(is_open));
            // A caller that knows its descriptors.
            let (_plan, ()) = FdPlan::new_locked(&descriptors, || ()).expect("plan");
            assert!(!is_open(5) && !is_open(6));
        });
    });
}

/// A kept number that is free in the caller is closed in the program.
#[test]
fn e01_a_kept_number_stays_closed_in_the_program() {
    ns_testbed::run_as!([Root, User], {
        in_child(|| {
            let mut descriptors = Descriptors::new();
            (3..9).for_each(|number| _ = descriptors.keep(number));
            let mut test = command("sh", plan(&descriptors));
            let script =
                "for fd in 4 5 6 7 8; do test -e /proc/$$/fd/$fd && exit $fd; done; exit 0";
            assert_eq!(test.args(["-c", script]).status().expect("start").code(), Some(0));
        });
    });
}

/// A number that the caller uses keeps its file, whatever other numbers are free.
#[test]
fn e11_a_number_in_use_is_left_alone() {
    ns_testbed::run_as!([User], {
        in_child(|| {
            let (used, file) = (File::open("/dev/zero"), File::open("/dev/null"));
            let (used, file) = (used.expect("open"), file.expect("open"));
            // SAFETY: nothing owns this number.
            unsafe { child::dup3(used.as_fd(), 40, false) }.expect("dup3");
            // 40 is the highest number.
            child::prlimit(7, 41, 41).expect("RLIMIT_NOFILE");
            let plan = plan_at(40, file);
            let inode = |fd| fstat(borrow(fd)).expect("fstat").st_ino;
            assert_eq!(inode(40), inode(used.as_raw_fd()));
            assert_eq!(fcntl_getfd(borrow(40)).expect("open"), FdFlags::empty());
            drop(plan);
            assert_eq!(inode(40), inode(used.as_raw_fd()));
        });
    });
}

/// The errors of a reservation: the number is too high, or the limit leaves no descriptor.
#[test]
fn e11_a_number_that_cannot_be_reserved_is_an_error() {
    ns_testbed::run_as!([User], {
        in_child(|| {
            let file = Stdio::fd(File::open("/dev/null").expect("open"));
            let plan = |number| FdPlan::new(Descriptors::new().place(number, file.clone()));
            child::prlimit(7, 64, 64).expect("RLIMIT_NOFILE");
            let error = plan(64).expect_err("above the limit");
            assert!(matches!(error, FdError::Limit { number: 64 }), "{error}");
            assert_eq!(error.to_string(), "descriptor 64: the number is not below RLIMIT_NOFILE");
            drop(plan(63).expect("below the limit"));
            child::prlimit(7, 4, 4).expect("RLIMIT_NOFILE");
            let error = plan(9).expect_err("no descriptor is left");
            assert!(matches!(error, FdError::Reserve { number: 9, .. }), "{error}");
            let source = std::error::Error::source(&error).expect("an errno");
            let source = source.downcast_ref::<io::Error>().and_then(Errno::from_io_error);
            assert_eq!(source, Some(Errno::MFILE));
            // A file that has its number already may be above the limit.
            drop(plan(3).expect("nothing moves"));
        });
    });
}

/// A process that applies a plan to itself keeps the placed file when it drops the plan.
#[test]
fn e11_a_dropped_plan_leaves_placed_files_open() {
    ns_testbed::run_as!([Root, User], {
        in_child(|| {
            let mut zero = File::open("/dev/zero").expect("open");
            let inode = fstat(&zero).expect("fstat").st_ino;
            let plan = plan_at(9, zero.try_clone().expect("dup"));
            // SAFETY: nothing in this process uses number 9.
            unsafe { apply::place_fds(plan.steps()) }.expect("place");
            drop(plan);
            assert_eq!(fstat(borrow(9)).expect("the placed file").st_ino, inode);
            zero.flush().expect("still open");
        });
    });
}

/// A plan opens and closes no duplicate of a borrowed file: that would end the record locks of the
/// process.
#[test]
fn e11_a_plan_keeps_record_locks() {
    ns_testbed::run_as!([Root, User], {
        let dir = TempDir::new("locks");
        let file = File::create(dir.path().join("file")).expect("create");
        in_child(|| {
            let file = File::options().write(true).open(dir.path().join("file")).expect("open");
            fcntl_setlk(file.as_fd(), 0).expect("lock");
            drop(plan_at(9, Stdio::borrowed(borrow(file.as_raw_fd()))));
            let is_locked = forked(|| i32::from(fcntl_getlk(file.as_fd(), 0).expect("query")));
            assert_eq!(is_locked, 1);
        });
        drop(file);
    });
}

/// Open files and streams of a `Child` are files of a plan.
#[test]
fn files_and_streams_of_std() {
    ns_testbed::run_as!([Root, User], {
        let mut echo = Command::new("echo");
        let mut child = echo.arg("from a child").stdout(Std::piped()).spawn().expect("start");
        let from_echo = child.stdout.take().expect("piped");
        let mut descriptors = Descriptors::new();
        descriptors.stdin(from_echo).place(7, File::open("/dev/null").expect("open"));
        let mut cat = command("cat", plan(&descriptors));
        let output = cat.stdout(Std::piped()).output().expect("start");
        assert_eq!(output.stdout, b"from a child\n");
        assert!(child.wait().expect("wait").success());
    });
}

/// A failed step is an error of spawn, with its errno.
#[test]
fn e11_a_failed_step_is_an_error_of_spawn() {
    ns_testbed::run_as!([User], {
        in_child(|| {
            let plan = plan_at(40, Stdio::null());
            child::prlimit(7, 30, 30).expect("RLIMIT_NOFILE");
            let error = command("true", plan).spawn().expect_err("the number is too high");
            assert_eq!(error.raw_os_error(), Some(Errno::BADF.raw_os_error()));
            exit_group(0);
        });
    });
}
