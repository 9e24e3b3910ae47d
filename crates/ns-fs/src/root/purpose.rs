//! What the calls of one mount are for, in words.

use std::format;
use std::path::{Path, PathBuf};
use std::prelude::rust_2024::*;

use super::describe::quoted;
use crate::apply::{Bind, Entry, Kind, MountStep, NewFs, Root, Source, StringRef};

/// Describes a mount or an entry. Paths begin at the new root.
pub(super) fn purpose(plan: Root<'_>, step: MountStep) -> String {
    let below = |path: StringRef, name: Option<StringRef>| {
        let text = |path| plan.strings.get(path).to_string_lossy().into_owned();
        let path = Path::new("/").join(text(path)).join(name.map(text).unwrap_or_default());
        // Without dots, and without a separator at the end.
        let path: PathBuf = path.components().collect();
        format!("{:?}", path.to_string_lossy())
    };
    let target = below(step.target, None);
    let new = |new: NewFs| {
        format!("a new {} on {target}", plan.strings.get(new.fs_type).to_string_lossy())
    };
    let words = match step.kind {
        Kind::New(fs) => new(fs),
        Kind::Configured(fs) => new(fs.new),
        Kind::Bind(bind) => format!("bind {} on {target}", source(plan, bind)),
        Kind::Attributes { .. } => format!("the attributes of the mount on {target}"),
        Kind::Reconfigure(_) => format!("the options of the file system on {target}"),
        Kind::Mask(_) => format!("hide {target}"),
        Kind::Entry { name, entry } => {
            let kind = match entry {
                Entry::Link { .. } => "symbolic link",
                Entry::File { .. } => "file",
                Entry::Directory { .. } => "directory",
                Entry::Device(_) => "device",
            };
            format!("the {kind} {}", below(step.target, Some(name)))
        }
    };
    if step.optional { format!("{words}, if it exists") } else { words }
}

/// The file or directory that is bound.
fn source(plan: Root<'_>, bind: Bind) -> String {
    match bind.source {
        Source::Path(path) | Source::InRoot(path) | Source::Tree(_, path) => {
            quoted(plan.strings.get(path))
        }
        Source::NewFile { .. } => "a new file".to_owned(),
    }
}
