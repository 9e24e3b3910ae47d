//! The targets, as their manifest and their entries tell.

use std::fs;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use cargo_metadata::TargetKind;

use crate::workspace;

/// One target.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) name: String,
    /// Whether it enters namespaces first.
    pub(super) asks_kernel: bool,
}

/// All whose name is `chosen` or begins with that layer.
pub(super) fn chosen(chosen: &str) -> Result<Vec<Target>> {
    let mut targets = all()?;
    let layer = format!("{chosen}_");
    targets.retain(|Target { name, .. }| {
        chosen.is_empty() || name == chosen || name.starts_with(&layer)
    });
    ensure!(!targets.is_empty(), "no target and no layer is called {chosen:?}");
    Ok(targets)
}

fn all() -> Result<Vec<Target>> {
    let metadata = workspace::metadata()?;
    let bins = metadata.packages.iter().filter(|package| package.name == "fuzz");
    let bins = bins.flat_map(|package| &package.targets);
    let shims =
        bins.filter(|bin| bin.kind == [TargetKind::Bin] && !bin.required_features.is_empty());
    shims
        .map(|shim| {
            let asks_kernel = fs::read_to_string(&shim.src_path)?.contains("sandbox::enter");
            Ok(Target { name: shim.name.clone(), asks_kernel })
        })
        .collect()
}

impl Target {
    /// The part of the name before the operation.
    pub(super) fn layer(&self) -> &str {
        self.name.split('_').next().unwrap_or_default()
    }

    /// The inputs that are checked in.
    pub(super) fn corpus(&self) -> PathBuf {
        folder().join("corpus").join(&self.name)
    }

    /// The option that names its words, if its input is text.
    pub(super) fn dictionary(&self) -> Option<String> {
        let path = folder().join("dictionaries").join(&self.name).with_extension("dict");
        path.exists().then(|| format!("-dict={}", path.display()))
    }
}

fn folder() -> PathBuf {
    workspace::root().join("fuzz")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(word: &str) -> Vec<String> {
        chosen(word).unwrap().into_iter().map(|target| target.name).collect()
    }

    #[test]
    fn a_layer_is_its_targets() {
        let idmap = names("idmap");
        assert!(
            idmap.len() >= 5 && idmap.iter().all(|name| name.starts_with("idmap_")),
            "{idmap:?}"
        );
        assert_eq!(names("idmap_parse"), ["idmap_parse"]);
        assert!(names("").len() > idmap.len());
        assert!(chosen("idma").is_err());
    }

    #[test]
    fn programs_of_the_package_are_none() {
        assert!(!names("").contains(&"replay".to_owned()));
    }

    #[test]
    fn who_asks_the_kernel_is_known() {
        let asks = |name| chosen(name).unwrap()[0].asks_kernel;
        assert!(asks("idmap_kernel") && !asks("idmap_parse"));
    }
}
