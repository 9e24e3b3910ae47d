//! A static program as an ELF file: instructions of this library, and data.
#![allow(unsafe_code, reason = "reads the instructions as bytes")]

use std::prelude::rust_2024::*;
use std::slice;

/// The addresses at which the file is loaded for the instructions, and once more for the data:
/// multiples of the largest page size, and above `vm.mmap_min_addr`.
const ADDRESS: u64 = 0x40_0000;
const DATA_ADDRESS: u64 = 0x60_0000;
const LARGEST_PAGE: u64 = 0x1_0000;

/// The offset of the data in the file.
const DATA_OFFSET: u16 = 0x400;
/// The address of the data.
pub(super) const DATA: u64 = DATA_ADDRESS + DATA_OFFSET as u64;

/// The sizes of `Elf64_Ehdr` and `Elf64_Phdr`, elf(5).
const HEADER: u16 = 64;
const PROGRAM_HEADER: u16 = 56;

/// `e_machine` (include/uapi/linux/elf-em.h).
#[cfg(target_arch = "x86_64")]
const MACHINE: u16 = 62;
#[cfg(target_arch = "aarch64")]
const MACHINE: u16 = 183;
#[cfg(target_arch = "riscv64")]
const MACHINE: u16 = 243;

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

/// The instructions between two addresses, as `code` of an architecture returns them.
///
/// # Safety
/// Both pointers are in one read-only section of this program, the second after the first.
pub(super) unsafe fn instructions((start, end): (*const u8, *const u8)) -> &'static [u8] {
    let length = end.addr() - start.addr();
    // SAFETY: the caller guarantees that the bytes between the pointers are in one section. They
    // never change, because the section is read-only.
    unsafe { slice::from_raw_parts(start, length) }
}

/// The file: the headers, the instructions, and the writable data at [`DATA`], if there is any.
pub(super) fn file(instructions: &[u8], data: &[u8]) -> Vec<u8> {
    let headers = HEADER + PROGRAM_HEADER * if data.is_empty() { 2 } else { 3 };
    let size = u64::from(headers) + instructions.len() as u64;
    let mut file = Vec::with_capacity(usize::from(DATA_OFFSET) + data.len());
    header(&mut file, headers);
    segment(&mut file, (PT_LOAD, PF_R | PF_X), 0, (ADDRESS, size), LARGEST_PAGE);
    segment(&mut file, (PT_GNU_STACK, PF_R | PF_W), 0, (0, 0), 16);
    if !data.is_empty() {
        let data = (DATA, data.len() as u64);
        segment(&mut file, (PT_LOAD, PF_R | PF_W), DATA_OFFSET.into(), data, LARGEST_PAGE);
    }
    file.extend_from_slice(instructions);
    if !data.is_empty() {
        debug_assert!(file.len() <= usize::from(DATA_OFFSET), "the instructions are too long");
        file.resize(DATA_OFFSET.into(), 0);
        file.extend_from_slice(data);
    }
    file
}

/// `Elf64_Ehdr`.
fn header(file: &mut Vec<u8>, headers: u16) {
    file.extend_from_slice(&IDENT);
    half(file, ET_EXEC);
    half(file, MACHINE);
    word(file, EV_CURRENT);
    // The entry point, the offset of the program headers, no section headers; no flags.
    long(file, ADDRESS + u64::from(headers));
    long(file, HEADER.into());
    long(file, 0);
    word(file, 0);
    for number in [HEADER, PROGRAM_HEADER, (headers - HEADER) / PROGRAM_HEADER, 0, 0, 0] {
        half(file, number);
    }
}

/// `Elf64_Phdr`.
fn segment(
    file: &mut Vec<u8>,
    (kind, flags): (u32, u32),
    offset: u64,
    (at, size): (u64, u64),
    align: u64,
) {
    word(file, kind);
    word(file, flags);
    for number in [offset, at, at, size, size, align] {
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
