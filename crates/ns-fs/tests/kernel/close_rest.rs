//! Closing the rest, with and without close_range(2).
#![allow(unsafe_code, reason = "descriptors by number")]

use std::fs::File;
use std::os::fd::{AsFd, RawFd};

use linux_raw_sys::general::__NR_close_range;
use ns_fs::apply::{self, FdRange};
use ns_fs::{Descriptors, FdPlan, Step};
use ns_sys::Errno;
use ns_sys::child::{self, exit_group};
use ns_testbed::{forked, refuse};
use rustix::io::fcntl_getfd;

use crate::fixture::{TempDir, apply_fds, borrow, is_open};

/// Opens ten inheritable descriptors, one of them 900, and lowers the limit below it.
fn open_many() {
    for number in [900, 40, 41, 42, 43, 44, 45, 46, 47, 48] {
        let null = File::open("/dev/null").expect("open");
        // SAFETY: no owner uses these numbers.
        unsafe { child::dup3(null.as_fd(), number, false) }.expect("dup3");
    }
    child::prlimit(7, 64, 64).expect("RLIMIT_NOFILE");
}

fn open_numbers() -> Vec<RawFd> {
    (0..1000).filter(|number| is_open(*number)).collect()
}

/// Only the requested descriptors are inherited; those above a lowered limit are closed too.
#[test]
fn e01_the_rest_is_closed() {
    ns_testbed::run_as!([Root, User, Nested], {
        let plan = FdPlan::new(Descriptors::new().keep(41)).expect("plan");
        let code = forked(|| {
            open_many();
            apply_fds(&plan);
            exit_group(i32::from(open_numbers() != [0, 1, 2, 41]))
        });
        assert_eq!(code, 0);
    });
}

/// Without close_range(2) the list in `/proc` gives the same result.
#[test]
fn e01_the_rest_is_closed_without_close_range() {
    ns_testbed::run_as!([Root, User, Nested], {
        let plan = FdPlan::new(Descriptors::new().keep(900)).expect("plan");
        let code = forked(|| {
            open_many();
            refuse(__NR_close_range, Errno::NOSYS);
            apply_fds(&plan);
            exit_group(i32::from(open_numbers() != [0, 1, 2, 900]))
        });
        assert_eq!(code, 0);
    });
}

/// Without close_range(2) and without a real `/proc` it is an error.
#[test]
fn e01_no_close_range_and_no_proc() {
    ns_testbed::run_as!([Root, Nested], {
        let dir = TempDir::with("fake", &["proc/self/fd"]);
        for root in [dir.path(), &dir.path().join("proc")] {
            let code = forked(|| {
                rustix::process::chroot(root).expect("chroot");
                refuse(__NR_close_range, Errno::NOSYS);
                // SAFETY: the child exits right after it.
                let error = unsafe { apply::close_rest(&[FdRange { first: 50, last: 60 }]) };
                let error = error.expect_err("no list of descriptors");
                i32::from((error.step, error.errno) != (Step::CloseRest, Errno::NOSYS))
            });
            assert_eq!(code, 0, "{}", root.display());
        }
    });
}

/// The list of descriptors cannot be opened, because no number is left.
#[test]
fn e01_no_close_range_and_no_free_number() {
    ns_testbed::run_as!([Root, User], {
        let code = forked(|| {
            refuse(__NR_close_range, Errno::NOSYS);
            child::prlimit(7, 3, 3).expect("RLIMIT_NOFILE");
            // SAFETY: the child exits right after it.
            let error = unsafe { apply::close_rest(&[FdRange { first: 50, last: 60 }]) };
            i32::from(error.expect_err("no number is left").errno != Errno::MFILE)
        });
        assert_eq!(code, 0);
    });
}

/// A range that ends before it begins is an error, with and without close_range(2).
#[test]
fn e01_a_reversed_range_is_an_error() {
    ns_testbed::run_as!([Root, User], {
        for old in [false, true] {
            let code = forked(|| {
                if old {
                    refuse(__NR_close_range, Errno::NOSYS);
                }
                // SAFETY: the child exits right after it.
                let error = unsafe { apply::close_rest(&[FdRange { first: 60, last: 50 }]) };
                let error = error.expect_err("reversed");
                i32::from((error.step, error.errno) != (Step::CloseRest, Errno::INVAL))
            });
            assert_eq!(code, 0, "{old}");
        }
    });
}

/// The kernels that a test simulates: with `CLOSE_RANGE_CLOEXEC`, Linux 5.9 and 5.10, and older ones.
const KERNELS: [Option<Errno>; 3] = [None, Some(Errno::INVAL), Some(Errno::NOSYS)];

/// On every kernel the rest stays open until exec, also above a lowered limit.
#[test]
fn e01_the_rest_is_closed_on_exec() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut descriptors = Descriptors::new();
        let plan = FdPlan::new(descriptors.keep(41).keep(900)).expect("plan");
        for kernel in KERNELS {
            let code = forked(|| {
                open_many();
                let open = open_numbers();
                if let Some(errno) = kernel {
                    refuse(__NR_close_range, errno);
                }
                apply::close_rest_on_exec(plan.ranges()).expect("close_rest_on_exec");
                assert_eq!(open_numbers(), open, "nothing is closed before exec");
                let inherited = open
                    .iter()
                    .filter(|fd| fcntl_getfd(borrow(**fd)).is_ok_and(|flags| flags.is_empty()));
                assert!(inherited.eq(&[0, 1, 2, 41, 900]));
                exit_group(0)
            });
            assert_eq!(code, 0, "{kernel:?}");
        }
    });
}

/// It fails as [`apply::close_rest`] does: with a reversed range, without a list, without a number for it.
#[test]
fn e01_errors_of_closing_on_exec() {
    ns_testbed::run_as!([Root], {
        let dir = TempDir::with("fake list", &["proc/self/fd"]);
        let errno = |first, last| {
            let error = apply::close_rest_on_exec(&[FdRange { first, last }]).expect_err("fails");
            assert_eq!(error.step, Step::CloseRest);
            error.errno
        };
        for kernel in KERNELS {
            let code = forked(|| {
                if let Some(errno) = kernel {
                    refuse(__NR_close_range, errno);
                }
                assert_eq!(errno(60, 50), Errno::INVAL);
                let Some(_) = kernel else { exit_group(0) };
                rustix::process::chroot(dir.path()).expect("chroot");
                assert_eq!(errno(50, 60), Errno::NOSYS);
                child::prlimit(7, 3, 3).expect("RLIMIT_NOFILE");
                assert_eq!(errno(50, 60), Errno::MFILE);
                exit_group(0)
            });
            assert_eq!(code, 0, "{kernel:?}");
        }
    });
}
