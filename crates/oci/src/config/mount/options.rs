//! The options of a mount: those of mount(8), and those that the runtime-spec adds.

use anyhow::{Result, bail};
use ns_process::{Mount, MountAttrs, MountFlags, Propagation, Tree};

/// The options of one mount, sorted by what they change.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent options")]
pub(crate) struct Options {
    pub(super) is_bind: bool,
    pub(super) is_recursive: bool,
    pub(super) is_remount: bool,
    pub(super) copies_up: bool,
    pub(super) id_mapping: Option<IdMapping>,
    /// Of the topmost mount, in order: the last one applies.
    top: Vec<(MountAttrs, bool)>,
    /// Of all mounts of the tree.
    all: Vec<(MountAttrs, bool)>,
    flags: Vec<(MountFlags, bool)>,
    propagation: Vec<(Propagation, Depth)>,
    /// Everything else is for the file system.
    data: Vec<String>,
}

/// The mounts that an ID mapping concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdMapping {
    Top,
    All,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Depth {
    Top,
    All,
}

/// An attribute: the option that sets it, the one that clears it. With `r` in front they concern the
/// whole tree.
const ATTRIBUTES: [(&str, &str, MountAttrs); 9] = [
    ("ro", "rw", MountAttrs::RDONLY),
    ("nosuid", "suid", MountAttrs::NOSUID),
    ("nodev", "dev", MountAttrs::NODEV),
    ("noexec", "exec", MountAttrs::NOEXEC),
    ("noatime", "atime", MountAttrs::NOATIME),
    ("nodiratime", "diratime", MountAttrs::NODIRATIME),
    ("relatime", "norelatime", MountAttrs::RELATIME),
    ("strictatime", "nostrictatime", MountAttrs::STRICTATIME),
    ("nosymfollow", "symfollow", MountAttrs::NOSYMFOLLOW),
];

const FLAGS: [(&str, &str, MountFlags); 3] = [
    ("sync", "async", MountFlags::SYNCHRONOUS),
    ("lazytime", "nolazytime", MountFlags::LAZYTIME),
    ("silent", "loud", MountFlags::SILENT),
];

const PROPAGATIONS: [(&str, Propagation); 4] = [
    ("private", Propagation::Private),
    ("shared", Propagation::Shared),
    ("slave", Propagation::Slave),
    ("unbindable", Propagation::Unbindable),
];

impl Options {
    pub(super) fn parse(options: &[String]) -> Result<Self> {
        let mut parsed = Self::default();
        for option in options {
            parsed.add(option)?;
        }
        Ok(parsed)
    }

    fn add(&mut self, option: &str) -> Result<()> {
        match option {
            "" | "defaults" | "nomand" => {}
            "bind" => self.is_bind = true,
            "rbind" => (self.is_bind, self.is_recursive) = (true, true),
            "remount" => self.is_remount = true,
            "tmpcopyup" => self.copies_up = true,
            "dirsync" => self.flags.push((MountFlags::DIRSYNC, true)),
            "idmap" => self.id_mapping = Some(IdMapping::Top),
            "ridmap" => self.id_mapping = Some(IdMapping::All),
            "mand" => bail!("mand: Linux 5.15 and later have no mandatory locks"),
            _ if self.add_attribute(option) => {}
            _ => self.data.push(option.to_owned()),
        }
        Ok(())
    }

    /// Adds an option of a table, if it is one.
    fn add_attribute(&mut self, option: &str) -> bool {
        let of_tree = option.strip_prefix('r');
        let propagation = |name| PROPAGATIONS.iter().find(|entry| entry.0 == name);
        if let Some(change) = find(&ATTRIBUTES, option) {
            self.top.push(change);
        } else if let Some(change) = of_tree.and_then(|name| find(&ATTRIBUTES, name)) {
            self.all.push(change);
        } else if let Some(change) = find(&FLAGS, option) {
            self.flags.push(change);
        } else if let Some((_, kind)) = propagation(option) {
            self.propagation.push((*kind, Depth::Top));
        } else if let Some((_, kind)) = of_tree.and_then(propagation) {
            self.propagation.push((*kind, Depth::All));
        } else {
            return false;
        }
        true
    }

    /// Applies everything to a new file system.
    pub(super) fn apply(&self, mut mount: Mount) -> Mount {
        if self.copies_up {
            mount = mount.copy_up();
        }
        self.change(mount)
    }

    /// Applies everything that can be changed later too.
    pub(super) fn change(&self, mut mount: Mount) -> Mount {
        for &(attrs, is_set) in &self.top {
            mount = if is_set { mount.set(attrs) } else { mount.clear(attrs) };
        }
        for &(attrs, is_set) in &self.all {
            mount = if is_set { mount.set_all(attrs) } else { mount.clear_all(attrs) };
        }
        for &(propagation, depth) in &self.propagation {
            mount = match depth {
                Depth::Top => mount.with_propagation(propagation),
                Depth::All => mount.with_propagation_all(propagation),
            };
        }
        // A bind shows a file system as it is: mount(2) ignores these too.
        if self.is_bind {
            return mount;
        }
        for &(flags, is_set) in &self.flags {
            mount = if is_set { mount.flags(flags) } else { mount.clear_flags(flags) };
        }
        if self.data.is_empty() { mount } else { mount.data(self.data.join(",")) }
    }

    /// Applies everything to a tree, which has no options of a file system.
    pub(super) fn change_tree(&self, mut tree: Tree) -> Tree {
        for &(attrs, is_set) in &self.top {
            tree = if is_set { tree.set(attrs) } else { tree.clear(attrs) };
        }
        for &(attrs, is_set) in &self.all {
            tree = if is_set { tree.set_all(attrs) } else { tree.clear_all(attrs) };
        }
        for &(propagation, depth) in &self.propagation {
            tree = match depth {
                Depth::Top => tree.propagation(propagation),
                Depth::All => tree.propagation_all(propagation),
            };
        }
        tree
    }
}

/// The change that an option makes, by a table of what sets and what clears.
fn find<T: Copy>(table: &[(&str, &str, T)], option: &str) -> Option<(T, bool)> {
    table.iter().find_map(|&(set, clear, what)| {
        (option == set || option == clear).then_some((what, option == set))
    })
}

/// All options that the runtime knows, for `features`.
pub(crate) fn known() -> Vec<String> {
    let mut names: Vec<String> = [
        "bind",
        "rbind",
        "defaults",
        "remount",
        "tmpcopyup",
        "dirsync",
        "idmap",
        "ridmap",
        "nomand",
    ]
    .map(ToOwned::to_owned)
    .into();
    for (set, clear, _) in ATTRIBUTES {
        names.extend(
            [set, clear].into_iter().flat_map(|name| [name.to_owned(), format!("r{name}")]),
        );
    }
    names.extend(FLAGS.iter().flat_map(|(set, clear, _)| [set, clear]).map(ToString::to_string));
    let kinds = PROPAGATIONS.iter();
    names.extend(kinds.flat_map(|(name, _)| [(*name).to_owned(), format!("r{name}")]));
    names.sort();
    names
}
