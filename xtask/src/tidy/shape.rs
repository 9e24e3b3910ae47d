//! What lies at the top, and what each crate and file looks like.

use std::collections::BTreeSet;

use super::Finding;
use super::source::Source;

/// Besides dot-files and licenses.
const TOP: [&str; 10] = [
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "README.md",
    "benches",
    "clippy.toml",
    "crates",
    "fuzz",
    "rustfmt.toml",
    "xtask",
];

const MAX_LINES: usize = 300;

/// Files that may be longer, and why.
const LONG: [(&str, &str); 1] = [(
    "crates/ns-process/src/in_child/steps.rs",
    "the list of child steps: reading it from top to bottom is the proof of their order",
)];

pub(super) fn findings(sources: &[Source]) -> Vec<Finding> {
    [strangers(sources), long_files(sources), crates_without_readme(sources)].concat()
}

fn strangers(sources: &[Source]) -> Vec<Finding> {
    let mut seen = BTreeSet::new();
    let strangers = sources.iter().filter(|source| {
        let top = source.path.split('/').next().unwrap_or_default();
        let known = TOP.contains(&top) || top.starts_with('.') || top.starts_with("LICENSE-");
        !known && seen.insert(top)
    });
    strangers.map(|source| Finding::new(source, 1, "has no place at the top level")).collect()
}

fn long_files(sources: &[Source]) -> Vec<Finding> {
    let long = sources.iter().filter(|source| has_a_limit(source)).filter_map(|source| {
        let lines = source.text.lines().count();
        let message = format!("{lines} lines, {MAX_LINES} are enough");
        (lines > MAX_LINES).then(|| Finding::new(source, MAX_LINES + 1, message))
    });
    long.collect()
}

fn has_a_limit(source: &Source) -> bool {
    let in_src = source.path.starts_with("crates/") || source.path.starts_with("xtask/");
    in_src
        && source.is_rust()
        && source.path.contains("/src/")
        && !LONG.iter().any(|(path, _reason)| source.path == *path)
}

fn crates_without_readme(sources: &[Source]) -> Vec<Finding> {
    let has = |path: &str| sources.iter().any(|source| source.path == path);
    let manifests = sources.iter().filter_map(|source| {
        let krate = source.path.strip_suffix("/Cargo.toml")?;
        Some((krate, source)).filter(|(krate, _)| krate.starts_with("crates/"))
    });
    let bare = manifests.filter(|(krate, _)| !has(&format!("{krate}/README.md")));
    bare.map(|(_, manifest)| Finding::new(manifest, 1, "its crate has no README.md")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::places;
    use super::*;

    #[test]
    fn a_stranger_at_the_top_is_found_once() {
        assert_eq!(places(findings, "notes.txt", ""), ["notes.txt:1"]);
        let two = findings(&[Source::new("scripts/a", ""), Source::new("scripts/b", "")]);
        assert_eq!(two.len(), 1);
        for path in ["README.md", "LICENSE-MIT", ".ci/run", "xtask/Cargo.toml"] {
            assert!(places(findings, path, "").is_empty(), "{path}");
        }
    }

    #[test]
    fn a_long_file_is_found() {
        let long = "\n".repeat(MAX_LINES + 1);
        assert_eq!(
            places(findings, "crates/ns-sys/src/a.rs", &long),
            ["crates/ns-sys/src/a.rs:301"]
        );
        assert!(places(findings, "crates/ns-sys/src/a.rs", &long[1..]).is_empty());
        assert!(places(findings, "crates/ns-sys/tests/a.rs", &long).is_empty());
        assert!(places(findings, LONG[0].0, &long).is_empty());
    }

    #[test]
    fn a_crate_without_readme_is_found() {
        let manifest = || Source::new("crates/a/Cargo.toml", "");
        assert_eq!(findings(&[manifest()]).len(), 1);
        assert!(findings(&[manifest(), Source::new("crates/a/README.md", "")]).is_empty());
    }
}
