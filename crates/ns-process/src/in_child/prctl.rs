//! prctl(2) with options whose arguments are integers.
#![allow(unsafe_code, reason = "prctl(2) takes pointers with other options")]

use ns_sys::{Errno, child};

/// An option of include/uapi/linux/prctl.h without pointers.
#[derive(Clone, Copy)]
#[repr(u32)]
pub(super) enum Attribute {
    Pdeathsig = 1,
    Dumpable = 4,
    Keepcaps = 8,
    ReadBounding = 23,
    DropBounding = 24,
    NoNewPrivs = 38,
    Ambient = 47,
}

/// Sets an attribute of this process, by the second and the third argument of the call.
pub(super) fn set(attribute: Attribute, [second, third]: [usize; 2]) -> Result<(), Errno> {
    // SAFETY: these options take integer arguments only.
    unsafe { child::prctl(attribute as u32, [second, third, 0, 0]) }.map(drop)
}

/// Reads an attribute of this process, by the second argument of the call.
pub(super) fn get(attribute: Attribute, second: usize) -> Result<usize, Errno> {
    // SAFETY: these options take integer arguments only.
    unsafe { child::prctl(attribute as u32, [second, 0, 0, 0]) }
}
