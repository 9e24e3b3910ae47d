//! A hostile tree: directories, files, and symbolic links with arbitrary targets.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::{fs, io};

use arbitrary::{Result, Unstructured};

/// Maps a path below the root to its node. Every parent is a directory of the tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tree(BTreeMap<String, Node>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Directory,
    File,
    Link(String),
}

impl Tree {
    pub(super) fn draw(u: &mut Unstructured<'_>) -> Result<Self> {
        let mut tree = Self::default();
        for _ in 0..u.int_in_range(0..=10)? {
            let (path, node) = (path(u)?, node(u)?);
            tree.add(&path, node);
        }
        Ok(tree)
    }

    /// Adds a node, unless the path exists or its parent is not a directory.
    fn add(&mut self, path: &str, node: Node) {
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        if self.is_directory(parent) {
            self.0.entry(path.to_owned()).or_insert(node);
        }
    }

    pub(super) fn is_directory(&self, path: &str) -> bool {
        path.is_empty() || self.0.get(path) == Some(&Node::Directory)
    }

    pub(super) fn get(&self, path: &str) -> Option<&Node> {
        if path.is_empty() { Some(&Node::Directory) } else { self.0.get(path) }
    }

    pub(super) fn make_directory(&mut self, path: &str) {
        self.0.insert(path.to_owned(), Node::Directory);
    }

    /// Models a mount of an empty file system on `path`: removes the entries below `path` from this tree.
    pub(super) fn cover(&mut self, path: &str) {
        let below = format!("{path}/");
        self.0.retain(|other, _| !other.starts_with(&below));
    }

    /// Creates the tree below `root`, in the order of the paths.
    pub(super) fn make(&self, root: &Path) -> io::Result<()> {
        self.0.iter().try_for_each(|(path, node)| match node {
            Node::Directory => fs::create_dir(root.join(path)),
            Node::File => fs::write(root.join(path), ""),
            Node::Link(to) => symlink(to, root.join(path)),
        })
    }
}

/// One to three names, joined.
pub(super) fn path(u: &mut Unstructured<'_>) -> Result<String> {
    let names = (0..u.int_in_range(1..=3)?).map(|_| name(u));
    Ok(names.collect::<Result<Vec<_>>>()?.join("/"))
}

fn name(u: &mut Unstructured<'_>) -> Result<&'static str> {
    u.choose(&["a", "b", "c"]).copied()
}

fn node(u: &mut Unstructured<'_>) -> Result<Node> {
    Ok(match u.int_in_range(0..=6)? {
        0..=2 => Node::Directory,
        3 => Node::File,
        _ => Node::Link(any_path(u)?),
    })
}

/// Returns a path with any components, among them the names of the root and of a directory next to it.
pub(super) fn any_path(u: &mut Unstructured<'_>) -> Result<String> {
    let words = ["a", "b", "c", "..", "..", ".", "", "outside", "jail", "missing"];
    let mut path = (*u.choose(&["", "", "/", "//"])?).to_owned();
    for _ in 0..u.int_in_range(1..=5)? {
        path += *u.choose(&words)?;
        path += *u.choose(&["/", "/", "//"])?;
    }
    if u.arbitrary()? && path.len() > 1 {
        path.pop();
    }
    // The target of a symbolic link cannot be empty.
    Ok(if path.is_empty() { ".".to_owned() } else { path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_needs_a_parent_directory() {
        let mut tree = Tree::default();
        tree.add("a/b", Node::Directory);
        assert_eq!(tree, Tree::default());
        tree.add("a", Node::Link("/".to_owned()));
        tree.add("a/b", Node::File);
        assert_eq!(tree.0.len(), 1, "a link is not a directory");
    }

    #[test]
    fn a_mount_hides_the_nodes_below() {
        let mut tree = Tree::default();
        for path in ["a", "a/b", "ab"] {
            tree.make_directory(path);
        }
        tree.cover("a");
        assert!(tree.is_directory("a") && tree.is_directory("ab") && !tree.is_directory("a/b"));
    }
}
