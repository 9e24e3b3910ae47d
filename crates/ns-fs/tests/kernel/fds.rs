//! Standard streams and other descriptors.
#![allow(unsafe_code, reason = "descriptors by number")]

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use linux_raw_sys::general::__NR_close;
use ns_fs::apply::{self, FdRange, FdStep};
use ns_fs::{Descriptors, FdPlan, Stdio, Step};
use ns_sys::Errno;
use ns_sys::child::{self, execve, exit_group};
use ns_testbed::{forked, refuse};

use crate::fixture::{apply_fds, borrow, is_open};

/// Applies the plan and executes a shell with `script`, in a forked child; returns its exit code.
pub(crate) fn shell(plan: &FdPlan, script: &std::ffi::CStr) -> i32 {
    forked(|| {
        apply_fds(plan);
        let argv = [c"sh".as_ptr(), c"-c".as_ptr(), script.as_ptr(), std::ptr::null()];
        // SAFETY: both arrays end with a null pointer.
        let errno = unsafe { execve(c"/bin/sh", argv.as_ptr(), argv[3..].as_ptr()) };
        exit_group(errno.raw_os_error())
    })
}

pub(crate) fn plan(descriptors: &Descriptors) -> FdPlan {
    FdPlan::new(descriptors).expect("plan")
}

fn read(file: OwnedFd) -> String {
    let mut text = String::new();
    File::from(file).read_to_string(&mut text).expect("read");
    text
}

/// The caller has no standard streams: files that the plan opens must not take their numbers.
#[test]
fn e02_the_caller_has_no_stdio() {
    ns_testbed::run_as!([Root, User], {
        let code = forked(|| {
            // SAFETY: this child prints nothing and exits without destructors.
            unsafe { apply::close_rest(&[FdRange { first: 0, last: 2 }]) }.expect("close");
            let mut descriptors = Descriptors::new();
            descriptors.stdin(Stdio::null()).stdout(Stdio::piped());
            let mut plan = plan(&descriptors);
            let own = plan.take_pipe(1).expect("a pipe");
            if (0..=2).any(is_open) {
                // A child that inherits 0 to 2 and does not call exec would have these files.
                exit_group(8);
            }
            let code = shell(&plan, c"echo $(cat) out; test -e /dev/fd/2 && exit 3; exit 0");
            drop(plan);
            exit_group(if read(own) == "out\n" { code } else { 9 })
        });
        assert_eq!(code, 0);
    });
}

/// Each pipe is connected to its stream.
#[test]
fn e02_three_pipes() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut descriptors = Descriptors::new();
        descriptors.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut plan = plan(&descriptors);
        let [input, out, err] = [0, 1, 2].map(|number| plan.take_pipe(number).expect("a pipe"));
        assert!(plan.take_pipe(0).is_none(), "taken twice");
        File::from(input).write_all(b"in").expect("write");
        assert_eq!(shell(&plan, c"cat; echo err >&2"), 0);
        drop(plan);
        assert_eq!((read(out).as_str(), read(err).as_str()), ("in", "err\n"));
    });
}

/// stdout and stderr are swapped.
#[test]
fn e03_swapped() {
    ns_testbed::run_as!([Root, User], {
        let ends = [std::io::pipe().expect("pipe"), std::io::pipe().expect("pipe")];
        let [(first_reader, first), (second_reader, second)] = ends;
        let code = forked(|| {
            // SAFETY: this child prints nothing.
            unsafe { child::dup3(first.as_fd(), 1, false) }.expect("dup3");
            // SAFETY: as above.
            unsafe { child::dup3(second.as_fd(), 2, false) }.expect("dup3");
            let mut descriptors = Descriptors::new();
            descriptors.stdout(Stdio::borrowed(borrow(2))).stderr(Stdio::borrowed(borrow(1)));
            exit_group(shell(&plan(&descriptors), c"echo out; echo err >&2"))
        });
        assert_eq!(code, 0);
        drop((first, second));
        assert_eq!(
            (read(first_reader.into()), read(second_reader.into())),
            ("err\n".into(), "out\n".into())
        );
    });
}

/// One file is placed at several numbers.
#[test]
fn e03_one_to_many() {
    ns_testbed::run_as!([Root, User], {
        let (reader, writer) = std::io::pipe().expect("pipe");
        let file = Stdio::fd(writer);
        let mut descriptors = Descriptors::new();
        descriptors.stdout(file.clone()).stderr(file.clone()).place(7, file);
        let plan = plan(&descriptors);
        assert_eq!(shell(&plan, c"echo a; echo b >&2; echo c >&7"), 0);
        drop((plan, descriptors));
        assert_eq!(read(reader.into()), "a\nb\nc\n");
    });
}

/// A close-on-exec descriptor that already has its number stays open across exec.
#[test]
fn e04_source_is_target() {
    ns_testbed::run_as!([Root, User], {
        let code = forked(|| {
            let file = File::open("/proc/self/status").expect("open");
            // SAFETY: this child reads nothing from 0.
            unsafe { child::dup3(file.as_fd(), 0, true) }.expect("dup3");
            let mut descriptors = Descriptors::new();
            descriptors.stdin(Stdio::borrowed(borrow(0)));
            shell(&plan(&descriptors), c"read line; test \"${line%%:*}\" = Name")
        });
        assert_eq!(code, 0);
        assert_eq!(shell(&plan(&Descriptors::new()), c"exec <&0"), 0);
    });
}

