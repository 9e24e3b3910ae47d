//! What `cargo metadata` knows of this workspace.

use std::env;
use std::path::PathBuf;

use anyhow::Result;
use cargo_metadata::{Metadata, MetadataCommand, Package, TargetKind};

/// The folder that holds the workspace, asked of the cargo that runs this: two clones with one
/// target folder share this program, so what it was compiled in may be the other clone.
pub(crate) fn root() -> PathBuf {
    let package = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    package.and_then(|package| Some(package.parent()?.to_owned())).unwrap_or_else(|| ".".into())
}

/// The members and what they declare, without resolving what lies outside.
pub(crate) fn metadata() -> Result<Metadata> {
    let manifest = root().join("Cargo.toml");
    Ok(MetadataCommand::new().manifest_path(manifest).no_deps().exec()?)
}

/// The crates that others use: libraries that are published.
pub(crate) fn libraries(metadata: &Metadata) -> impl Iterator<Item = &Package> {
    metadata.packages.iter().filter(|package| {
        let is_library = package.targets.iter().any(|target| target.kind == [TargetKind::Lib]);
        is_library && is_published(package)
    })
}

/// The names of all examples.
pub(crate) fn examples(metadata: &Metadata) -> Vec<String> {
    let targets = metadata.packages.iter().flat_map(|package| &package.targets);
    let examples = targets.filter(|target| target.kind == [TargetKind::Example]);
    examples.map(|target| target.name.clone()).collect()
}

/// Whether `publish = false` is not in its manifest, which reads as an empty list of registries.
pub(crate) fn is_published(package: &Package) -> bool {
    package.publish.as_ref().is_none_or(|registries| !registries.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_those_for_others() {
        let metadata = metadata().unwrap();
        let names: Vec<_> = libraries(&metadata).map(|package| package.name.as_str()).collect();
        assert!(names.contains(&"ns-sys") && names.contains(&"ns-process"), "{names:?}");
        assert!(!names.contains(&"ns-testbed") && !names.contains(&"xtask"), "{names:?}");
    }
}
