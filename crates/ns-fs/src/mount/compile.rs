//! Turns mounts into the steps of a child.

use std::ffi::{OsStr, OsString};
use std::format;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::prelude::rust_2024::*;
use std::sync::Arc;

use ns_sys::child::MountFlags;

use super::{Kind, Mount, dev, overlay};
use crate::apply::{
    self, Attributes, Bind, Configured, CopyUp, Device, Entry, FsOption, FsValue, MountStep, NewFs,
    Reconfigure, Source, StringRef, TreeAttributes,
};
use crate::arena::{Arena, absolute};
use crate::attributes::Changes;
use crate::tree::split_options;
use crate::{RootError, Tree};

/// What the steps of a plan refer to.
#[derive(Default)]
pub(crate) struct Compiler {
    pub(crate) arena: Arena,
    pub(crate) options: Vec<FsOption>,
    pub(crate) trees: Vec<Arc<Tree>>,
    /// Whether the process is in a user namespace other than the initial one.
    pub(crate) user_namespace: bool,
}

impl Compiler {
    /// Returns the steps of the mount at this position in the list.
    pub(crate) fn mount(&mut self, index: u32, mount: &Mount) -> Result<Vec<MountStep>, RootError> {
        mount.check(index)?;
        if matches!(mount.kind, Kind::Dev) {
            return dev::mounts(mount).iter().map(|part| self.step(index, part)).collect();
        }
        Ok(Vec::from([self.step(index, mount)?]))
    }

    /// Returns the step of a mount that becomes the root.
    pub(crate) fn root(&mut self, mount: &Mount) -> Result<MountStep, RootError> {
        mount.check(0)?;
        let target = self.arena.add("/");
        let kind = match &mount.kind {
            Kind::New { fs_type, source } => {
                let new = self.new_fs(0, mount, fs_type, source)?;
                let options = mount.data.clone().unwrap_or_default();
                apply::Kind::Configured(self.configured(new, Vec::new(), &options, true, 0)?)
            }
            Kind::Bind { .. } | Kind::Tree(_) | Kind::Overlay { .. } if !mount.source_in_root => {
                self.kind(0, mount)?
            }
            _ => return Err(RootError::Empty { what: "mount 0: target".to_owned() }),
        };
        Ok(MountStep { index: 0, target, create: false, optional: false, kind })
    }

    fn step(&mut self, index: u32, mount: &Mount) -> Result<MountStep, RootError> {
        let (create, optional) = (mount.create, mount.optional);
        let entry = match &mount.kind {
            Kind::Symlink { to } => {
                let what = format!("mount {index}: link");
                Some(Entry::Link { to: self.arena.path(&what, to)? })
            }
            Kind::File { contents } => {
                let contents = self.arena.bytes(contents);
                Some(Entry::File { contents, mode: mount.mode.unwrap_or(0o644) })
            }
            Kind::Directory => Some(Entry::Directory { mode: mount.mode.unwrap_or(0o755) }),
            Kind::Device { file_type, number } => {
                let what = format!("mount {index}: target");
                let host = self.arena.path(&what, &Path::new("/").join(&mount.target))?;
                let (mode, owner) = (mount.mode.unwrap_or(0o666), mount.owner);
                let (file_type, number) = (*file_type, *number);
                Some(Entry::Device(Device { file_type, number, mode, owner, host }))
            }
            _ => None,
        };
        if let Some(entry) = entry {
            let (target, name) = self.parent(index, &mount.target)?;
            let kind = apply::Kind::Entry { name, entry };
            return Ok(MountStep { index, target, create, optional, kind });
        }
        let target = if mount.is_root() && mount.is_change() {
            self.arena.add(".")
        } else {
            self.target(index, &mount.target)?
        };
        let kind = self.kind(index, mount)?;
        Ok(MountStep { index, target, create, optional, kind })
    }

