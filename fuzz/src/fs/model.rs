//! A model of path resolution in a tree that is the root: path_resolution(7).

use ns_sys::Errno;

use super::tree::{Node, Tree};

/// The number of symbolic links that the kernel follows.
const MAX_LINKS: usize = 40;

/// Resolves `path` from the directory `from`. The `..` of the root is the root.
pub(super) fn resolve(tree: &Tree, from: &str, path: &str) -> Result<String, Errno> {
    let mut links = 0;
    walk(tree, from, path, &mut links)
}

fn walk(tree: &Tree, from: &str, path: &str, links: &mut usize) -> Result<String, Errno> {
    let mut at = if path.starts_with('/') { String::new() } else { from.to_owned() };
    for name in path.split('/') {
        if !tree.is_directory(&at) {
            return Err(Errno::NOTDIR);
        }
        at = step(tree, at, name, links)?;
    }
    Ok(at)
}

fn step(tree: &Tree, at: String, name: &str, links: &mut usize) -> Result<String, Errno> {
    if name.is_empty() || name == "." {
        return Ok(at);
    }
    if name == ".." {
        return Ok(at.rsplit_once('/').map_or("", |(parent, _)| parent).to_owned());
    }
    let path = join(&at, name);
    match tree.get(&path) {
        None => Err(Errno::NOENT),
        Some(Node::Link(_)) if *links == MAX_LINKS => Err(Errno::LOOP),
        Some(Node::Link(to)) => {
            *links += 1;
            walk(tree, &at, to, links)
        }
        Some(Node::Directory | Node::File) => Ok(path),
    }
}

/// Like [`resolve`] from the root, but fails with `ELOOP` on a symbolic link.
pub(super) fn resolve_without_links(tree: &Tree, path: &str) -> Result<String, Errno> {
    let mut at = String::new();
    for name in path.split('/').filter(|name| !name.is_empty()) {
        if !tree.is_directory(&at) {
            return Err(Errno::NOTDIR);
        }
        at = join(&at, name);
        match tree.get(&at) {
            None => return Err(Errno::NOENT),
            Some(Node::Link(_)) => return Err(Errno::LOOP),
            Some(_) => {}
        }
    }
    Ok(at)
}

pub(super) fn join(at: &str, name: &str) -> String {
    if at.is_empty() { name.to_owned() } else { format!("{at}/{name}") }
}

/// Resolves with `resolve`, and creates missing directories.
pub(super) fn resolve_or_make(
    tree: &mut Tree,
    path: &str,
    resolve: impl Fn(&Tree, &str) -> Result<String, Errno>,
) -> Result<String, Errno> {
    let (mut at, mut prefix) = (String::new(), String::new());
    for name in path.split('/').filter(|name| !name.is_empty()) {
        prefix = join(&prefix, name);
        at = match resolve(tree, &prefix) {
            Err(Errno::NOENT) => {
                let new = join(&at, name);
                match tree.get(&new) {
                    // A dangling link: it exists, so no directory can be created in its place.
                    Some(_) => return Err(Errno::NOENT),
                    None if tree.is_directory(&at) => tree.make_directory(&new),
                    None => return Err(Errno::NOTDIR),
                }
                new
            }
            other => other?,
        };
    }
    Ok(at)
}

/// Enters `path` name by name and creates missing directories, as `workdir` does.
pub(super) fn enter_or_make(tree: &mut Tree, path: &str) -> Result<String, Errno> {
    let mut at = String::new();
    for name in path.split('/').filter(|name| !name.is_empty()) {
        at = match directory(tree, resolve(tree, &at, name)) {
            Err(Errno::NOENT) => {
                let new = join(&at, name);
                if tree.get(&new).is_some() {
                    return Err(Errno::EXIST);
                }
                tree.make_directory(&new);
                new
            }
            other => other?,
        };
    }
    Ok(at)
}

/// Fails with `ENOTDIR` if the path is not a directory.
pub(super) fn directory(tree: &Tree, found: Result<String, Errno>) -> Result<String, Errno> {
    found.and_then(|path| if tree.is_directory(&path) { Ok(path) } else { Err(Errno::NOTDIR) })
}
