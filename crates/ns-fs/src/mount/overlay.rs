//! The options of overlayfs.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::prelude::rust_2024::*;

use super::{Compiler, Mount, Upper};
use crate::RootError;
use crate::apply::{Configured, UserXattr};
use crate::arena::{MAX, absolute};
use crate::tree::split_options;

impl Compiler {
    pub(super) fn overlay(
        &mut self,
        index: u32,
        mount: &Mount,
        lower: &[PathBuf],
        upper: &Upper,
    ) -> Result<Configured, RootError> {
        let directories = directories(lower, upper)?;
        let others = mount.data.as_deref().unwrap_or_default();
        let mut text = text(&directories, others);
        let needs_userxattr = !matches!(upper, Upper::Nothing) && !has_userxattr(others);
        let added = if needs_userxattr { USERXATTR.len() } else { 0 };
        let fits_mount = text.len() + added < MAX && !mount.has_tmpfs();
        let kind = (OsStr::new("overlay"), OsStr::new("overlay"));
        let new = self.new_fs(index, mount, kind, fits_mount.then_some(&text))?;
        let fs = self.configured(index, mount, new, &directories, others)?;
        text.push(USERXATTR);
        let data = self.data(index, mount, (needs_userxattr && fits_mount).then_some(&text))?;
        let userxattr = needs_userxattr.then_some(UserXattr { data });
        Ok(Configured { fits_mount, userxattr, ..fs })
    }
}

/// The directories of an overlay, absolute, each with the name of its option.
fn directories(
    lower: &[PathBuf],
    upper: &Upper,
) -> Result<Vec<(&'static str, PathBuf)>, RootError> {
    let lower = lower.iter().map(|path| ("lowerdir+", path));
    let upper = match upper {
        Upper::Directory { upper, work } => Some([("upperdir", upper), ("workdir", work)]),
        Upper::Nothing | Upper::Tmpfs => None,
    };
    let all = lower.chain(upper.into_iter().flatten());
    all.map(|(key, path)| Ok((key, absolute(path)?.into_owned()))).collect()
}

/// The option that an overlay with an upper directory needs in a user namespace, after other options.
const USERXATTR: &str = ",userxattr";

/// Whether the options contain it already.
fn has_userxattr(others: &OsStr) -> bool {
    split_options(others).any(|(key, _)| key == "userxattr")
}

/// Returns `lowerdir=…:…,upperdir=…,workdir=…`, as mount(2) takes it. Commas, colons and backslashes in paths
/// are escaped.
fn text(directories: &[(&'static str, PathBuf)], others: &OsStr) -> OsString {
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
