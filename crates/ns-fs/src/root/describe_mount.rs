//! The system calls of one mount, as text.

use std::prelude::rust_2024::*;
use std::{format, vec};

use super::describe::quoted;
use crate::apply::{
    Attributes, Bind, Configured, Entry, FsValue, Kind, MountStep, NewFs, Reconfigure, Root,
    Source, TreeAttributes,
};

/// The calls of one mount, or of one entry.
pub(super) fn mount(plan: Root<'_>, step: MountStep) -> Vec<String> {
    let make = if step.create { " or mkdirat" } else { "" };
    let target = quoted(plan.strings.get(step.target));
    let open = format!("openat2(root, {target}, RESOLVE_IN_ROOT){make}");
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
        Kind::Reconfigure(Reconfigure { flags, data, attributes, recursive, .. }) => {
            let data = data.map_or("NULL".to_owned(), |data| quoted(plan.strings.get(data)));
            let remount = format!("mount(NULL, target, NULL, MS_REMOUNT | {flags:?}, {data})");
            let has_rest = !attributes.all.is_empty() || attributes.top.propagation.is_some();
            let rest = if has_rest { setattr("target", attributes, recursive) } else { vec![] };
            [vec![open, "fstatfs(target)".to_owned(), remount], rest].concat()
        }
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
    lines.extend(plan.options_of(fs).iter().map(|option| match option.value {
        FsValue::None => format!("fsconfig({})", text(option.key)),
        FsValue::Text(value) | FsValue::Directory(value) => {
            format!("fsconfig({}, {})", text(option.key), text(value))
        }
    }));
    lines.extend(["fsconfig(FSCONFIG_CMD_CREATE)", "fsmount()"].map(ToOwned::to_owned));
    lines
}

fn new_fs(plan: Root<'_>, new: NewFs) -> Vec<String> {
    let text = |text| quoted(plan.strings.get(text));
    let data = new.data.map_or("NULL".to_owned(), text);
    let (source, fs_type, flags) = (text(new.source), text(new.fs_type), new.mount_flags());
    vec![
        r#"openat(".", O_PATH)"#.to_owned(),
        "fchdir(target)".to_owned(),
        format!("mount({source}, \".\", {fs_type}, {flags:?}, {data})"),
        "fchdir(back)".to_owned(),
    ]
}

fn setattr(file: &str, attributes: TreeAttributes, recursive: bool) -> Vec<String> {
    let tree = if recursive { " | AT_RECURSIVE" } else { "" };
    let call = |flags: &str, Attributes { set, clear, propagation }: Attributes| {
        let clear = if clear == 0 { String::new() } else { format!(", clear {clear:#x}") };
        let propagation = propagation.map_or(String::new(), |kind| format!(", {}", kind.name()));
        let changes = format!("set {set:#x}{clear}{propagation}");
        format!("mount_setattr({file}, AT_EMPTY_PATH{flags}, {changes})")
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
            format!("openat(target, {name}, O_CREAT | O_EXCL, {mode:#o}), write({length} bytes)")
        }
        Entry::Directory { mode } => format!("mkdirat(target, {name}, {mode:#o})"),
        Entry::Device(device) => {
            let ((major, minor), mode) = (device.number, device.mode);
            let host = quoted(plan.strings.get(device.host));
            format!(
                "mknodat(target, {name}, {mode:#o}, {major}:{minor}) or open_tree({host}, \
                 OPEN_TREE_CLONE), move_mount"
            )
        }
    }
}