    fn kind(&mut self, index: u32, mount: &Mount) -> Result<apply::Kind, RootError> {
        let attributes = mount.attributes();
        let recursive = mount.recursive;
        Ok(match &mount.kind {
            Kind::New { fs_type, source } => {
                let new = self.new_fs(index, mount, fs_type, source)?;
                match mount.copied() {
                    None => apply::Kind::New(new),
                    copy_up => {
                        let options = mount.data.clone().unwrap_or_default();
                        let fs = self.configured(new, Vec::new(), &options, true, index)?;
                        apply::Kind::Configured(Configured { copy_up, ..fs })
                    }
                }
            }
            Kind::Mask => {
                let empty = Mount { data: Some("mode=555".into()), ..mount.clone() };
                apply::Kind::Mask(self.new_fs(index, &empty, "tmpfs".as_ref(), "tmpfs".as_ref())?)
            }
            Kind::Overlay { lower, upper } => {
                let directories = overlay::directories(lower, upper.as_ref())?;
                let userxattr = self.user_namespace && upper.is_some();
                let others = overlay::others(mount.data.as_deref(), userxattr);
                let text = overlay::text(&directories, &others);
                let fits = text.len() < crate::arena::MAX;
                let data = fits.then_some(text);
                let plain = Mount { data, ..mount.clone() };
                let new = self.new_fs(index, &plain, "overlay".as_ref(), "overlay".as_ref())?;
                apply::Kind::Configured(self.configured(new, directories, &others, fits, index)?)
            }
            Kind::Bind { source } => {
                let what = format!("mount {index}: source");
                let source = if mount.source_in_root {
                    Source::InRoot(self.arena.path(&what, source)?)
                } else {
                    Source::Path(self.arena.path(&what, &absolute(source)?)?)
                };
                apply::Kind::Bind(Bind { source, recursive, attributes })
            }
            Kind::ReadOnlyPath => {
                let source = Source::InRoot(self.target(index, &mount.target)?);
                apply::Kind::Bind(Bind { source, recursive, attributes })
            }
            Kind::Tree(tree) => {
                let path = self.arena.path(&format!("mount {index}: source"), tree.path())?;
                self.trees.push(Arc::clone(tree));
                let source = Source::Tree(self.trees.len() - 1, path);
                let (recursive, attributes) = (tree.is_recursive(), tree.attributes());
                apply::Kind::Bind(Bind { source, recursive, attributes })
            }
            Kind::Remount if mount.changes_fs() => {
                let data = self.data(index, mount.data.as_deref())?;
                let (flags, clear_flags) = (mount.flags, mount.clear_flags);
                let changes = Reconfigure { flags, clear_flags, data, attributes, recursive };
                apply::Kind::Reconfigure(changes)
            }
            Kind::Remount => apply::Kind::Attributes { attributes, recursive },
            Kind::Propagation(propagation) => {
                let changed = Changes { propagation: Some(*propagation), ..Changes::default() };
                let (changed, none) = (changed.compile(), Attributes::default());
                let (all, top) = if recursive { (changed, none) } else { (none, changed) };
                apply::Kind::Attributes { attributes: TreeAttributes { all, top }, recursive }
            }
            Kind::Dev
            | Kind::Directory
            | Kind::Symlink { .. }
            | Kind::File { .. }
            | Kind::Device { .. } => {
                return Err(RootError::Empty { what: format!("mount {index}") });
            }
        })
    }

    fn new_fs(
        &mut self,
        index: u32,
        mount: &Mount,
        fs_type: &OsStr,
        source: &OsStr,
    ) -> Result<NewFs, RootError> {
        let what = |part| format!("mount {index}: {part}");
        Ok(NewFs {
            fs_type: self.arena.path(&what("type"), Path::new(fs_type))?,
            source: self.arena.path(&what("source"), Path::new(source))?,
            has_device: source.as_bytes().starts_with(b"/"),
            flags: mount.flags,
            data: self.data(index, mount.data.as_deref())?,
            attributes: mount.attributes(),
        })
    }

    fn data(&mut self, index: u32, data: Option<&OsStr>) -> Result<Option<StringRef>, RootError> {
        let what = format!("mount {index}: data");
        data.map(|data| self.arena.path(&what, Path::new(data))).transpose()
    }

