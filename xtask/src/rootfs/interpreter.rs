//! The loader that a program names: `PT_INTERP` of a 64-bit ELF file.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

/// The type of the program header that names it.
const PT_INTERP: u64 = 3;

/// `None` for a program that is linked statically.
pub(super) fn of(file: &[u8]) -> Result<Option<PathBuf>> {
    // The class byte 2 is 64 bits, the data byte 1 is little-endian.
    ensure!(file.starts_with(b"\x7fELF\x02\x01"), "is no 64-bit ELF program");
    let (table, size, count) = (number(file, 32, 8)?, number(file, 54, 2)?, number(file, 56, 2)?);
    for index in 0..count {
        let header = table + index * size;
        if number(file, header, 4)? == PT_INTERP {
            let (start, length) = (number(file, header + 8, 8)?, number(file, header + 32, 8)?);
            return path(file, start, length).map(Some);
        }
    }
    Ok(None)
}

fn path(file: &[u8], start: u64, length: u64) -> Result<PathBuf> {
    let text = slice(file, start, length)?.strip_suffix(b"\0").context("loader without a NUL")?;
    Ok(std::str::from_utf8(text)?.into())
}

/// A little-endian number of `length` bytes.
fn number(file: &[u8], start: u64, length: u64) -> Result<u64> {
    let bytes = slice(file, start, length)?;
    Ok(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

fn slice(file: &[u8], start: u64, length: u64) -> Result<&[u8]> {
    let start = usize::try_from(start)?;
    let rest = file.get(start..).context("is cut off")?;
    rest.get(..usize::try_from(length)?).context("is cut off")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_files_are_refused() {
        assert!(of(b"#!/bin/sh\n").is_err());
        assert!(of(b"\x7fELF\x02\x01").is_err());
    }

    #[test]
    fn a_program_without_headers_is_static() {
        let mut file = b"\x7fELF\x02\x01".to_vec();
        file.resize(64, 0);
        assert_eq!(of(&file).unwrap(), None);
    }
}
