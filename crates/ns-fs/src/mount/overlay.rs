//! The options of overlayfs. Commas, colons and backslashes in paths are escaped.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::prelude::rust_2024::*;

use crate::RootError;
use crate::arena::absolute;

/// Returns `lowerdir=…:…,upperdir=…,workdir=…`.
pub(super) fn options(
    lower: &[PathBuf],
    upper: Option<&(PathBuf, PathBuf)>,
) -> Result<OsString, RootError> {
    let lower = lower.iter().map(|path| escaped(path)).collect::<Result<Vec<_>, _>>()?;
    let mut options = [b"lowerdir=".as_slice(), &lower.join(&b':')].concat();
    if let Some((upper, work)) = upper {
        options.extend([b",upperdir=".as_slice(), &escaped(upper)?].concat());
        options.extend([b",workdir=".as_slice(), &escaped(work)?].concat());
    }
    Ok(OsString::from_vec(options))
}

fn escaped(path: &Path) -> Result<Vec<u8>, RootError> {
    let path = absolute(path)?;
    let escape = |byte: &u8| {
        let escape = b"\\,:".contains(byte).then_some(b'\\');
        escape.into_iter().chain([*byte])
    };
    Ok(path.as_os_str().as_bytes().iter().flat_map(escape).collect())
}
