//! The interpreter of a program: the loader of an ELF file, or that in the first line of a script.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::prelude::rust_2024::*;
use std::vec;

/// `BINPRM_BUF_SIZE` of include/uapi/linux/binfmts.h: the part of a script that the kernel reads.
const FIRST_LINE: usize = 256;
/// `PATH_MAX`, the longest name of a loader.
const LONGEST: u64 = 4096;
const PT_INTERP: u32 = 3;

/// The interpreter of the program at `path`, if the file names one.
pub(crate) fn of(path: &Path) -> Option<PathBuf> {
    let mut file = File::open(path).ok().filter(is_regular)?;
    let mut head = vec![0; FIRST_LINE];
    let length = read_up_to(&mut file, &mut head).ok()?;
    let head = head.get(..length)?;
    match head {
        [b'#', b'!', line @ ..] => script(line),
        [0x7f, b'E', b'L', b'F', 2, 1, ..] => loader(&mut file, head),
        _ => None,
    }
}

fn is_regular(file: &File) -> bool {
    file.metadata().is_ok_and(|file| file.is_file())
}

fn read_up_to(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while let Some(rest @ [_, ..]) = buffer.get_mut(length..) {
        match file.read(rest)? {
            0 => break,
            more => length += more,
        }
    }
    Ok(length)
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
            return name(file, offset, length.min(LONGEST));
        }
    }
    None
}

fn name(file: &mut File, offset: u64, length: u64) -> Option<PathBuf> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(offset)).ok()?;
    file.take(length).read_to_end(&mut bytes).ok()?;
    path(bytes.split(|byte| *byte == 0).next()?)
}

/// A little-endian number of `size` bytes at most 8.
fn number(bytes: &[u8], at: usize, size: usize) -> Option<u64> {
    let mut word = [0; 8];
    word.get_mut(..size)?.copy_from_slice(bytes.get(at..at.checked_add(size)?)?);
    Some(u64::from_le_bytes(word))
}

fn path(bytes: &[u8]) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    let path = Path::new(std::ffi::OsStr::from_bytes(bytes));
    if bytes.is_empty() { None } else { Some(path.to_owned()) }
}
