//! The options of file systems: in the one string of mount(2), and one by one for fsconfig(2).

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::prelude::rust_2024::*;

use ns_sys::child::MountFlags;

use super::{Compiler, Mount};
use crate::RootError;
use crate::apply::{Configured, FsOption, FsValue, NewFs, StringRef};
use crate::tree::split_options;

/// The flags of mount(2) that are options of fsconfig(2).
pub(super) const SET_FLAGS: &[(MountFlags, &str)] = &[
    (MountFlags::RDONLY, "ro"),
    (MountFlags::SYNCHRONOUS, "sync"),
    (MountFlags::DIRSYNC, "dirsync"),
    (MountFlags::LAZYTIME, "lazytime"),
    (MANDLOCK, "mand"),
];

/// The options that clear a flag.
pub(super) const CLEAR_FLAGS: &[(MountFlags, &str)] = &[
    (MountFlags::RDONLY, "rw"),
    (MountFlags::SYNCHRONOUS, "async"),
    (MountFlags::LAZYTIME, "nolazytime"),
    (MANDLOCK, "nomand"),
];

/// `MS_MANDLOCK`.
const MANDLOCK: MountFlags = MountFlags::from_bits_retain(64);

impl Compiler {
    /// A file system of this type and source; `data` is the string of mount(2).
    pub(super) fn new_fs(
        &mut self,
        index: u32,
        mount: &Mount,
        (fs_type, source): (&OsStr, &OsStr),
        data: Option<&OsStr>,
    ) -> Result<NewFs, RootError> {
        Ok(NewFs {
            fs_type: self.arena.path(mount.part(index, "type"), Path::new(fs_type))?,
            source: self.arena.path(mount.part(index, "source"), Path::new(source))?,
            has_device: mount.has_device(),
            flags: mount.flags,
            data: self.data(index, mount, data)?,
            attributes: mount.changes.compile(mount.recursive),
        })
    }

    /// Adds the one string of mount(2).
    pub(super) fn data(
        &mut self,
        index: u32,
        mount: &Mount,
        data: Option<&OsStr>,
    ) -> Result<Option<StringRef>, RootError> {
        data.map(|data| self.arena.path(mount.part(index, "data"), Path::new(data))).transpose()
    }

    /// A file system that is created option by option.
    pub(super) fn configured(
        &mut self,
        index: u32,
        mount: &Mount,
        new: NewFs,
        directories: &[(&'static str, PathBuf)],
        others: &OsStr,
    ) -> Result<Configured, RootError> {
        let start = self.options.len();
        for (key, path) in directories {
            let value = FsValue::Directory(self.arena.path(mount.part(index, key), path)?);
            let key = self.arena.add(key);
            self.options.push(FsOption { key, value });
        }
        if mount.has_tmpfs() {
            for key in ["upperdir", "workdir"] {
                let key = self.arena.add(key);
                self.options.push(FsOption { key, value: FsValue::NewDirectory });
            }
        }
        self.flag_options(SET_FLAGS, new.flags);
        self.data_options(index, mount, others)?;
        let options = (start, self.options.len());
        Ok(Configured { new, options, fits_mount: true, userxattr: None, copy_up: None })
    }

    /// Adds an option for each of these flags.
    pub(super) fn flag_options(&mut self, names: &[(MountFlags, &str)], flags: MountFlags) {
        for (_, name) in names.iter().filter(|(flag, _)| flags.contains(*flag)) {
            let key = self.arena.add(name);
            self.options.push(FsOption { key, value: FsValue::None });
        }
    }

    /// Adds the options in a string.
    pub(super) fn data_options(
        &mut self,
        index: u32,
        mount: &Mount,
        data: &OsStr,
    ) -> Result<(), RootError> {
        let what = || mount.part(index, "data");
        for (key, value) in split_options(data) {
            let value = match value {
                Some(value) if !value.is_empty() => {
                    FsValue::Text(self.arena.path(what(), Path::new(value))?)
                }
                Some(_) => FsValue::Text(self.arena.add("")),
                None => FsValue::None,
            };
            let key = self.arena.path(what(), Path::new(key))?;
            self.options.push(FsOption { key, value });
        }
        Ok(())
    }
}
