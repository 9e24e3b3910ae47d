//! Stdio and descriptors against the real kernel.
#![allow(unsafe_code, reason = "descriptors by number")]

mod common;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use common::{apply_fds, borrow, is_open};
use linux_raw_sys::general::__NR_close;
use ns_fs::apply::{self, FdRange};
use ns_fs::{Descriptors, FdError, FdPlan, Stdio, Step};
use ns_sys::Errno;
use ns_sys::child::{self, execve, exit_group};
use ns_testbed::{forked, refuse};

/// In a forked child: applies the plan, then becomes a shell with `script`.
fn shell(plan: &FdPlan, script: &std::ffi::CStr) -> i32 {
    forked(|| {
        apply_fds(plan);
        let argv = [c"sh".as_ptr(), c"-c".as_ptr(), script.as_ptr(), std::ptr::null()];
        // SAFETY: both arrays end with a null pointer.
        let errno = unsafe { execve(c"/bin/sh", argv.as_ptr(), argv[3..].as_ptr()) };
        exit_group(errno.raw_os_error())
    })
}

fn plan(wish: &Descriptors) -> FdPlan {
    FdPlan::new(wish).expect("plan")
}

fn read(file: OwnedFd) -> String {
    let mut text = String::new();
    File::from(file).read_to_string(&mut text).expect("read");
    text
}

/// The caller has no 0 to 2: what the plan opens must not take their place.
#[test]
fn e02_the_caller_has_no_stdio() {
    ns_testbed::run_as!([Root, User], {
        let code = forked(|| {
            // SAFETY: this child prints nothing and leaves without destructors.
            unsafe { apply::close_rest(&[FdRange { first: 0, last: 2 }]) }.expect("close");
            let mut wish = Descriptors::new();
            wish.stdin(Stdio::null()).stdout(Stdio::piped());
            let mut plan = plan(&wish);
            let own = plan.take_pipe(1).expect("a pipe");
            if (0..=2).any(is_open) {
                // Whoever inherits these numbers, and does not exec, would have the files.
                exit_group(8);
            }
            let code = shell(&plan, c"echo $(cat) out; test -e /dev/fd/2 && exit 3; exit 0");
            drop(plan);
            exit_group(if read(own) == "out\n" { code } else { 9 })
        });
        assert_eq!(code, 0);
    });
}

/// Each stream where it belongs, with `cat` in between.
#[test]
fn e02_three_pipes() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut wish = Descriptors::new();
        wish.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut plan = plan(&wish);
        let [input, out, err] = [0, 1, 2].map(|number| plan.take_pipe(number).expect("a pipe"));
        assert!(plan.take_pipe(0).is_none(), "once");
        File::from(input).write_all(b"in").expect("write");
        assert_eq!(shell(&plan, c"cat; echo err >&2"), 0);
        drop(plan);
        assert_eq!((read(out).as_str(), read(err).as_str()), ("in", "err\n"));
    });
}

/// stdout and stderr trade places.
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
            let mut wish = Descriptors::new();
            wish.stdout(Stdio::borrowed(borrow(2))).stderr(Stdio::borrowed(borrow(1)));
            exit_group(shell(&plan(&wish), c"echo out; echo err >&2"))
        });
        assert_eq!(code, 0);
        drop((first, second));
        assert_eq!(
            (read(first_reader.into()), read(second_reader.into())),
            ("err\n".into(), "out\n".into())
        );
    });
}

/// One file on many numbers.
#[test]
fn e03_one_to_many() {
    ns_testbed::run_as!([Root, User], {
        let (reader, writer) = std::io::pipe().expect("pipe");
        let file = Stdio::fd(writer);
        let mut wish = Descriptors::new();
        wish.stdout(file.clone()).stderr(file.clone()).place(7, file);
        let planned = plan(&wish);
        assert_eq!(shell(&planned, c"echo a; echo b >&2; echo c >&7"), 0);
        drop((planned, wish));
        assert_eq!(read(reader.into()), "a\nb\nc\n");
    });
}

