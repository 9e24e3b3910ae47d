//! Turns mounts into the steps of a child.

use std::ffi::OsStr;
use std::format;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};
use std::prelude::rust_2024::*;

use ns_sys::child::MountFlags;

use super::settings::{Kind, Mount};
use super::{dev, overlay};
use crate::RootError;
use crate::apply::{MountStep, StepKind, StringRef};
use crate::arena::{Arena, absolute};

/// Returns the steps of all mounts in order; their strings are added to `arena`.
pub(crate) fn compile(mounts: &[Mount], arena: &mut Arena) -> Result<Vec<MountStep>, RootError> {
    let mut steps = Vec::new();
    for (index, mount) in (0..).zip(mounts) {
        steps.extend(steps_of(index, mount, arena)?);
    }
    Ok(steps)
}

fn steps_of(index: u32, mount: &Mount, arena: &mut Arena) -> Result<Vec<MountStep>, RootError> {
    if !matches!(mount.kind, Kind::Dev) {
        return Ok(Vec::from([step(index, mount, arena)?]));
    }
    let mounts = dev::mounts(mount);
    let mounts = mounts.iter().map(|mount| step(index, mount, arena));
    let mut steps = mounts.collect::<Result<Vec<_>, _>>()?;
    let target = steps.first().map(|dev| dev.target);
    for ((name, to), target) in dev::LINKS.iter().zip(target.into_iter().cycle()) {
        let kind = StepKind::Link { name: arena.add(name), to: arena.add(to) };
        steps.push(MountStep { index, target, create: false, kind });
    }
    if let Some(target) = target.filter(|_| mount.flags.contains(MountFlags::RDONLY)) {
        let kind = StepKind::Attributes { attributes: MountFlags::RDONLY.bits().into() };
        steps.push(MountStep { index, target, create: false, kind });
    }
    Ok(steps)
}

fn step(index: u32, mount: &Mount, arena: &mut Arena) -> Result<MountStep, RootError> {
    let target = target(index, &mount.target, arena)?;
    let kind = match &mount.kind {
        Kind::Bind { source, recursive } => StepKind::Bind {
            source: arena.path(&format!("mount {index}: source"), &absolute(source)?)?,
            recursive: *recursive,
            attributes: mount.flags.bits().into(),
        },
        Kind::Overlay { lower, upper } => {
            let options = overlay::options(lower, upper.as_ref())?;
            new(index, "overlay", &mount.clone().data(options), arena)?
        }
        Kind::New(fs_type) => new(index, fs_type, mount, arena)?,
        Kind::Dev => new(index, "tmpfs", mount, arena)?,
    };
    Ok(MountStep { index, target, create: mount.create, kind })
}

fn new(index: u32, fs_type: &str, mount: &Mount, arena: &mut Arena) -> Result<StepKind, RootError> {
    let what = format!("mount {index}: data");
    let data = mount.data.as_ref().map(|data| arena.path(&what, Path::new(data))).transpose()?;
    let fs_type = arena.add(fs_type);
    Ok(StepKind::New { fs_type, source: fs_type, flags: mount.flags, data })
}

/// Adds a target without its leading slash: the child resolves it from the new root.
fn target(index: u32, path: &Path, arena: &mut Arena) -> Result<StringRef, RootError> {
    let what = format!("mount {index}: target");
    let names: Vec<_> = path
        .components()
        .filter_map(name)
        .collect::<Result<_, _>>()
        .map_err(|()| RootError::Parent { what: what.clone(), path: path.to_owned() })?;
    let names: Vec<_> = names.into_iter().map(OsStr::as_bytes).collect();
    arena.path(&what, Path::new(OsStr::from_bytes(&names.join(&b'/'))))
}

/// Returns the name in a component, an error for `..`, and `None` for `/` and `.`.
fn name(component: Component<'_>) -> Option<Result<&OsStr, ()>> {
    match component {
        Component::Normal(name) => Some(Ok(name)),
        Component::ParentDir => Some(Err(())),
        _ => None,
    }
}
