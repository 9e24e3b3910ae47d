//! The gate: the program that a parked process executes, and that executes the program at its
//! release.
//!
//! It is a static program of its own, as the built-in init, so a parked process keeps none of the
//! caller's memory. It has one descriptor more than the program: its gate, a stream socket whose
//! other end belongs to the caller. The protocol, version 1:
//!
//! ```text
//!        mmap(LIST, 8192)
//! wait:  recvmsg(gate) a header of two words, [length, 0], with up to 16 descriptors
//!        if the length is more than 8192: mmap(LIST, length)
//!        recvfrom(gate) as many bytes: a list of system calls
//!        call each, from list[1] on, and store its result where the call says
//!        if it fails and its mask has the errno: continue at the call that it names
//!        if it fails otherwise: continue at the call list[0]
//!        a call -1 ends the list: go to wait
//!        a call -2 compares a word with a value, clears the word, and fails if they differ
//! At the end of the stream, half a message, or a failed mmap: exit_group(125)
//! ```
//!
//! So the gate knows nothing of payloads, streams or answers: the caller writes them as system
//! calls (`parked/`), and a change of the protocol between caller and released process changes no
//! assembly. The holder of the other end controls the process completely, so the caller keeps it. A
//! process that is released through a socket in the file system runs a list that only compares what
//! it receives.
#![allow(unsafe_code, reason = "takes the instructions of the architecture")]

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "riscv64")]
mod riscv64;
#[cfg(target_arch = "x86_64")]
mod x86_64;

use std::os::fd::{OwnedFd, RawFd};
use std::prelude::rust_2024::*;

use ns_sys::Errno;

use super::program_file;
use super::static_program::{self, DATA};
#[cfg(target_arch = "aarch64")]
use aarch64 as machine;
#[cfg(target_arch = "riscv64")]
use riscv64 as machine;
#[cfg(target_arch = "x86_64")]
use x86_64 as machine;

/// The address of a list of system calls.
pub(crate) const LIST: u64 = 0x1000_0000;

/// The number of a system call that ends the list: the gate waits for the next one.
pub(crate) const WAIT: i64 = -1;
/// The number of the comparison of the word at the first argument with the second argument.
pub(crate) const COMPARE: i64 = -2;

/// The most descriptors of one message.
pub(crate) const MAX_DESCRIPTORS: usize = 16;

/// The offsets in the data: an `iovec`, the header of a message, the number of the gate, and the
/// control message. A `msghdr` is at its beginning.
const IOVEC: u64 = 56;
const HEADER: u64 = 72;
const CONTROL: u64 = 96;
/// The sizes of a header, and of a control message: a `cmsghdr` and the descriptors.
const HEADER_SIZE: u64 = 16;
const CMSGHDR: u64 = 16;
const CONTROL_SIZE: u64 = CMSGHDR + 4 * MAX_DESCRIPTORS as u64;

const DATA_SIZE: usize = 176;
const _: () = assert!(CONTROL + CONTROL_SIZE == DATA_SIZE as u64);

/// The address at which the gate has the number of the descriptor that it received as the
/// `index`th.
pub(crate) fn received(index: usize) -> u64 {
    DATA + CONTROL + CMSGHDR + 4 * index as u64
}

/// Makes the executable file of a gate that has its socket at the number `gate`.
pub(crate) fn make(gate: RawFd) -> Result<OwnedFd, Errno> {
    // SAFETY: `code` returns two such addresses.
    let instructions = unsafe { static_program::instructions(machine::code()) };
    program_file::make(c"gate", &executable(instructions, gate))
}

pub(crate) fn executable(instructions: &[u8], gate: RawFd) -> Vec<u8> {
    let words = [
        // msghdr: no address, one part, the control message, no flags.
        0,
        0,
        DATA + IOVEC,
        1,
        DATA + CONTROL,
        CONTROL_SIZE,
        0,
        // iovec: the header.
        DATA + HEADER,
        HEADER_SIZE,
        0,
        0,
        u64::from(gate.unsigned_abs()),
    ];
    let mut data: Vec<u8> = words.into_iter().flat_map(u64::to_le_bytes).collect();
    // A descriptor that the gate has not received is not open: -1.
    data.resize(DATA_SIZE - 4 * MAX_DESCRIPTORS, 0);
    data.resize(DATA_SIZE, 0xff);
    static_program::file(instructions, &data)
}
