//! Turns the options for mounts into the mounts of `ns-process`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use ns_process::{Mount, MountAttrs};

use super::number::octal;
use super::ordered::Given;
use crate::descriptor;

/// The mounts so far, and what later options refer to.
#[derive(Debug, Default)]
pub(super) struct MountList {
    entries: Vec<Entry>,
    /// The directories for the next overlay, the lowest first.
    layers: Vec<PathBuf>,
}

#[derive(Debug)]
struct Entry {
    mount: Mount,
    mode: ModeOf,
}

/// How `--chmod` sets the mode of a mount.
#[derive(Clone, Copy, Debug)]
enum ModeOf {
    /// It does not.
    Nothing,
    /// The mode of a new file or directory.
    File,
    /// An option of the file system.
    FileSystem,
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
            name => {
                let entry = self.entry(name, given)?;
                self.entries.push(entry);
                Ok(())
            }
        }
    }

    /// Returns the mounts, or the reason why the options are incomplete.
    pub(super) fn finish(self) -> Result<impl Iterator<Item = Mount>, String> {
        if self.layers.is_empty() {
            return Ok(self.entries.into_iter().map(|entry| entry.mount));
        }
        Err("--overlay-src: no --overlay or --ro-overlay follows".to_owned())
    }

    fn entry(&mut self, name: &str, given: &Given) -> Result<Entry, String> {
        if let Some(mount) = bind(name, given) {
            return Ok(Entry { mount, mode: ModeOf::Nothing });
        }
        let (mount, mode) = match name {
            "overlay" => (self.overlay(given)?, ModeOf::Nothing),
            "file" => {
                let [number, target] = given.values();
                (Mount::file(target, descriptor::contents(number)?), ModeOf::File)
            }
            "symlink" => {
                let [to, target] = given.values();
                (Mount::symlink(to, target), ModeOf::Nothing)
            }
            _ => {
                let [target] = given.values();
                self.at_target(name, target)?
            }
        };
        Ok(Entry { mount, mode })
    }

    /// Returns the mount of an option whose only value is the target.
    fn at_target(&mut self, name: &str, target: &OsStr) -> Result<(Mount, ModeOf), String> {
        Ok(match name {
            // The mode that bwrap(1) gives.
            "tmpfs" => (Mount::tmpfs(target).data("mode=755").create(), ModeOf::FileSystem),
            "dev" => (Mount::dev(target).create(), ModeOf::FileSystem),
            "dir" => (Mount::directory(target), ModeOf::File),
            "proc" => (Mount::proc(target).create(), ModeOf::Nothing),
            "remount-ro" => (Mount::remount(target).set(MountAttrs::RDONLY), ModeOf::Nothing),
            "mask" => (Mount::mask(target), ModeOf::Nothing),
            "ro-overlay" => {
                let lower = self.take_layers(2)?;
                (Mount::overlay_read_only(target, lower).create(), ModeOf::Nothing)
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
        let Some(Entry { mount, mode: kind }) = made else { return Err(not_made(target)) };
        *mount = match kind {
            ModeOf::Nothing => return Err(not_made(target)),
            ModeOf::File => mount.clone().mode(mode),
            ModeOf::FileSystem => mount.clone().data(format!("mode={mode:o}")),
        };
        Ok(())
    }
}

fn not_made(target: &Path) -> String {
    format!("no --dir, --file, --tmpfs or --dev before it makes {}", target.display())
}

/// Returns the mount of an option that binds.
fn bind(option: &str, given: &Given) -> Option<Mount> {
    let (kind, is_optional) =
        option.strip_suffix("-try").map_or((option, false), |kind| (kind, true));
    let (has_devices, is_read_only) = match kind {
        "bind" => (false, false),
        "ro-bind" => (false, true),
        "dev-bind" => (true, false),
        _ => return None,
    };
    let [source, target] = given.values();
    // The attributes are those that bwrap(1) sets.
    let mut mount = Mount::bind(source, target).create().recursive().nosuid();
    if !has_devices {
        mount = mount.nodev();
    }
    if is_read_only {
        mount = mount.read_only();
    }
    Some(if is_optional { mount.optional() } else { mount })
}
