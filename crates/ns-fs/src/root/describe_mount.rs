//! The system calls of one mount, as text.

use std::prelude::rust_2024::*;
use std::{format, vec};

use super::describe::quoted;
use super::flag_names;
use super::purpose::purpose;
use crate::apply::{
    Attributes, Bind, Configured, Entry, FsOption, FsValue, Kind, MountStep, NewFs, Reconfigure,
    Root, SET_ID, Source, TargetLimit, TreeAttributes, propagation_only,
};

/// The calls of one mount, or of one entry. The first line has words about all of them.
pub(super) fn mount(plan: Root<'_>, step: MountStep) -> Vec<String> {
    let mut lines = calls(plan, step);
    if let Some(first) = lines.first_mut() {
        *first = format!("{first}  # {}", purpose(plan, step));
    }
    lines
}

fn calls(plan: Root<'_>, step: MountStep) -> Vec<String> {
    let make = if step.create { " or mkdirat" } else { "" };
    let target = quoted(plan.strings.get(step.target));
    let how = if step.limit == TargetLimit::NoLinks { " | RESOLVE_NO_SYMLINKS" } else { "" };
    let check = if step.limit == TargetLimit::OutsideProc { ", fstatfs(target)" } else { "" };
    let open = format!("openat2(root, {target}, RESOLVE_IN_ROOT{how}){make}{check}");
    let first = "openat2(root, first directory, RESOLVE_NO_SYMLINKS), fstatfs, ";
    let is_below = matches!(step.limit, TargetLimit::Below(_));
    let open = if is_below { format!("{first}{open}") } else { open };
    let covers = vec!["statx(target)".to_owned()];
    match step.kind {
        Kind::New(new) => [vec![open], covers, new_fs(plan, new)].concat(),
        Kind::Mask(new) => {
            let file = r#"or open_tree("/dev/null", OPEN_TREE_CLONE), move_mount(tree, target)"#;
            [vec![open], covers, new_fs(plan, new), vec![file.to_owned()]].concat()
        }
        Kind::Configured(fs) => {
            let created = if plan.slots.is_empty() { configure(plan, fs) } else { vec![] };
            let copy = fs.copy_up.map(|_| "getdents64(target), copy each entry".to_owned());
            let copy = copy.into_iter().collect();
            let late = setattr("tree", fs.late_attributes(), false);
            [created, vec![open], covers, copy, vec![attach()], late].concat()
        }
        Kind::Bind(bind) => [tree_calls(plan, bind), vec![open], covers, vec![attach()]].concat(),
        Kind::Attributes { attributes, recursive } => {
            [vec![open], setattr("target", attributes, recursive)].concat()
        }
        Kind::Reconfigure(changes) => [vec![open], reconfigure(plan, changes)].concat(),
        Kind::Entry { name, entry } => {
            let name = quoted(plan.strings.get(name));
            vec![open, make_entry(plan, &name, entry)]
        }
    }
}

fn attach() -> String {
    "move_mount(tree, target)".to_owned()
}

/// The calls that open the source of a bind.
pub(super) fn tree_calls(plan: Root<'_>, bind: Bind) -> Vec<String> {
    let tree = if bind.recursive { " | AT_RECURSIVE" } else { "" };
    let clone = |file: &str| format!("open_tree({file}, OPEN_TREE_CLONE{tree})");
    let text = |path| quoted(plan.strings.get(path));
    let mut lines = match bind.source {
        Source::Path(_) if !plan.slots.is_empty() => vec![clone("source")],
        Source::Path(path) => vec![clone(&text(path))],
        Source::InRoot(path) => {
            vec![format!("openat2(root, {}, RESOLVE_IN_ROOT)", text(path)), clone("source")]
        }
        Source::NewFile { .. } => {
            let tmpfs = r#"fsopen("tmpfs"), fsconfig(FSCONFIG_CMD_CREATE), fsmount(0)"#;
            let file = r#"openat(tmpfs, "file", O_CREAT), write"#;
            vec![tmpfs.to_owned(), file.to_owned(), clone("file")]
        }
        Source::Tree(..) => return vec![],
    };
    lines.extend(setattr("tree", bind.attributes, bind.recursive));
    lines
}

