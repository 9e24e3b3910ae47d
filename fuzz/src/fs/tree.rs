//! A hostile tree: directories, files, and links that lead anywhere.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::{fs, io};

use arbitrary::{Result, Unstructured};

/// Path below the root to what is there; every parent is a directory of the tree.
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

    /// Where nothing is and the parent is a directory; else it is left out.
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

    /// An empty file system lies on it now.
    pub(super) fn cover(&mut self, path: &str) {
        let below = format!("{path}/");
        self.0.retain(|other, _| !other.starts_with(&below));
    }

    /// Makes it below `root`, in the order of the paths.
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
        _ => Node::Link(way(u)?),
    })
}

/// A path with whatever a path may have in it; `outside` and `jail` lie next to and at the root.
pub(super) fn way(u: &mut Unstructured<'_>) -> Result<String> {
    let words = ["a", "b", "c", "..", "..", ".", "", "outside", "jail", "missing"];
    let mut way = (*u.choose(&["", "", "/", "//"])?).to_owned();
    for _ in 0..u.int_in_range(1..=5)? {
        way += *u.choose(&words)?;
        way += *u.choose(&["/", "/", "//"])?;
    }
    if u.arbitrary()? && way.len() > 1 {
        way.pop();
    }
    // No link is empty.
    Ok(if way.is_empty() { ".".to_owned() } else { way })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hangs_in_the_air() {
        let mut tree = Tree::default();
        tree.add("a/b", Node::Directory);
        assert_eq!(tree, Tree::default());
        tree.add("a", Node::Link("/".to_owned()));
        tree.add("a/b", Node::File);
        assert_eq!(tree.0.len(), 1, "a link is no parent");
    }

    #[test]
    fn what_is_covered_is_gone() {
        let mut tree = Tree::default();
        for path in ["a", "a/b", "ab"] {
            tree.make_directory(path);
        }
        tree.cover("a");
        assert!(tree.is_directory("a") && tree.is_directory("ab") && !tree.is_directory("a/b"));
    }
}