/// A descriptor that is in its place already, but close-on-exec, stays open.
#[test]
fn e04_source_is_target() {
    ns_testbed::run_as!([Root, User], {
        let code = forked(|| {
            let file = File::open("/proc/self/status").expect("open");
            // SAFETY: this child reads nothing from 0.
            unsafe { child::dup3(file.as_fd(), 0, true) }.expect("dup3");
            let mut wish = Descriptors::new();
            wish.stdin(Stdio::borrowed(borrow(0)));
            shell(&plan(&wish), c"read line; test \"${line%:*}\" = Name")
        });
        assert_eq!(code, 0);
        assert_eq!(shell(&plan(&Descriptors::new()), c"exec <&0"), 0);
    });
}

/// Inherited as it is: a close-on-exec flag of the caller's stays, as with std's `Command`.
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
            let as_std = std.status().expect("start").success();
            if as_std { shell(&plan(&Descriptors::new()), closed) } else { 9 }
        });
        assert_eq!(code, 0);
    });
}

/// Paths: read at 0, appended to and created at 1 and 2.
#[test]
fn stdio_paths() {
    ns_testbed::run_as!([Root, User], {
        let path = std::env::temp_dir().join(format!("ns-fs stdio {}", std::process::id()));
        let mut wish = Descriptors::new();
        wish.stdout(Stdio::path(&path));
        for _ in 0..2 {
            assert_eq!(shell(&plan(&wish), c"echo line"), 0);
        }
        wish.stdin(Stdio::path(&path)).stdout(Stdio::null());
        assert_eq!(shell(&plan(&wish), c"read a; read b; test $a$b = lineline"), 0);
        fs::remove_file(&path).expect("remove");
        let error = FdPlan::new(&wish).expect_err("gone");
        assert!(matches!(error, FdError::Open { number: 0, .. }), "{error}");
    });
}

/// A failed move says which number.
#[test]
fn a_failed_move_names_its_number() {
    ns_testbed::run_as!([User], {
        let code = forked(|| {
            child::prlimit(7, 64, 64).expect("RLIMIT_NOFILE");
            let plan = plan(Descriptors::new().place(70, Stdio::null()));
            // SAFETY: the child exits right after it.
            let error = unsafe { apply::place_fds(plan.steps()) }.expect_err("above the limit");
            i32::from((error.step, error.errno) != (Step::PlaceFd(70), Errno::BADF))
        });
        assert_eq!(code, 0);
    });
}

/// A circle needs one number more than those that it moves.
#[test]
fn e03_no_number_for_a_circle() {
    ns_testbed::run_as!([User], {
        let mut wish = Descriptors::new();
        wish.stdin(Stdio::borrowed(borrow(1))).stdout(Stdio::borrowed(borrow(0)));
        let plan = plan(&wish);
        let code = forked(|| {
            child::prlimit(7, 3, 3).expect("RLIMIT_NOFILE");
            // SAFETY: the child exits right after it.
            let error = unsafe { apply::place_fds(plan.steps()) }.expect_err("no number is left");
            i32::from((error.step, error.errno) != (Step::PlaceFd(0), Errno::INVAL))
        });
        assert_eq!(code, 0);
    });
}

/// A close that fails tells of the file, and does not undo a placement.
#[test]
fn e03_a_lost_close_in_a_swap() {
    ns_testbed::run_as!([Root, User], {
        let (one, two) = (File::open("/dev/null"), File::open("/dev/zero"));
        let (one, two) = (one.expect("open"), two.expect("open"));
        let swap = [
            apply::FdStep::Save { from: one.as_raw_fd() },
            apply::FdStep::Duplicate { from: two.as_raw_fd(), to: one.as_raw_fd() },
            apply::FdStep::Restore { to: two.as_raw_fd() },
        ];
        let code = forked(|| {
            refuse(__NR_close, Errno::IO);
            // SAFETY: a forked child, which only exits.
            i32::from(unsafe { apply::place_fds(&swap) }.is_err())
        });
        assert_eq!(code, 0);
    });
}
