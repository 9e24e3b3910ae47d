//! The system calls of a plan in order, as text.

use std::ffi::CStr;
use std::prelude::rust_2024::*;
use std::{format, vec};

use crate::apply::{Change, Mount, MountKind, Root};
use crate::{Description, Propagation};

pub(super) fn describe(plan: Root<'_>) -> Description {
    let text = |text| quoted(plan.strings.get(text));
    let mut lines: Vec<String> = plan.propagation.map(propagation).into_iter().collect();
    lines.extend(match plan.change {
        Change::None => vec![],
        Change::Pivot(path) => bind_root(&text(path)),
        Change::Chroot(path) => vec![format!("chdir({})", text(path))],
    });
    if !plan.mounts.is_empty() {
        lines.push(open_root(plan.change).to_owned());
        let mounts = plan.mounts.iter().map(|step| mount(step.with(plan.strings)));
        lines.extend(mounts.flatten());
    }
    let read_only = r#"mount_setattr(".", MOUNT_ATTR_RDONLY)"#.to_owned();
    lines.extend(plan.read_only.then_some(read_only));
    lines.extend(change(plan.change).iter().map(|line| (*line).to_owned()));
    lines.extend(plan.workdir.iter().flat_map(|(path, create)| workdir(&text(*path), *create)));
    Description::new(lines)
}

fn quoted(text: &CStr) -> String {
    format!("{:?}", text.to_string_lossy())
}

fn propagation(propagation: Propagation) -> String {
    let flag = match propagation {
        Propagation::Private => "MS_PRIVATE",
        Propagation::Slave => "MS_SLAVE",
        Propagation::Shared => "MS_SHARED",
    };
    format!(r#"mount(NULL, "/", NULL, MS_REC | {flag}, NULL)"#)
}

fn bind_root(path: &str) -> Vec<String> {
    let bind = format!("mount({path}, {path}, NULL, MS_BIND | MS_REC, NULL)");
    let on_top = if path == "\"/\"" { "\"/..\"" } else { path };
    vec![bind, format!("chdir({on_top})")]
}

/// The name of the directory in which the targets of mounts are resolved.
fn open_root(change: Change) -> &'static str {
    match change {
        Change::None => r#"openat("/", O_PATH)"#,
        Change::Pivot(_) | Change::Chroot(_) => r#"openat(".", O_PATH)"#,
    }
}

fn change(change: Change) -> &'static [&'static str] {
    match change {
        Change::None => &[],
        Change::Pivot(_) => &[
            r#"pivot_root(".", ".")"#,
            r#"mount(NULL, "..", NULL, MS_REC | MS_SLAVE, NULL)"#,
            r#"umount2(".", MNT_DETACH)"#,
            r#"chdir("/")"#,
        ],
        Change::Chroot(_) => &[r#"chroot(".")"#, r#"chdir("/")"#],
    }
}

fn mount(mount: Mount<'_>) -> Vec<String> {
    let make = if mount.create { " or mkdirat" } else { "" };
    let target = quoted(mount.target);
    let mut lines = vec![format!("openat2(root, {target}, RESOLVE_IN_ROOT){make}")];
    if matches!(mount.kind, MountKind::New { .. } | MountKind::Bind { .. }) {
        lines.extend(["statx(root)", "statx(target)"].map(ToOwned::to_owned));
    }
    match mount.kind {
        MountKind::New { fs_type, source, flags, data } => {
            let data = data.map_or("NULL".to_owned(), quoted);
            let (source, fs_type) = (quoted(source), quoted(fs_type));
            lines.extend([r#"openat(".", O_PATH)"#, "fchdir(target)"].map(ToOwned::to_owned));
            lines.push(format!("mount({source}, \".\", {fs_type}, {flags:?}, {data})"));
            lines.push("fchdir(back)".to_owned());
        }
        MountKind::Bind { source, recursive, attributes } => {
            lines.extend(bind(&quoted(source), recursive, attributes));
        }
        MountKind::Attributes { attributes } => {
            lines.push(format!("mount_setattr(target, AT_EMPTY_PATH, {attributes:#x})"));
        }
        MountKind::Link { name, to } => {
            lines.push(format!("symlinkat({}, target, {})", quoted(to), quoted(name)));
        }
    }
    lines
}

fn bind(source: &str, recursive: bool, attributes: u64) -> Vec<String> {
    let tree = if recursive { " | AT_RECURSIVE" } else { "" };
    let mut lines = vec![format!("open_tree({source}, OPEN_TREE_CLONE{tree})")];
    if attributes != 0 {
        lines.push(format!("mount_setattr(tree, AT_EMPTY_PATH{tree}, {attributes:#x})"));
    }
    lines.push("move_mount(tree, target)".to_owned());
    lines
}

fn workdir(path: &str, create: bool) -> Vec<String> {
    let make = if create { " or mkdirat, name by name" } else { "" };
    vec![format!("chdir({path}){make}"), "getcwd()".to_owned()]
}
