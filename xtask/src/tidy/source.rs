//! The tracked files.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};

use super::lexeme::{self, Lexeme};
use crate::command::Cmd;
use crate::workspace;

pub(super) struct Source {
    pub(super) path: String,
    /// Empty when it is not text.
    pub(super) text: String,
    /// Empty when it is not Rust.
    pub(super) lexemes: Vec<Lexeme>,
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Self {
        let lexemes = if is_rust(path) { lexeme::all(text) } else { Vec::new() };
        Self { path: path.to_owned(), text: text.to_owned(), lexemes }
    }

    pub(super) fn is_rust(&self) -> bool {
        is_rust(&self.path)
    }

    /// Whether it is the module at `module` (without `.rs`) or lies below it.
    pub(super) fn is_in(&self, module: &str) -> bool {
        self.path.strip_prefix(module).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
    }
}

fn is_rust(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "rs")
}

/// All tracked files that are there.
pub(super) fn tracked() -> Result<Vec<Source>> {
    // xtask runs code of this repository already, so whose it is does not matter any more; CI may
    // run as root in somebody else's checkout.
    let list = Cmd::new("git", &["-c", "safe.directory=*", "ls-files", "-z"]).read()?;
    let paths: Vec<&str> = list.split_terminator('\0').collect();
    ensure!(!paths.is_empty(), "git tracks no file here");
    Ok(paths.into_iter().filter_map(read).collect())
}

/// Nothing for a file that was deleted and is still in the index.
fn read(path: &str) -> Option<Source> {
    let bytes = fs::read(workspace::root().join(path)).ok()?;
    Some(Source::new(path, &String::from_utf8(bytes).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tracked_files_are_found() {
        let sources = tracked().unwrap();
        let manifest = sources.iter().find(|source| source.path == "Cargo.toml").unwrap();
        assert!(manifest.text.contains("[workspace]"));
        assert!(sources.iter().any(|source| source.is_rust() && !source.lexemes.is_empty()));
    }

    #[test]
    fn a_module_is_a_file_or_a_folder() {
        let holds = |path| Source::new(path, "").is_in("a/src/m");
        assert!(holds("a/src/m.rs") && holds("a/src/m/mod.rs") && holds("a/src/m/b/c.rs"));
        assert!(!holds("a/src/more.rs") && !holds("a/src/n/m.rs"));
    }
}
