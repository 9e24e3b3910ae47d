//! Duplicate, mark and close descriptors.
#![allow(unsafe_code, reason = "the calls under test")]

use std::fs::{self, File};
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use ns_sys::Errno;
use ns_sys::child::{self, CloseRangeFlags};
use ns_testbed::forked;

fn is_open(fd: RawFd) -> bool {
    fs::exists(format!("/proc/self/fd/{fd}")).expect("check the path")
}

/// Descriptors are duplicated, marked and closed by number.
#[test]
fn descriptors_are_duplicated_marked_and_closed() {
    ns_testbed::run_as!([Root, User], {
        let code = forked(|| {
            let (mut reader, writer) = std::io::pipe().expect("pipe");
            // SAFETY: descriptor 100 is not open in this process.
            unsafe { child::dup3(writer.as_fd(), 100, true) }.expect("dup3");
            let hundred = borrow(100);
            assert_eq!(rustix::io::fcntl_getfd(hundred), Ok(rustix::io::FdFlags::CLOEXEC));
            child::fcntl_setfd(hundred, false).expect("setfd");
            assert_eq!(rustix::io::fcntl_getfd(hundred), Ok(rustix::io::FdFlags::empty()));
            // SAFETY: the call must fail.
            assert_eq!(unsafe { child::dup3(hundred, 100, false) }, Err(Errno::INVAL));
            let copy = child::fcntl_dupfd_cloexec(hundred, 200).expect("dupfd");
            assert!(copy >= 200);
            assert_eq!(child::write(hundred, b"through"), Ok(7));
            // SAFETY: it was created above and has no owner.
            unsafe { child::close(copy) }.expect("close");
            // SAFETY: it is no longer open.
            assert_eq!(unsafe { child::close(copy) }, Err(Errno::BADF));
            // SAFETY: descriptor 100 has no owner.
            unsafe { child::close_range(100, 100, CloseRangeFlags::empty()) }.expect("close_range");
            assert!(!is_open(100));
            drop(writer);
            let mut text = String::new();
            reader.read_to_string(&mut text).expect("read");
            assert_eq!(text, "through");
            0
        });
        assert_eq!(code, 0);
    });
}

/// Borrows a descriptor that the test has opened by number.
fn borrow(fd: RawFd) -> BorrowedFd<'static> {
    // SAFETY: it stays open until the test closes it, and is not used afterwards.
    unsafe { BorrowedFd::borrow_raw(fd) }
}

/// The range may include descriptors above a lowered limit, and CLOEXEC closes nothing.
#[test]
fn e01_close_range_reaches_above_the_limit() {
    ns_testbed::run_as!([Root, User], {
        let code = forked(|| {
            // It is closed by number below, so its owner must not close it.
            let file = std::mem::ManuallyDrop::new(File::open("/dev/null").expect("open"));
            // SAFETY: descriptor 900 is not open.
            unsafe { child::dup3(file.as_fd(), 900, false) }.expect("dup3");
            child::prlimit(libc::RLIMIT_NOFILE, 64, 64).expect("prlimit");
            // SAFETY: CLOEXEC closes nothing here.
            unsafe { child::close_range(3, u32::MAX, CloseRangeFlags::CLOEXEC) }.expect("mark");
            assert!(is_open(900));
            // SAFETY: this child exits without using any of them.
            unsafe { child::close_range(3, u32::MAX, CloseRangeFlags::UNSHARE) }.expect("close");
            i32::from(is_open(900))
        });
        assert_eq!(code, 0);
    });
}

/// With `UNSHARE`, other threads keep their descriptors.
#[test]
fn e01_close_range_unshare_spares_other_threads() {
    ns_testbed::run_as!([Root, User], {
        let file = File::open("/dev/null").expect("open");
        let number = file.as_raw_fd().unsigned_abs();
        std::thread::spawn(move || {
            // SAFETY: it closes the descriptor only in this thread's own table.
            unsafe { child::close_range(number, number, CloseRangeFlags::UNSHARE) }.expect("close");
        })
        .join()
        .expect("join");
        assert!(file.metadata().is_ok());
    });
}
