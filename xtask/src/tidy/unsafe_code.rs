//! Where unsafe code may be.

use super::Finding;
use super::lexeme::{Lexeme, attributes, contains};
use super::source::Source;

/// Modules, each a file or a folder.
const ALLOWED: &[&str] = &[
    "crates/ns-sys/src",
    "crates/ns-process/src/in_child",
    "crates/ns-process/src/builder/child_hooks",
    "crates/ns-process/src/builder/unchecked",
    "crates/ns-process/src/engine",
    "crates/ns-process/src/setns/unchecked",
    "crates/ns-fs/src/apply",
    "crates/space/src/run/group",
    "crates/space/src/run/signals",
    "crates/testbed/src/become_role",
    "crates/testbed/src/clone3",
    "crates/testbed/src/descriptors",
    "crates/testbed/src/fault",
    "crates/testbed/src/forked",
    "crates/testbed/src/observe",
    "crates/testbed/src/seccomp",
    "crates/testbed/src/watched_heap",
    "fuzz/src/fs/descriptors",
    "fuzz/src/fs/fd_real",
    "fuzz/src/idmap/sleeper",
    "fuzz/src/process/faulty",
    "fuzz/src/process/hooks",
    "fuzz/src/process/trace",
    "fuzz/src/process/wish",
    "fuzz/src/soak",
    "fuzz/src/sys/ask",
];

/// Folders of a crate whose code nobody links.
const FREE: [&str; 3] = ["benches", "examples", "tests"];

/// Crate roots that must forbid it.
const FORBIDDEN: [&str; 1] = ["crates/ns-idmap/src/lib.rs"];

pub(super) fn findings(sources: &[Source]) -> Vec<Finding> {
    let allowances = sources.iter().filter(|source| !may_be_unsafe(source)).flat_map(allowances);
    allowances.chain(FORBIDDEN.iter().filter_map(|root| unforbidden(root, sources))).collect()
}

fn may_be_unsafe(source: &Source) -> bool {
    ALLOWED.iter().any(|module| source.is_in(module))
        || source.path.split('/').any(|part| FREE.contains(&part))
}

fn allowances(source: &Source) -> impl Iterator<Item = Finding> {
    let message = "unsafe code is not for this file; the verb `tidy` lists where it is";
    attributes(&source.lexemes)
        .filter(|words| lowers(words))
        .map(move |words| Finding::new(source, words[0].line, message))
}

/// Whether the attribute lowers the level of the lint, at once or behind `cfg_attr`.
fn lowers(words: &[Lexeme]) -> bool {
    contains(words, "unsafe_code")
        && ["allow", "expect", "warn"].iter().any(|level| contains(words, level))
}

fn unforbidden(root: &str, sources: &[Source]) -> Option<Finding> {
    let Some(source) = sources.iter().find(|source| source.path == root) else {
        return Some(Finding { path: root.to_owned(), line: 1, message: "is gone".to_owned() });
    };
    let is_placeholder = source.text.lines().count() <= 1;
    let forbids = attributes(&source.lexemes)
        .any(|words| words[0].text == "forbid" && contains(words, "unsafe_code"));
    (!is_placeholder && !forbids).then(|| Finding::new(source, 1, "lacks #![forbid(unsafe_code)]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOW: &str = "//! Doc.\n#![allow(unsafe_code, reason = \"x\")]";

    fn places(path: &str, text: &str) -> Vec<String> {
        let root = Source::new(FORBIDDEN[0], "//! Doc.\n#![forbid(unsafe_code)]\n");
        let found = findings(&[root, Source::new(path, text)]);
        found.iter().map(|finding| format!("{}:{}", finding.path, finding.line)).collect()
    }

    #[test]
    fn an_allowance_elsewhere_is_found() {
        for text in
            [ALLOW, "\n#[expect(unsafe_code)] mod m {}", "\n#![cfg_attr(x, allow(unsafe_code))]"]
        {
            assert_eq!(
                places("crates/ns-process/src/handle.rs", text),
                ["crates/ns-process/src/handle.rs:2"]
            );
        }
    }

    #[test]
    fn an_allowance_in_its_place_passes() {
        for path in [
            "crates/ns-sys/src/clone/raw.rs",
            "crates/ns-process/src/engine.rs",
            "crates/ns-fs/tests/a.rs",
        ] {
            assert!(places(path, ALLOW).is_empty(), "{path}");
        }
        assert!(places("xtask/src/a.rs", "#![deny(unsafe_code)] // allow").is_empty());
    }

    #[test]
    fn a_root_that_must_forbid_it_does() {
        let found = |text| findings(&[Source::new(FORBIDDEN[0], text)]).len();
        assert_eq!(found("//! Doc.\n#![deny(unsafe_code)]\n"), 1);
        assert_eq!(found("//! Doc.\npub mod a;\n"), 1);
        assert_eq!(found("//! Placeholder.\n"), 0);
        assert_eq!(findings(&[]).len(), 1);
    }
}
