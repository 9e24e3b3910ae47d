//! Turns the options for mounts into the mounts of `ns-process`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use ns_process::ns_fs::Tree;
use ns_process::{Mount, MountAttrs};

use super::mount_entry::Entry;
use super::number::octal;
use super::ordered::Given;
use crate::descriptor;

/// The mounts so far, and what later options refer to.
#[derive(Debug, Default)]
pub(super) struct MountList {
    entries: Vec<Entry>,
    /// The directories for the next overlay, the lowest first.
    layers: Vec<PathBuf>,
    /// The mode of what the next option creates.
    mode: Option<u32>,
    /// The size of the next tmpfs.
    size: Option<u64>,
}

impl MountList {
    /// Adds the mount of an option. An error is the reason, without the name of the option.
    pub(super) fn add(&mut self, given: &Given) -> Result<(), String> {
        match given.name {
            "overlay-src" => {
                let [source] = given.values();
                self.layers.push(source.into());
                Ok(())
            }
            "chmod" => {
                let [mode, target] = given.values();
                let mode = octal(&mode.to_string_lossy(), 0o7777)?;
                self.set_mode(mode, Path::new(target))
            }
            "perms" => {
                let [mode] = given.values();
                let mode = octal(&mode.to_string_lossy(), 0o7777)?;
                once(&mut self.mode, mode)
            }
            "size" => {
                let [size] = given.values();
                once(&mut self.size, bytes(&size.to_string_lossy())?)
            }
            name => {
                let mut entry = self.entry(name, given)?;
                if self.size.is_some() {
                    return Err("--size before it needs a --tmpfs".to_owned());
                }
                if self.mode.take().is_some_and(|mode| !entry.set_mode(mode)) {
                    return Err("--perms before it needs an option that creates a file".to_owned());
                }
                self.entries.push(entry);
                Ok(())
            }
        }
    }

    /// Returns the mounts, or the reason why the options are incomplete.
    pub(super) fn finish(self) -> Result<impl Iterator<Item = Mount>, String> {
        let open = [
            (
                !self.layers.is_empty(),
                "--overlay-src: no --overlay, --tmp-overlay or --ro-overlay follows",
            ),
            (self.mode.is_some(), "--perms: no option that creates a file follows"),
            (self.size.is_some(), "--size: no --tmpfs follows"),
        ];
        match open.into_iter().find(|(is_open, _)| *is_open) {
            Some((_, reason)) => Err(reason.to_owned()),
            None => Ok(self.entries.into_iter().map(|entry| entry.mount)),
        }
    }

    fn entry(&mut self, name: &str, given: &Given) -> Result<Entry, String> {
        if let Some(mount) = bind(name, given)? {
            return Ok(Entry::mount(mount));
        }
        Ok(match name {
            "overlay" => Entry::mount(self.overlay(given)?),
            "file" => {
                let [number, target] = given.values();
                Entry::file(Mount::file(target, descriptor::contents(number)?))
            }
            "bind-data" | "ro-bind-data" => {
                let [number, target] = given.values();
                let mount = Mount::bytes(target, descriptor::contents(number)?).create();
                let is_read_only = name == "ro-bind-data";
                // The mode that bwrap(1) gives.
                Entry::file(if is_read_only { mount.read_only() } else { mount }.mode(0o600))
            }
            "symlink" => {
                let [to, target] = given.values();
                Entry::mount(Mount::symlink(to, target))
            }
            _ => {
                let [target] = given.values();
                self.at_target(name, target)?
            }
        })
    }

    /// Returns the mount of an option whose only value is the target.
    fn at_target(&mut self, name: &str, target: &OsStr) -> Result<Entry, String> {
        Ok(match name {
            "tmpfs" => Entry::tmpfs(Mount::tmpfs(target).create(), self.size.take()),
            "dev" => Entry::tmpfs(Mount::dev(target).create(), None),
            "dir" => Entry::file(Mount::directory(target)),
            "proc" => Entry::mount(Mount::proc(target).create()),
            "mqueue" => Entry::mount(Mount::mqueue(target).create()),
            "remount-ro" => Entry::mount(Mount::remount(target).set(MountAttrs::RDONLY)),
            "mask" => Entry::mount(Mount::mask(target)),
            "tmp-overlay" => {
                let lower = self.take_layers(1)?;
                Entry::mount(Mount::overlay_tmpfs(target, lower).create())
            }
            "ro-overlay" => {
                let lower = self.take_layers(2)?;
                Entry::mount(Mount::overlay_read_only(target, lower).create())
            }
            _ => return Err("is unknown".to_owned()),
        })
    }

