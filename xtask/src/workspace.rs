//! What `cargo metadata` knows of this workspace.

use std::path::Path;

use anyhow::Result;
use cargo_metadata::{Metadata, MetadataCommand, Package, TargetKind};

/// The folder that holds the workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
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
