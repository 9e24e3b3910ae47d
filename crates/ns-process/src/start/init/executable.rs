//! The built-in init as an ELF file.
#![allow(unsafe_code, reason = "reads the instructions as bytes")]

use std::prelude::rust_2024::*;
use std::slice;

use super::machine;

/// The load address: a multiple of the largest page size, and above `vm.mmap_min_addr`.
const ADDRESS: u64 = 0x40_0000;
const LARGEST_PAGE: u64 = 0x1_0000;

/// The sizes of `Elf64_Ehdr` and `Elf64_Phdr`, elf(5).
const HEADER: u16 = 64;
const PROGRAM_HEADER: u16 = 56;
const HEADERS: u16 = HEADER + 2 * PROGRAM_HEADER;

const ET_EXEC: u16 = 2;
const EV_CURRENT: u32 = 1;
const PT_LOAD: u32 = 1;
/// The flags of this segment are those of the stack, which is not executable.
const PT_GNU_STACK: u32 = 0x6474_e551;
const PF_X: u32 = 1;
const PF_W: u32 = 2;
const PF_R: u32 = 4;
/// 64 bits, little-endian, version 1.
const IDENT: [u8; 16] = [0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// The file: the headers, followed by the instructions.
pub(crate) fn executable() -> Vec<u8> {
    let code = code();
    let size = u64::from(HEADERS) + code.len() as u64;
    let mut file = Vec::with_capacity(usize::from(HEADERS) + code.len());
    header(&mut file);
    segment(&mut file, (PT_LOAD, PF_R | PF_X), (ADDRESS, size), LARGEST_PAGE);
    segment(&mut file, (PT_GNU_STACK, PF_R | PF_W), (0, 0), 16);
    file.extend_from_slice(code);
    file
}

fn code() -> &'static [u8] {
    let (start, end) = machine::code();
    let length = end.addr() - start.addr();
    // SAFETY: both pointers are in one read-only section of this program, `end` after `start`, and
    // the bytes between them never change.
    unsafe { slice::from_raw_parts(start, length) }
}

/// `Elf64_Ehdr`.
fn header(file: &mut Vec<u8>) {
    file.extend_from_slice(&IDENT);
    half(file, ET_EXEC);
    half(file, machine::MACHINE);
    word(file, EV_CURRENT);
    // The entry point, the offset of the program headers, no section headers; the flags.
    long(file, ADDRESS + u64::from(HEADERS));
    long(file, HEADER.into());
    long(file, 0);
    word(file, 0);
    for number in [HEADER, PROGRAM_HEADER, 2, 0, 0, 0] {
        half(file, number);
    }
}

/// `Elf64_Phdr`, for a segment that begins at offset 0 of the file.
fn segment(file: &mut Vec<u8>, (kind, flags): (u32, u32), (at, size): (u64, u64), align: u64) {
    word(file, kind);
    word(file, flags);
    for number in [0, at, at, size, size, align] {
        long(file, number);
    }
}

fn half(file: &mut Vec<u8>, number: u16) {
    file.extend_from_slice(&number.to_le_bytes());
}

fn word(file: &mut Vec<u8>, number: u32) {
    file.extend_from_slice(&number.to_le_bytes());
}

fn long(file: &mut Vec<u8>, number: u64) {
    file.extend_from_slice(&number.to_le_bytes());
}
