//! The system calls of a plan in order, as text.

use std::ffi::CStr;
use std::prelude::rust_2024::*;
use std::{format, vec};

use super::describe_mount::{configure, mount, tree_calls};
use crate::apply::{Change, Kind, MountStep, Root, RootMount, Source};
use crate::{Description, Propagation};

/// The calls up to the last mount.
pub(super) fn describe_mounts(plan: Root<'_>) -> Description {
    let text = |text| quoted(plan.strings.get(text));
    let mut lines: Vec<String> = plan.propagation.map(propagation).into_iter().collect();
    if !plan.slots.is_empty() {
        lines.extend(plan.mounts.iter().flat_map(|step| early(plan, step)));
    }
    lines.extend(match plan.change {
        Change::None => vec![],
        Change::Pivot(path) => {
            let bind = format!(r#"mount({}, "/", NULL, MS_BIND | MS_REC, NULL)"#, text(path));
            vec![bind, r#"chdir("/..")"#.to_owned()]
        }
        Change::PivotInPlace(path) => {
            let open = format!("openat({}, O_PATH)", text(path));
            let tree = "open_tree(directory, OPEN_TREE_CLONE | AT_RECURSIVE)".to_owned();
            vec![open, tree, "move_mount(tree, directory)".to_owned(), "fchdir(tree)".to_owned()]
        }
        Change::PivotTo(mount) => [root_mount(plan, mount), on_root()].concat(),
        Change::Chroot(path) => vec![format!("chdir({})", text(path))],
    });
    if !plan.mounts.is_empty() {
        lines.push(open_root(plan.change).to_owned());
        lines.push("statx(root)".to_owned());
        lines.extend(plan.mounts.iter().flat_map(|step| mount(plan, *step)));
    }
    Description::new(lines)
}

/// The calls after the last mount.
pub(super) fn describe_entering(plan: Root<'_>) -> Description {
    let mut lines = Vec::new();
    let read_only = r#"mount_setattr(".", MOUNT_ATTR_RDONLY)"#.to_owned();
    lines.extend(plan.read_only.then_some(read_only));
    lines.extend(change(plan).iter().map(|line| (*line).to_owned()));
    let workdir = plan
        .workdir
        .iter()
        .flat_map(|(path, create)| workdir(&quoted(plan.strings.get(*path)), *create));
    lines.extend(workdir);
    Description::new(lines)
}

pub(super) fn quoted(text: &CStr) -> String {
    format!("{:?}", text.to_string_lossy())
}

fn propagation(propagation: Propagation) -> String {
    format!(r#"mount(NULL, "/", NULL, MS_REC | {}, NULL)"#, propagation.name())
}

/// The calls for a source that is opened before the first mount.
fn early(plan: Root<'_>, step: &MountStep) -> Vec<String> {
    match step.kind {
        Kind::Bind(bind) => match bind.source {
            Source::Path(path) => {
                vec![format!("openat({}, O_PATH)", quoted(plan.strings.get(path)))]
            }
            _ => vec![],
        },
        Kind::Configured(fs) => configure(plan, fs),
        _ => vec![],
    }
}

fn root_mount(plan: Root<'_>, mount: RootMount) -> Vec<String> {
    match mount {
        RootMount::Bind(bind) => tree_calls(plan, bind),
        RootMount::Configured(fs) => configure(plan, fs),
    }
}

fn on_root() -> Vec<String> {
    [r#"move_mount(tree, "/")"#, "fchdir(tree)"].map(ToOwned::to_owned).to_vec()
}

/// The name of the directory in which the targets of mounts are resolved.
fn open_root(change: Change) -> &'static str {
    match change {
        Change::None => r#"openat("/", O_PATH)"#,
        _ => r#"openat(".", O_PATH)"#,
    }
}

fn change(plan: Root<'_>) -> &'static [&'static str] {
    match plan.change {
        Change::None => &[],
        Change::PivotInPlace(_) if plan.covers => {
            &[r#"mount(".", "/", NULL, MS_MOVE, NULL)"#, r#"chroot(".")"#, r#"chdir("/")"#]
        }
        Change::Pivot(_) | Change::PivotTo(_) if plan.covers => CHROOT,
        Change::Pivot(_) | Change::PivotInPlace(_) | Change::PivotTo(_) => &[
            r#"pivot_root(".", ".")"#,
            r#"mount(NULL, "..", NULL, MS_REC | MS_SLAVE, NULL)"#,
            r#"umount2(".", MNT_DETACH)"#,
            r#"chdir("/")"#,
        ],
        Change::Chroot(_) => CHROOT,
    }
}

const CHROOT: &[&str] = &[r#"chroot(".")"#, r#"chdir("/")"#];

fn workdir(path: &str, create: bool) -> Vec<String> {
    let make = if create { " or mkdirat, name by name" } else { "" };
    vec![format!("chdir({path}){make}"), "getcwd()".to_owned()]
}