    fn overlay(&mut self, given: &Given) -> Result<Mount, String> {
        let [upper, work, target] = given.values();
        let lower = self.take_layers(1)?;
        Ok(Mount::overlay(target, lower, upper, work).create())
    }

    /// Takes the directories of `--overlay-src`, the topmost first.
    fn take_layers(&mut self, least: usize) -> Result<Vec<PathBuf>, String> {
        if self.layers.len() < least {
            return Err(format!("needs {least} or more --overlay-src before it"));
        }
        let mut layers = std::mem::take(&mut self.layers);
        layers.reverse();
        Ok(layers)
    }

    fn set_mode(&mut self, mode: u32, target: &Path) -> Result<(), String> {
        let made = self.entries.iter_mut().rev().find(|entry| entry.mount.target() == target);
        if made.is_some_and(|entry| entry.set_mode(mode)) { Ok(()) } else { Err(not_made(target)) }
    }
}

/// Sets a value for the next option.
fn once<T>(value: &mut Option<T>, new: T) -> Result<(), String> {
    match value.replace(new) {
        Some(_) => Err("is given twice for one option".to_owned()),
        None => Ok(()),
    }
}

/// Parses the size of a file system.
fn bytes(text: &str) -> Result<u64, String> {
    let is_size = |number: &u64| (1..=isize::MAX.unsigned_abs() as u64).contains(number);
    let number = text.parse().ok().filter(is_size);
    number.ok_or_else(|| not_bytes(text))
}

/// Returns why a text is not a size. A number with a suffix, such as `10M`, is written out.
fn not_bytes(text: &str) -> String {
    let shift = match text.bytes().last() {
        Some(b'k' | b'K') => 10,
        Some(b'm' | b'M') => 20,
        Some(b'g' | b'G') => 30,
        _ => return format!("{text:?} is not a number of bytes"),
    };
    let number = text.get(..text.len() - 1).and_then(|number| number.parse::<u64>().ok());
    let bytes = number.and_then(|number| number.checked_mul(1 << shift));
    let advice = bytes.map(|bytes| format!("; write {bytes}")).unwrap_or_default();
    format!("{text:?} is not a number of bytes{advice}")
}

fn not_made(target: &Path) -> String {
    format!("no option before it creates {} with a mode", target.display())
}

/// Returns the mount of an option that binds. The attributes are those that bwrap(1) sets.
fn bind(option: &str, given: &Given) -> Result<Option<Mount>, String> {
    let (kind, is_optional) =
        option.strip_suffix("-try").map_or((option, false), |kind| (kind, true));
    let (kind, is_open) = kind.strip_suffix("-fd").map_or((kind, false), |kind| (kind, true));
    let attributes = match kind {
        "bind" => MountAttrs::NOSUID | MountAttrs::NODEV,
        "ro-bind" => MountAttrs::NOSUID | MountAttrs::NODEV | MountAttrs::RDONLY,
        "dev-bind" => MountAttrs::NOSUID,
        _ => return Ok(None),
    };
    let [source, target] = given.values();
    let mount = if is_open {
        Mount::tree(tree(source)?.recursive().set_all(attributes), target)
    } else {
        Mount::bind(source, target).recursive().set_all(attributes)
    };
    let mount = mount.create();
    Ok(Some(if is_optional { mount.optional() } else { mount }))
}

/// Returns the file or directory of a descriptor.
fn tree(number: &OsStr) -> Result<Tree, String> {
    let text = number.to_string_lossy();
    let number = descriptor::parse(&text).map_err(|reason| format!("{text:?} is {reason}"))?;
    let file = descriptor::duplicate(number);
    let file = file
        .map_err(|error| format!("descriptor {number}: {}", descriptor::reason(number, &error)))?;
    Tree::from_fd(file).map_err(|error| error.to_string())
}
