//! A statically linked program that exits with 7.

use std::fs::File;
use std::io::Write;

use rustix::fs::{MemfdFlags, memfd_create};

/// `e_machine`, and `exit_group(7)`.
#[cfg(target_arch = "x86_64")]
const MACHINE: (u16, &[u8]) = (62, &[0xbf, 7, 0, 0, 0, 0xb8, 231, 0, 0, 0, 0x0f, 0x05]);
#[cfg(target_arch = "aarch64")]
const MACHINE: (u16, &[u8]) =
    (183, &[0xe0, 0x00, 0x80, 0xd2, 0xc8, 0x0b, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4]);
#[cfg(target_arch = "riscv64")]
const MACHINE: (u16, &[u8]) =
    (243, &[0x13, 0x05, 0x70, 0x00, 0x93, 0x08, 0xe0, 0x05, 0x73, 0x00, 0x00, 0x00]);

/// The load address.
const ADDRESS: u64 = 0x40_0000;
/// The sizes of the header of the file and of one program header, elf(5).
const HEADERS: u16 = 64 + 56;

/// The bytes of the program.
pub(crate) fn program() -> Vec<u8> {
    let (machine, code) = MACHINE;
    let mut file = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    file.extend([2, machine].into_iter().flat_map(u16::to_le_bytes));
    file.extend(1_u32.to_le_bytes());
    let entry = ADDRESS + u64::from(HEADERS);
    file.extend([entry, 64, 0].into_iter().flat_map(u64::to_le_bytes));
    file.extend(0_u32.to_le_bytes());
    file.extend([64_u16, 56, 1, 0, 0, 0].into_iter().flat_map(u16::to_le_bytes));
    // `PT_LOAD`, readable and executable, from offset 0.
    file.extend([1_u32, 5].into_iter().flat_map(u32::to_le_bytes));
    let size = u64::from(HEADERS) + code.len() as u64;
    let segment = [0, ADDRESS, ADDRESS, size, size, 0x1_0000];
    file.extend(segment.into_iter().flat_map(u64::to_le_bytes));
    file.extend(code);
    file
}

/// A memory file with these bytes.
pub(crate) fn memory_file(bytes: &[u8]) -> File {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let mut file = File::from(memfd_create("program", flags).expect("memfd_create"));
    file.write_all(bytes).expect("write");
    file
}
