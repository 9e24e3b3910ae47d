//! Turns mounts into the steps of a child.

use std::ffi::OsStr;
use std::format;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};
use std::prelude::rust_2024::*;
use std::sync::Arc;

use ns_sys::child::FileType;

use super::fs_options::{CLEAR_FLAGS, SET_FLAGS};
use super::{Kind, Mount, dev};
use crate::apply::{
    self, Bind, Configured, CopyUp, Device, Entry, FsOption, MountStep, NewFs, Reconfigure,
    RootMount, Source, StringRef,
};
use crate::arena::{Arena, absolute};
use crate::attributes::{Change, Changes};
use crate::tree::split_options;
use crate::{RootError, Tree};

/// The steps of a plan, and their strings, options and trees.
#[derive(Default)]
pub(crate) struct Compiler {
    pub(crate) arena: Arena,
    pub(crate) options: Vec<FsOption>,
    pub(crate) trees: Vec<Arc<Tree>>,
    pub(crate) steps: Vec<MountStep>,
}

impl Compiler {
    /// Adds the steps of the mount at this position in the list.
    pub(crate) fn mount(&mut self, index: u32, mount: &Mount) -> Result<(), RootError> {
        mount.check(index)?;
        if mount.is_at_root() && !mount.is_change() {
            return Err(RootError::Root { what: mount.name(index).to_string() });
        }
        let kind = match &mount.kind {
            Kind::New { fs_type, source } => {
                let new = self.new_fs(index, mount, (fs_type, source), mount.data.as_deref())?;
                if new.has_device || mount.copy_up {
                    apply::Kind::Configured(self.detached(index, mount, new)?)
                } else {
                    apply::Kind::New(new)
                }
            }
            Kind::Overlay { lower, upper } => {
                apply::Kind::Configured(self.overlay(index, mount, lower, upper)?)
            }
            Kind::Mask => {
                let tmpfs = OsStr::new("tmpfs");
                let mode = OsStr::new("mode=555");
                apply::Kind::Mask(self.new_fs(index, mount, (tmpfs, tmpfs), Some(mode))?)
            }
            Kind::Bind { source } => apply::Kind::Bind(self.bind(index, mount, source)?),
            Kind::Bytes { contents } => {
                let contents = self.arena.bytes(contents);
                let mode = mount.mode.unwrap_or(0o644);
                apply::Kind::Bind(bind(mount, Source::NewFile { contents, mode }))
            }
            Kind::ReadOnlyPath => {
                let source = Source::InRoot(self.target(index, &mount.target)?);
                apply::Kind::Bind(bind(mount, source))
            }
            Kind::Tree(tree) => apply::Kind::Bind(self.tree(index, mount, tree)?),
            Kind::Remount => self.remount(index, mount)?,
            Kind::Propagation(propagation) => {
                let recursive = mount.recursive;
                let all = Change::propagation(*propagation);
                let changes = Changes { all, ..Changes::default() };
                apply::Kind::Attributes { attributes: changes.compile(recursive), recursive }
            }
            Kind::Dev => {
                return dev::mounts(mount).iter().try_for_each(|part| self.mount(index, part));
            }
            Kind::Symlink { to } => {
                let to = self.arena.path(mount.part(index, "link"), to)?;
                return self.entry(index, mount, Entry::Link { to });
            }
            Kind::File { contents } => {
                let contents = self.arena.bytes(contents);
                let mode = mount.mode.unwrap_or(0o644);
                return self.entry(index, mount, Entry::File { contents, mode });
            }
            Kind::Directory => {
                let mode = mount.mode.unwrap_or(0o755);
                return self.entry(index, mount, Entry::Directory { mode });
            }
            Kind::Device { file_type, number } => {
                let device = self.device(index, mount, *file_type, *number)?;
                return self.entry(index, mount, Entry::Device(device));
            }
        };
        let target = if mount.is_at_root() {
            self.arena.add(".")
        } else {
            self.target(index, &mount.target)?
        };
        self.step(index, mount, target, kind);
        Ok(())
    }

    /// Returns the mount that becomes the root.
    pub(crate) fn root(&mut self, mount: &Mount) -> Result<RootMount, RootError> {
        mount.check(0)?;
        Ok(match &mount.kind {
            Kind::New { fs_type, source } => {
                let new = self.new_fs(0, mount, (fs_type, source), mount.data.as_deref())?;
                RootMount::Configured(self.detached(0, mount, new)?)
            }
            Kind::Overlay { lower, upper } => {
                RootMount::Configured(self.overlay(0, mount, lower, upper)?)
            }
            Kind::Bind { source } if !mount.source_in_root => {
                RootMount::Bind(self.bind(0, mount, source)?)
            }
            Kind::Tree(tree) => RootMount::Bind(self.tree(0, mount, tree)?),
            _ => return Err(RootError::Root { what: mount.name(0).to_string() }),
        })
    }

