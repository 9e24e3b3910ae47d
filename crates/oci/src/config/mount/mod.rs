//! The mounts of a configuration.

mod cgroup;
mod in_proc;
pub(super) mod options;

use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, ensure};
use ns_process::{Mount, MountAttrs, NamespaceFd, Tree, make_namespace};
use oci_spec::runtime::Mount as Config;

use self::options::{IdMapping, Options};
use super::ids;
use super::namespaces::Set;
use crate::cgroup::Cgroup;

/// Who opens the source of a bind mount.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// The process of the container, by its path.
    Path,
    /// This process: the one of the container may have no access.
    Opened,
}

/// The mounts of one entry: one, or several for cgroups of version 1.
pub(super) fn mounts(
    config: &Config,
    bundle: &Path,
    source: Source,
    namespaces: Set,
    cgroup: &Cgroup,
) -> Result<Vec<Mount>> {
    let options = Options::parse(config.options().as_deref().unwrap_or_default())?;
    let target = target(config.destination());
    let fs_type = config.typ().as_deref().unwrap_or_default();
    let is_bind = options.is_bind || fs_type == "bind";
    let limit = in_proc::check(&target, if is_bind { "bind" } else { fs_type })?;
    if is_bind {
        let from = config.source().as_ref().context("`source` is missing")?;
        let mount = bind(config, &bundle.join(from), target, source, &options)?;
        return Ok(vec![limit.apply(mount)]);
    }
    ensure!(options.id_mapping.is_none(), "idmap and ridmap are options of bind mounts");
    ensure!(!fs_type.is_empty(), "`type` is missing");
    if options.is_remount {
        return Ok(vec![limit.apply(options.change(Mount::remount(target)))]);
    }
    if fs_type == "cgroup" {
        let mounts = cgroup::mounts(&target, &options, namespaces, cgroup)?;
        return Ok(mounts.into_iter().map(|mount| limit.apply(mount)).collect());
    }
    let from = config.source().as_deref().unwrap_or(Path::new(fs_type));
    let mut mount = options.apply(Mount::new(fs_type, from, &target).create());
    if is_dev(&target) {
        // Devices are created in it first.
        mount = mount.clear(MountAttrs::RDONLY);
    }
    Ok(vec![limit.apply(mount)])
}

fn bind(
    config: &Config,
    from: &Path,
    target: PathBuf,
    source: Source,
    options: &Options,
) -> Result<Mount> {
    ensure!(!options.copies_up, "tmpcopyup is no option of bind mounts");
    let is_mapped = options.id_mapping.is_some() || config.uid_mappings().is_some();
    let hides_proc = target == Path::new("/proc");
    if source == Source::Path && !is_mapped && !hides_proc {
        let mount = Mount::bind(from, target).create();
        let mount = if options.is_recursive { mount.recursive() } else { mount };
        return Ok(options.change(mount));
    }
    let mut tree = if hides_proc { in_proc::open(from)? } else { Tree::open(from)? };
    if options.is_recursive {
        tree = tree.recursive();
    }
    if is_mapped {
        tree = map_ids(tree, config, options)?;
    }
    Ok(Mount::tree(options.change_tree(tree), target).create())
}

/// Shows other owners. The maps of the mount become those of a user namespace of their own.
fn map_ids(tree: Tree, config: &Config, options: &Options) -> Result<Tree> {
    let (uids, gids) = (config.uid_mappings().as_ref(), config.gid_mappings().as_ref());
    let missing = "idmap needs `uidMappings` and `gidMappings` of the mount";
    let (uids, gids) = (uids.context(missing)?, gids.context(missing)?);
    let maps = (ids::id_map(uids)?, ids::id_map(gids)?);
    let namespace: NamespaceFd = make_namespace(ns_process::Namespace::User, maps)?;
    ensure!(
        options.id_mapping != Some(IdMapping::Top) || !options.is_recursive,
        "idmap with rbind would map one mount of the tree only: use ridmap, or bind"
    );
    Ok(tree.idmap(namespace))
}

/// The path without `.` and `..`; a relative one starts at the root, as in runc.
fn target(path: &Path) -> PathBuf {
    let mut target = PathBuf::from("/");
    for component in path.components() {
        match component {
            Component::Normal(name) => target.push(name),
            Component::ParentDir => {
                target.pop();
            }
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    target
}

fn is_dev(target: &Path) -> bool {
    target == Path::new("/dev")
}

fn on_dev(mounts: &[Config]) -> impl Iterator<Item = &Config> {
    mounts.iter().filter(|config| is_dev(&target(config.destination())))
}

/// Restricts a mask to the file systems of the kernel that are mounted for the container: another process may rename
/// their directories meanwhile, so that the path of the mask would be missing.
pub(super) fn within(mask: Mount, mounts: &[Config]) -> Mount {
    let is_mounted = |on: &str| {
        let mut there =
            mounts.iter().filter(|config| target(config.destination()) == Path::new(on));
        there.next_back().and_then(|config| config.typ().clone())
    };
    let path = target(mask.target());
    if path.starts_with("/proc") && path != Path::new("/proc") && is_mounted("/proc").is_some() {
        mask.target_in_proc()
    } else if path.starts_with("/sys")
        && path != Path::new("/sys")
        && is_mounted("/sys").as_deref() == Some("sysfs")
    {
        mask.target_in_sysfs()
    } else {
        mask
    }
}

fn has_option(config: &Config, names: &[&str]) -> bool {
    config.options().iter().flatten().any(|option| names.contains(&option.as_str()))
}

/// Whether the cgroups are mounted, and not read-only.
pub(super) fn has_writable_cgroups(mounts: &[Config]) -> bool {
    let mut cgroups = mounts
        .iter()
        .filter(|config| matches!(config.typ().as_deref(), Some("cgroup" | "cgroup2")));
    cgroups.next_back().is_some_and(|config| !has_option(config, &["ro", "rro"]))
}

/// Whether /dev is a directory of the host, in which nothing is created.
pub(super) fn binds_dev(mounts: &[Config]) -> bool {
    on_dev(mounts).any(|config| {
        config.typ().as_deref() == Some("bind") || has_option(config, &["bind", "rbind"])
    })
}

/// Whether /dev is a new file system that becomes read-only.
pub(super) fn is_dev_read_only(mounts: &[Config]) -> bool {
    !binds_dev(mounts) && on_dev(mounts).any(|config| has_option(config, &["ro"]))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::target;

    #[test]
    fn a_target_stays_below_the_root() {
        for (path, expected) in [
            ("a/b", "/a/b"),
            ("/../../a", "/a"),
            ("/a/./../b//c/", "/b/c"),
            ("/", "/"),
            ("..", "/"),
        ] {
            assert_eq!(target(Path::new(path)), Path::new(expected));
        }
    }
}
