//! The cost of protecting the caller's memory from other processes while a child shares it.

use std::os::fd::AsFd;

use benches::pairs::{PAIRS, ratios, times_of_blocks};
use benches::subjects::{FIVE, target};
use ns_process::set_dumpable;
use ns_sys::child::{fcntl_getlk, fcntl_setlk};
use rustix::fs::{CWD, MemfdFlags, Mode, OFlags, memfd_create, openat, readlinkat};
use rustix::io::pread;

use crate::against_floor::floor;
use crate::measured::Measured;

const BLOCK: u32 = 100;

/// Takes and tests the record lock. Closing a descriptor of the file releases it, as execve does.
pub(crate) fn lock() -> Measured {
    let file = memfd_create(c"locks", MemfdFlags::CLOEXEC).expect("memfd_create");
    Measured::Times(times_of_blocks(BLOCK, || {
        let copy = file.try_clone().expect("dup");
        fcntl_setlk(copy.as_fd(), 1).expect("lock");
        assert_eq!(
            fcntl_getlk(file.as_fd(), 1),
            Ok(false),
            "a lock does not conflict with its owner"
        );
    }))
}

/// Reads the caller's process ID in /proc, and the name of another process.
pub(crate) fn name() -> Measured {
    let other = target();
    let path = format!("/proc/{}/comm", other.pid());
    Measured::Times(times_of_blocks(BLOCK, || {
        readlinkat(CWD, c"/proc/self", Vec::with_capacity(16)).expect("readlink");
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let file = openat(CWD, path.as_str(), flags, Mode::empty()).expect("open");
        assert!(pread(file, &mut [0; 17], 0).expect("read") > 0);
    }))
}

pub(crate) fn owner() -> Measured {
    let set = |dumpable| set_dumpable(dumpable).expect("prctl");
    Measured::Times(times_of_blocks(BLOCK, || {
        set(false);
        set(true);
    }))
}

/// Measures a start with all of it.
pub(crate) fn five() -> Measured {
    let (mut guarded, mut unguarded) = (floor(&FIVE), floor(&FIVE).unguarded());
    Measured::Ratios(ratios(PAIRS, || guarded.start_join(), || unguarded.start_join()))
}