    fn step(&mut self, index: u32, mount: &Mount, target: StringRef, kind: apply::Kind) {
        let (create, optional) = (mount.create, mount.optional);
        let limit = mount.limit;
        self.steps.push(MountStep { index, target, create, optional, limit, kind });
    }

    /// Adds the step of a new file or directory.
    fn entry(&mut self, index: u32, mount: &Mount, entry: Entry) -> Result<(), RootError> {
        let (parent, name) = self.parent(index, &mount.target)?;
        self.step(index, mount, parent, apply::Kind::Entry { name, entry });
        Ok(())
    }

    fn device(
        &mut self,
        index: u32,
        mount: &Mount,
        file_type: FileType,
        number: (u32, u32),
    ) -> Result<Device, RootError> {
        let host = Path::new("/").join(&mount.target);
        let host = self.arena.path(format_args!("mount {index}: target"), &host)?;
        let (mode, owner) = (mount.mode.unwrap_or(0o666), mount.owner);
        Ok(Device { file_type, number, mode, owner, host })
    }

    /// A file system that is made detached.
    fn detached(&mut self, index: u32, mount: &Mount, new: NewFs) -> Result<Configured, RootError> {
        let options = mount.data.as_deref().unwrap_or_default();
        let fs = self.configured(index, mount, new, &[], options)?;
        Ok(Configured { copy_up: mount.copied(), ..fs })
    }

    fn bind(&mut self, index: u32, mount: &Mount, source: &Path) -> Result<Bind, RootError> {
        let what = mount.part(index, "source");
        let source = if mount.source_in_root {
            Source::InRoot(self.arena.path(what, source)?)
        } else {
            Source::Path(self.arena.path(what, &absolute(source)?)?)
        };
        Ok(bind(mount, source))
    }

    fn tree(&mut self, index: u32, mount: &Mount, tree: &Arc<Tree>) -> Result<Bind, RootError> {
        let path = self.arena.path(mount.part(index, "source"), tree.path())?;
        self.trees.push(Arc::clone(tree));
        let source = Source::Tree(self.trees.len() - 1, path);
        Ok(Bind { source, recursive: tree.is_recursive(), attributes: tree.attributes() })
    }

    fn remount(&mut self, index: u32, mount: &Mount) -> Result<apply::Kind, RootError> {
        let (recursive, attributes) = (mount.recursive, mount.changes.compile(mount.recursive));
        if !mount.changes_fs() {
            return Ok(apply::Kind::Attributes { attributes, recursive });
        }
        let data = self.data(index, mount, mount.data.as_deref())?;
        let (flags, clear_flags) = (mount.flags, mount.clear_flags);
        let start = self.options.len();
        self.flag_options(SET_FLAGS, flags);
        self.flag_options(CLEAR_FLAGS, clear_flags);
        self.data_options(index, mount, mount.data.as_deref().unwrap_or_default())?;
        let options = (start, self.options.len());
        let changes = Reconfigure { flags, clear_flags, data, options, attributes, recursive };
        Ok(apply::Kind::Reconfigure(changes))
    }

    /// Adds a target without its leading slash: the child resolves it from the new root.
    fn target(&mut self, index: u32, path: &Path) -> Result<StringRef, RootError> {
        let names = names(index, path)?;
        self.target_part(index, &names.join(&b'/'))
    }

    /// Adds the directory of a target and the name in it.
    fn parent(&mut self, index: u32, path: &Path) -> Result<(StringRef, StringRef), RootError> {
        let mut names = names(index, path)?;
        let name = names.pop().unwrap_or_default();
        let name = self.target_part(index, name)?;
        let directory = if names.is_empty() { b".".to_vec() } else { names.join(&b'/') };
        Ok((self.target_part(index, &directory)?, name))
    }

    fn target_part(&mut self, index: u32, part: &[u8]) -> Result<StringRef, RootError> {
        let path = Path::new(OsStr::from_bytes(part));
        self.arena.path(format_args!("mount {index}: target"), path)
    }
}

impl Mount {
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

fn bind(mount: &Mount, source: Source) -> Bind {
    let recursive = mount.recursive;
    Bind { source, recursive, attributes: mount.changes.compile(recursive) }
}

fn names(index: u32, path: &Path) -> Result<Vec<&[u8]>, RootError> {
    let names = path.components().filter_map(name).collect::<Result<Vec<_>, _>>();
    let what = || format!("mount {index} on {}: target", path.display());
    names.map_err(|()| RootError::Parent { what: what(), path: path.to_owned() })
}

/// Returns the name in a component, an error for `..`, and `None` for `/` and `.`.
fn name(component: Component<'_>) -> Option<Result<&[u8], ()>> {
    match component {
        Component::Normal(name) => Some(Ok(name.as_bytes())),
        Component::ParentDir => Some(Err(())),
        _ => None,
    }
}
