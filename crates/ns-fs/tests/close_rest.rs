//! What nobody asked for is closed, with and without close_range.
#![allow(unsafe_code, reason = "descriptors by number")]

mod common;

use std::fs::{self, File};
use std::os::fd::{AsFd, RawFd};

use common::{apply_fds, is_open};
use linux_raw_sys::general::__NR_close_range;
use ns_fs::apply::{self, FdRange};
use ns_fs::{Descriptors, FdPlan, Step};
use ns_sys::Errno;
use ns_sys::child::{self, exit_group};
use ns_testbed::{forked, refuse};

/// Opens ten inheritable descriptors, one of them 900, and lowers the limit below it.
fn litter() {
    for number in [900, 40, 41, 42, 43, 44, 45, 46, 47, 48] {
        let null = File::open("/dev/null").expect("open");
        // SAFETY: nobody owns these numbers.
        unsafe { child::dup3(null.as_fd(), number, false) }.expect("dup3");
    }
    child::prlimit(7, 64, 64).expect("RLIMIT_NOFILE");
}

fn open_numbers() -> Vec<RawFd> {
    (0..1000).filter(|number| is_open(*number)).collect()
}

/// What is inherited is what was asked for, above a lowered limit too.
#[test]
fn e01_the_rest_is_closed() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut wish = Descriptors::new();
        wish.keep(41);
        let kept = FdPlan::new(&wish).expect("plan");
        let code = forked(|| {
            litter();
            apply_fds(&kept);
            exit_group(i32::from(open_numbers() != [0, 1, 2, 41]))
        });
        assert_eq!(code, 0);
    });
}

/// Without close_range the list in `/proc` does the same.
#[test]
fn e01_the_rest_is_closed_without_close_range() {
    ns_testbed::run_as!([Root, User, Nested], {
        let kept = FdPlan::new(Descriptors::new().keep(900)).expect("plan");
        let code = forked(|| {
            litter();
            refuse(__NR_close_range, Errno::NOSYS);
            apply_fds(&kept);
            exit_group(i32::from(open_numbers() != [0, 1, 2, 900]))
        });
        assert_eq!(code, 0);
    });
}

/// Without close_range and a real `/proc` there is an error, and not a guess.
#[test]
fn e01_no_close_range_and_no_proc() {
    ns_testbed::run_as!([Root, Nested], {
        let folder = std::env::temp_dir().join(format!("ns-fs-fake-{}", std::process::id()));
        fs::create_dir_all(folder.join("proc/self/fd")).expect("mkdir");
        for root in [folder.as_path(), &folder.join("proc")] {
            let code = forked(|| {
                rustix::process::chroot(root).expect("chroot");
                refuse(__NR_close_range, Errno::NOSYS);
                // SAFETY: the child exits right after it.
                let error = unsafe { apply::close_rest(&[FdRange { first: 50, last: 60 }]) };
                let error = error.expect_err("nothing to list descriptors by");
                i32::from((error.step, error.errno) != (Step::CloseRest, Errno::NOSYS))
            });
            assert_eq!(code, 0, "{}", root.display());
        }
        fs::remove_dir_all(&folder).expect("remove");
    });
}

/// A list that could not be opened for want of a number says so.
#[test]
fn e01_no_close_range_and_no_number() {
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

/// A range that ends before it begins is a mistake, whichever way is taken.
#[test]
fn e01_a_range_the_wrong_way_round() {
    ns_testbed::run_as!([Root, User], {
        for old in [false, true] {
            let code = forked(|| {
                if old {
                    refuse(__NR_close_range, Errno::NOSYS);
                }
                // SAFETY: the child exits right after it.
                let error = unsafe { apply::close_rest(&[FdRange { first: 60, last: 50 }]) };
                let error = error.expect_err("no range");
                i32::from((error.step, error.errno) != (Step::CloseRest, Errno::INVAL))
            });
            assert_eq!(code, 0, "{old}");
        }
    });
}
