//! The interpreter of a program: the loader of an ELF file, or that in the first line of a script.

use std::ffi::OsStr;
use std::format;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::prelude::rust_2024::*;

use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, openat};

/// `BINPRM_BUF_SIZE` of include/uapi/linux/binfmts.h: the part of a script that the kernel reads.
const FIRST_LINE: usize = 256;
/// `PATH_MAX`, the longest name of a loader.
const LONGEST: u64 = 4096;
const PT_INTERP: u32 = 3;

/// The interpreter of the program at `path`, if the file names one.
pub(crate) fn of(path: &Path) -> Option<PathBuf> {
    let mut file = open(path)?;
    let mut head = Vec::with_capacity(FIRST_LINE);
    file.by_ref().take(FIRST_LINE as u64).read_to_end(&mut head).ok()?;
    match &head[..] {
        [b'#', b'!', line @ ..] => script(line),
        [0x7f, b'E', b'L', b'F', 2, 1, ..] => loader(&mut file, &head),
        _ => None,
    }
}

/// Whether the file at `path` is a script.
pub(crate) fn is_script(path: &Path) -> bool {
    let mut start = [0; 2];
    let is_read = open(path).is_some_and(|mut file| file.read_exact(&mut start).is_ok());
    is_read && start == *b"#!"
}

/// Opens a regular file. The root of a container may have a FIFO or a device there, whose open blocks
/// or has an effect.
fn open(path: &Path) -> Option<File> {
    let place = openat(CWD, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let mode = fstat(&place).ok()?.st_mode;
    if FileType::from_raw_mode(mode) != FileType::RegularFile {
        return None;
    }
    // The same file, whatever is at the path now.
    File::open(format!("/proc/self/fd/{}", place.as_raw_fd())).ok()
}

fn script(line: &[u8]) -> Option<PathBuf> {
    let line = line.split(|byte| *byte == b'\n').next()?;
    let mut words = line.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty());
    path(words.next()?)
}

/// The loader in the program headers of a 64-bit little-endian file, the format of all supported architectures.
fn loader(file: &mut File, head: &[u8]) -> Option<PathBuf> {
    let (table, size, count) = (number(head, 32, 8)?, number(head, 54, 2)?, number(head, 56, 2)?);
    for index in 0..count {
        let mut header = [0; 56];
        file.seek(SeekFrom::Start(table.checked_add(index.checked_mul(size)?)?)).ok()?;
        file.read_exact(&mut header).ok()?;
        if number(&header, 0, 4)? == u64::from(PT_INTERP) {
            let (offset, length) = (number(&header, 8, 8)?, number(&header, 32, 8)?);
            let mut name = Vec::new();
            file.seek(SeekFrom::Start(offset)).ok()?;
            file.take(length.min(LONGEST)).read_to_end(&mut name).ok()?;
            return path(name.split(|byte| *byte == 0).next()?);
        }
    }
    None
}

/// A little-endian number of `size` bytes at most 8.
fn number(bytes: &[u8], at: usize, size: usize) -> Option<u64> {
    let mut word = [0; 8];
    word.get_mut(..size)?.copy_from_slice(bytes.get(at..at.checked_add(size)?)?);
    Some(u64::from_le_bytes(word))
}

fn path(bytes: &[u8]) -> Option<PathBuf> {
    (!bytes.is_empty()).then(|| OsStr::from_bytes(bytes).into())
}
