//! Turns mounts into the steps of a child.

use std::ffi::{OsStr, OsString};
use std::format;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};
use std::prelude::rust_2024::*;
use std::sync::Arc;

use super::fs_options::{CLEAR_FLAGS, SET_FLAGS};
use super::{Kind, Mount, dev, overlay};
use crate::apply::{
    self, Attributes, Bind, Configured, CopyUp, Device, Entry, FsOption, MountStep, Reconfigure,
    Source, StringRef, TreeAttributes,
};
use crate::arena::{Arena, absolute};
use crate::attributes::Changes;
use crate::tree::split_options;
use crate::{RootError, Tree};

/// The strings, options and trees of a plan's steps.
#[derive(Default)]
pub(crate) struct Compiler {
    pub(crate) arena: Arena,
    pub(crate) options: Vec<FsOption>,
    pub(crate) trees: Vec<Arc<Tree>>,
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
            _ => return Err(RootError::Root { what: "mount 0".to_owned() }),
        };
        Ok(MountStep { index: 0, target, create: false, optional: false, kind })
    }

    fn step(&mut self, index: u32, mount: &Mount) -> Result<MountStep, RootError> {
        if mount.is_at_root() && !mount.is_change() {
            return Err(RootError::Root { what: format!("mount {index}") });
        }
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
        let target = if mount.is_at_root() {
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
                    None if !new.has_device => apply::Kind::New(new),
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
                let others = mount.data.clone().unwrap_or_default();
                let text = overlay::text(&directories, &others);
                let fits = text.len() + overlay::USERXATTR.len() < crate::arena::MAX;
                let mut with_userxattr = text.clone();
                with_userxattr.push(overlay::USERXATTR);
                let plain = Mount { data: fits.then_some(text), ..mount.clone() };
                let new = self.new_fs(index, &plain, "overlay".as_ref(), "overlay".as_ref())?;
                let fs = self.configured(new, directories, &others, fits, index)?;
                let needs_it = fits && upper.is_some() && !overlay::has_userxattr(&others);
                let data = needs_it.then_some(with_userxattr);
                let with_userxattr = self.data(index, data.as_deref())?;
                apply::Kind::Configured(Configured { with_userxattr, ..fs })
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
                let start = self.options.len();
                self.flag_options(SET_FLAGS, flags);
                self.flag_options(CLEAR_FLAGS, clear_flags);
                self.data_options(index, mount.data.as_deref().unwrap_or_default())?;
                let options = (start, self.options.len());
                let kept = Reconfigure { flags, clear_flags, data, options, attributes, recursive };
                apply::Kind::Reconfigure(kept)
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

impl Mount {
    pub(super) fn attributes(&self) -> TreeAttributes {
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
