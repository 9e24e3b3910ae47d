//! What it costs that nobody reaches the caller's memory through a child.

use std::os::fd::AsFd;
use std::process;

use benches::pairs::{PAIRS, ratios, times_of_blocks};
use benches::subjects::target;
use ns_process::set_dumpable;
use ns_sys::child::{fcntl_getlk, fcntl_setlk};
use ns_sys::kcmp_vm;
use rustix::fs::{MemfdFlags, memfd_create};

use crate::against_floor::floor;
use crate::measured::Measured;

const BLOCK: u32 = 100;

/// Closing a descriptor of the file ends the lock, as exec does.
pub(crate) fn lock() -> Measured {
    let file = memfd_create(c"locks", MemfdFlags::CLOEXEC).expect("a file");
    Measured::Times(times_of_blocks(BLOCK, || {
        let copy = file.try_clone().expect("dup");
        fcntl_setlk(copy.as_fd(), 1).expect("lock");
        assert_eq!(fcntl_getlk(file.as_fd(), 1), Ok(false), "the lock is its own");
    }))
}

pub(crate) fn comparison() -> Measured {
    let (own, other) = (process::id(), target());
    let is_shared = || kcmp_vm(own, other.pid()).expect("kcmp");
    Measured::Times(times_of_blocks(BLOCK, || assert!(!is_shared())))
}

pub(crate) fn owner() -> Measured {
    let set = |dumpable| set_dumpable(dumpable).expect("prctl");
    Measured::Times(times_of_blocks(BLOCK, || {
        set(false);
        set(true);
    }))
}

/// All of it, where it is the largest part.
pub(crate) fn plain() -> Measured {
    let (mut guarded, mut open) = (floor(&[]), floor(&[]).unguarded());
    Measured::Ratios(ratios(PAIRS, || guarded.start_join(), || open.start_join()))
}
