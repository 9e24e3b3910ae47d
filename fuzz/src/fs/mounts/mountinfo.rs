//! The mounts of a mount namespace, as proc(5) lists them.

use std::collections::BTreeMap;

/// The mounts by their IDs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mountinfo(BTreeMap<u32, Line>);

/// A mount without its propagation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    parent: u32,
    pub(super) point: String,
    pub(super) attributes: String,
    /// The file system, its root and its options.
    file_system: String,
}

impl Mountinfo {
    pub(super) fn parse(text: &str) -> Self {
        Self(text.lines().map(|line| parse(line).expect("a line of mountinfo")).collect())
    }

    /// The mounts that are not in `before`.
    pub(super) fn added<'a>(&'a self, before: &'a Self) -> impl Iterator<Item = &'a Line> {
        let added = self.0.iter().filter(|(id, _)| !before.0.contains_key(id));
        added.map(|(_, line)| line)
    }

    /// Whether the mount below this one is in the list.
    pub(super) fn has_parent(&self, line: &Line) -> bool {
        self.0.contains_key(&line.parent)
    }

    /// The mounts whose point is not one of `points` and not below it.
    pub(super) fn outside(&self, points: &[&str]) -> BTreeMap<u32, Line> {
        let is_outside = |line: &Line| !points.iter().any(|point| line.is_below(point));
        self.0
            .iter()
            .filter(|(_, line)| is_outside(line))
            .map(|(id, line)| (*id, line.clone()))
            .collect()
    }

    /// Whether they have a mount in common.
    pub(super) fn intersects(&self, other: &Self) -> bool {
        self.0.keys().any(|id| other.0.contains_key(id))
    }

    /// The topmost mount of the root.
    pub(super) fn root(&self) -> Option<&Line> {
        self.0.values().find(|line| line.point == "/")
    }
}

impl Line {
    /// Whether the mount point is `path`, or lies below it.
    pub(super) fn is_below(&self, path: &str) -> bool {
        let rest = self.point.strip_prefix(path);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

fn parse(line: &str) -> Option<(u32, Line)> {
    let (mount, file_system) = line.split_once(" - ")?;
    let fields: Vec<_> = mount.split(' ').collect();
    let [id, parent, device, root, point, attributes, ..] = fields.as_slice() else { return None };
    let line = Line {
        parent: parent.parse().ok()?,
        point: (*point).to_owned(),
        attributes: (*attributes).to_owned(),
        file_system: format!("{device} {root} {file_system}"),
    };
    Some((id.parse().ok()?, line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_point_is_compared_by_names() {
        let text = "30 1 0:5 / / rw shared:1 - tmpfs none rw\n31 30 0:6 /x /ab ro - proc proc rw";
        let info = Mountinfo::parse(text);
        assert_eq!(info.outside(&["/a"]).len(), 2);
        assert_eq!(info.outside(&["/ab"]).len(), 1);
        let before = Mountinfo::parse(text.lines().next().expect("a line"));
        let added: Vec<_> = info.added(&before).collect();
        assert!(added.len() == 1 && added[0].attributes == "ro" && before.has_parent(added[0]));
        assert!(info.intersects(&before) && info.root().is_some());
    }
}