/// An inherited descriptor keeps its close-on-exec flag, as with std's `Command`.
#[test]
fn e04_inherit_leaves_the_flag() {
    ns_testbed::run_as!([Root, User], {
        let code = forked(|| {
            let file = File::open("/proc/self/status").expect("open");
            // SAFETY: this child reads nothing from 0.
            unsafe { child::dup3(file.as_fd(), 0, true) }.expect("dup3");
            let closed = c"test ! -e /dev/fd/0";
            let mut std = std::process::Command::new("sh");
            std.args(["-c", closed.to_str().expect("text")]).stdin(std::process::Stdio::inherit());
            let is_closed = std.status().expect("start").success();
            if is_closed { shell(&plan(&Descriptors::new()), closed) } else { 9 }
        });
        assert_eq!(code, 0);
    });
}

/// The error of a failed move names the descriptor number.
#[test]
fn a_failed_move_names_its_number() {
    ns_testbed::run_as!([User], {
        let code = forked(|| {
            let plan = plan(Descriptors::new().place(70, Stdio::null()));
            child::prlimit(7, 64, 64).expect("RLIMIT_NOFILE");
            // SAFETY: the child exits right after it.
            let error = unsafe { apply::place_fds(plan.steps()) }.expect_err("above the limit");
            i32::from((error.step, error.errno) != (Step::PlaceFd(70), Errno::BADF))
        });
        assert_eq!(code, 0);
    });
}

/// A cycle of moves needs a temporary descriptor.
#[test]
fn e03_no_number_for_a_cycle() {
    ns_testbed::run_as!([User], {
        let mut descriptors = Descriptors::new();
        descriptors.stdin(Stdio::borrowed(borrow(1))).stdout(Stdio::borrowed(borrow(0)));
        let plan = plan(&descriptors);
        let code = forked(|| {
            child::prlimit(7, 3, 3).expect("RLIMIT_NOFILE");
            // SAFETY: the child exits right after it.
            let error = unsafe { apply::place_fds(plan.steps()) }.expect_err("no number is left");
            i32::from((error.step, error.errno) != (Step::PlaceFd(0), Errno::INVAL))
        });
        assert_eq!(code, 0);
    });
}

/// An error of close(2) is about the file; the moves have succeeded.
#[test]
fn e03_a_failed_close_in_a_swap() {
    ns_testbed::run_as!([Root, User], {
        let (one, two) = (File::open("/dev/null"), File::open("/dev/zero"));
        let (one, two) = (one.expect("open"), two.expect("open"));
        let swap = [
            FdStep::Save { from: one.as_raw_fd() },
            FdStep::Duplicate { from: two.as_raw_fd(), to: one.as_raw_fd() },
            FdStep::Restore { to: two.as_raw_fd() },
        ];
        let code = forked(|| {
            refuse(__NR_close, Errno::IO);
            // SAFETY: this child only exits.
            i32::from(unsafe { apply::place_fds(&swap) }.is_err())
        });
        assert_eq!(code, 0);
    });
}
/// A terminal at 0 to 2 is detected, opened or inherited; at other numbers it does not count.
#[test]
fn f11_a_terminal_is_detected() {
    ns_testbed::run_as!([Root], {
        let terminal = || Stdio::fd(File::open("/dev/ptmx").expect("a terminal"));
        let has = |descriptors: &Descriptors| plan(descriptors).has_terminal();
        assert!(!has(&Descriptors::new()), "the testbed has no terminal");
        assert!(!has(Descriptors::new().place(3, terminal())));
        for number in 0..=2 {
            assert!(has(Descriptors::new().place(number, terminal())), "{number}");
            let code = forked(|| {
                let inherited = File::open("/dev/ptmx").expect("a terminal");
                // SAFETY: this child prints nothing.
                unsafe { child::dup3(inherited.as_fd(), number, false) }.expect("dup3");
                let hidden = has(Descriptors::new().place(number, Stdio::null()));
                i32::from(hidden || !has(&Descriptors::new()))
            });
            assert_eq!(code, 0, "{number}");
        }
    });
}

/// The plan opens no file at a kept number at which the caller has nothing open.
#[test]
fn e01_a_kept_number_stays_empty() {
    ns_testbed::run_as!([Root, User], {
        // The numbers that open(2) would return next.
        let numbers: Vec<_> = (3..).filter(|number| !is_open(*number)).take(4).collect();
        let mut descriptors = Descriptors::new();
        descriptors.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        for number in &numbers {
            descriptors.keep(*number);
        }
        let mut plan = plan(&descriptors);
        assert!(!numbers.iter().any(|number| is_open(*number)), "the plan took a kept number");
        let own = plan.take_pipe(1).expect("the caller's end");
        assert!(!numbers.contains(&own.as_raw_fd()));
    });
}