/// The calls that create a detached file system.
pub(super) fn configure(plan: Root<'_>, fs: Configured) -> Vec<String> {
    let text = |text| quoted(plan.strings.get(text));
    let mut lines = vec![format!("fsopen({})", text(fs.new.fs_type))];
    let directories = plan.options_of(fs).iter().filter_map(|option| match option.value {
        FsValue::Directory(path) => Some(format!("openat({}, O_PATH | O_DIRECTORY)", text(path))),
        _ => None,
    });
    lines.splice(0..0, directories.collect::<Vec<_>>());
    lines.push(format!(r#"fsconfig("source", {})"#, text(fs.new.source)));
    if plan.has_tmpfs(fs) {
        lines.push(r#"fsopen("tmpfs"), fsconfig(FSCONFIG_CMD_CREATE), fsmount(0)"#.to_owned());
    }
    lines.extend(plan.options_of(fs).iter().map(|option| set(plan, option)));
    if fs.userxattr.is_some() {
        let check = r#"openat("/proc/self/ns/user", O_PATH), fstatfs, statx"#.to_owned();
        lines.extend([check, r#"fsconfig("userxattr") in a user namespace"#.to_owned()]);
    }
    if fs.is_read_only() {
        lines.push(r#"fsconfig("ro")"#.to_owned());
    }
    lines.push("fsconfig(FSCONFIG_CMD_CREATE)".to_owned());
    lines.push(format!("fsmount({})", flag_names::attributes(fs.early_attributes())));
    lines
}

/// The calls that change the options of a file system.
fn reconfigure(plan: Root<'_>, changes: Reconfigure) -> Vec<String> {
    let Reconfigure { attributes, recursive, .. } = changes;
    if changes.has_options() {
        let mut lines = vec!["fspick(target)".to_owned()];
        lines.extend(plan.options_in(changes.options).iter().map(|option| set(plan, option)));
        lines.push("fsconfig(FSCONFIG_CMD_RECONFIGURE)".to_owned());
        return [lines, setattr("target", attributes, recursive)].concat();
    }
    let data = changes.data.map_or("NULL".to_owned(), |data| quoted(plan.strings.get(data)));
    let flags = flag_names::mount_flags(changes.flags);
    let remount = format!("mount(NULL, target, NULL, MS_REMOUNT | {flags}, {data})");
    let rest = if recursive { attributes } else { propagation_only(attributes) };
    let rest = setattr("target", rest, recursive);
    [vec!["fstatfs(target)".to_owned(), remount], rest].concat()
}

/// The call that sets an option of a file system.
fn set(plan: Root<'_>, option: &FsOption) -> String {
    let key = quoted(plan.strings.get(option.key));
    match option.value {
        FsValue::None => format!("fsconfig({key})"),
        FsValue::NewDirectory => format!("mkdirat({key}), openat, fsconfig({key}, directory)"),
        FsValue::Text(value) | FsValue::Directory(value) => {
            format!("fsconfig({key}, {})", quoted(plan.strings.get(value)))
        }
    }
}

fn new_fs(plan: Root<'_>, new: NewFs) -> Vec<String> {
    let text = |text| quoted(plan.strings.get(text));
    let data = new.data.map_or("NULL".to_owned(), text);
    let (source, fs_type) = (text(new.source), text(new.fs_type));
    let flags = flag_names::mount_flags(new.mount_flags());
    vec![
        r#"openat(".", O_PATH)"#.to_owned(),
        "fchdir(target)".to_owned(),
        format!("mount({source}, \".\", {fs_type}, {flags}, {data})"),
        "fchdir(back)".to_owned(),
    ]
}

fn setattr(file: &str, attributes: TreeAttributes, recursive: bool) -> Vec<String> {
    let tree = if recursive { " | AT_RECURSIVE" } else { "" };
    let call = |flags: &str, Attributes { set, clear, propagation }: Attributes| {
        let named =
            |verb, bits| (bits != 0).then(|| format!("{verb} {}", flag_names::attributes(bits)));
        let propagation = propagation.map(|kind| kind.name().to_owned());
        let changes = [named("set", set), named("clear", clear), propagation];
        let changes: Vec<_> = changes.into_iter().flatten().collect();
        format!("mount_setattr({file}, AT_EMPTY_PATH{flags}, {})", changes.join(", "))
    };
    let all = (!attributes.all.is_empty()).then(|| call(tree, attributes.all));
    let top = (!attributes.top.is_empty()).then(|| call("", attributes.top));
    all.into_iter().chain(top).collect()
}

fn make_entry(plan: Root<'_>, name: &str, entry: Entry) -> String {
    match entry {
        Entry::Link { to } => {
            format!("symlinkat({}, target, {name})", quoted(plan.strings.get(to)))
        }
        Entry::File { contents, mode } => {
            let length = plan.strings.bytes(contents).len();
            format!("openat(target, {name}, O_CREAT | O_EXCL, 0{mode:03o}), write({length} bytes)")
        }
        Entry::Directory { mode } if mode & SET_ID != 0 => {
            format!("mkdirat(target, {name}, 0700), fchmodat({name}, \".\", 0{mode:03o})")
        }
        Entry::Directory { mode } => format!("mkdirat(target, {name}, 0{mode:03o})"),
        Entry::Device(device) => {
            let ((major, minor), mode) = (device.number, device.mode);
            let host = quoted(plan.strings.get(device.host));
            format!(
                "mknodat(target, {name}, 0{mode:03o}, {major}:{minor}) or open_tree({host}, \
                 OPEN_TREE_CLONE), move_mount"
            )
        }
    }
}