    fn configured(
        &mut self,
        new: NewFs,
        directories: Vec<(&'static str, PathBuf)>,
        others: &OsStr,
        fits_mount: bool,
        index: u32,
    ) -> Result<Configured, RootError> {
        let start = self.options.len();
        for (key, path) in directories {
            let what = format!("mount {index}: {key}");
            let value = FsValue::Directory(self.arena.path(&what, &path)?);
            let key = self.arena.add(key);
            self.options.push(FsOption { key, value });
        }
        for (flag, key) in FLAG_OPTIONS {
            if new.flags.contains(flag) {
                let key = self.arena.add(key);
                self.options.push(FsOption { key, value: FsValue::None });
            }
        }
        let what = format!("mount {index}: data");
        for (key, value) in split_options(others) {
            let value = match value {
                Some(value) if !value.is_empty() => {
                    FsValue::Text(self.arena.path(&what, Path::new(value))?)
                }
                Some(_) => FsValue::Text(self.arena.add("")),
                None => FsValue::None,
            };
            let key = self.arena.path(&what, Path::new(key))?;
            self.options.push(FsOption { key, value });
        }
        let options = (start, self.options.len());
        Ok(Configured { new, options, fits_mount, copy_up: None })
    }

    /// Adds a target without its leading slash: the child resolves it from the new root.
    fn target(&mut self, index: u32, path: &Path) -> Result<StringRef, RootError> {
        let what = format!("mount {index}: target");
        let names = names(&what, path)?;
        self.arena.path(&what, Path::new(OsStr::from_bytes(&names.join(&b'/'))))
    }

    /// Adds the directory of a target and the name in it.
    fn parent(&mut self, index: u32, path: &Path) -> Result<(StringRef, StringRef), RootError> {
        let what = format!("mount {index}: target");
        let mut names = names(&what, path)?;
        let name = names.pop().unwrap_or_default();
        let name = self.arena.path(&what, Path::new(OsStr::from_bytes(name)))?;
        let directory = if names.is_empty() { b".".to_vec() } else { names.join(&b'/') };
        let directory = OsString::from(OsStr::from_bytes(&directory));
        Ok((self.arena.path(&what, Path::new(&directory))?, name))
    }
}

/// The flags of mount(2) that fsconfig(2) takes as options.
const FLAG_OPTIONS: [(MountFlags, &str); 5] = [
    (MountFlags::RDONLY, "ro"),
    (MountFlags::SYNCHRONOUS, "sync"),
    (MountFlags::DIRSYNC, "dirsync"),
    (MountFlags::LAZYTIME, "lazytime"),
    (MountFlags::from_bits_retain(64), "mand"),
];

impl Mount {
    fn attributes(&self) -> TreeAttributes {
        let all = self.changes.then(self.all);
        let none = Changes::default();
        let (all, top) = if self.recursive { (all, self.top) } else { (none, all.then(self.top)) };
        TreeAttributes { all: all.compile(), top: top.compile() }
    }

    /// Whether a remount changes the file system too.
    fn changes_fs(&self) -> bool {
        self.data.is_some() || !(self.flags | self.clear_flags).is_empty()
    }

    /// What is copied from the target.
    fn copied(&self) -> Option<CopyUp> {
        let data = self.data.as_deref().unwrap_or_default();
        let sets_owner = split_options(data)
            .any(|(key, _)| ["mode", "uid", "gid"].iter().any(|option| key == *option));
        self.copy_up.then_some(if sets_owner { CopyUp::Entries } else { CopyUp::Whole })
    }
}

fn names<'a>(what: &str, path: &'a Path) -> Result<Vec<&'a [u8]>, RootError> {
    let names = path.components().filter_map(name).collect::<Result<Vec<_>, _>>();
    names.map_err(|()| RootError::Parent { what: what.to_owned(), path: path.to_owned() })
}

/// Returns the name in a component, an error for `..`, and `None` for `/` and `.`.
fn name(component: Component<'_>) -> Option<Result<&[u8], ()>> {
    match component {
        Component::Normal(name) => Some(Ok(name.as_bytes())),
        Component::ParentDir => Some(Err(())),
        _ => None,
    }
}
