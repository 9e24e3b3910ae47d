//! The options of overlayfs.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::prelude::rust_2024::*;

use crate::RootError;
use crate::arena::absolute;
use crate::tree::split_options;

/// The directories of an overlay, absolute, each with the name of its option.
pub(super) fn directories(
    lower: &[PathBuf],
    upper: Option<&(PathBuf, PathBuf)>,
) -> Result<Vec<(&'static str, PathBuf)>, RootError> {
    let lower = lower.iter().map(|path| ("lowerdir+", path));
    let upper = upper.map(|(upper, work)| [("upperdir", upper), ("workdir", work)]);
    let all = lower.chain(upper.into_iter().flatten());
    all.map(|(key, path)| Ok((key, absolute(path)?))).collect()
}

/// The option that an overlay with an upper directory needs in a user namespace, after other options.
pub(super) const USERXATTR: &str = ",userxattr";

/// Whether the options contain it already.
pub(super) fn has_userxattr(others: &OsStr) -> bool {
    split_options(others).any(|(key, _)| key == "userxattr")
}

/// Returns `lowerdir=…:…,upperdir=…,workdir=…`, as mount(2) takes it. Commas, colons and backslashes in paths
/// are escaped.
pub(super) fn text(directories: &[(&'static str, PathBuf)], others: &OsStr) -> OsString {
    let lower: Vec<_> = directories
        .iter()
        .filter(|(key, _)| *key == "lowerdir+")
        .map(|(_, path)| escaped(path))
        .collect();
    let mut text = [b"lowerdir=".as_slice(), &lower.join(&b':')].concat();
    for (key, path) in directories.iter().filter(|(key, _)| *key != "lowerdir+") {
        text.extend([b",", key.as_bytes(), b"=", &escaped(path)].concat());
    }
    if !others.is_empty() {
        text.extend([b",", others.as_bytes()].concat());
    }
    OsString::from_vec(text)
}

fn escaped(path: &Path) -> Vec<u8> {
    let escape = |byte: &u8| {
        let escape = b"\\,:".contains(byte).then_some(b'\\');
        escape.into_iter().chain([*byte])
    };
    path.as_os_str().as_bytes().iter().flat_map(escape).collect()
}
