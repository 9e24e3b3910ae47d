//! A bundle: the directory of a container, with its config.json.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use oci_spec::runtime::{Linux, Process, Spec};

/// The name of the configuration in a bundle and in the state.
pub(crate) const CONFIG: &str = "config.json";

/// A configuration, and the directory to which its paths are relative.
#[derive(Debug)]
pub(crate) struct Bundle {
    pub(crate) directory: PathBuf,
    pub(crate) spec: Spec,
    /// The text of the configuration, for the state.
    pub(crate) text: String,
}

impl Bundle {
    /// Reads the configuration of a bundle; by default that of the working directory.
    pub(crate) fn read(directory: Option<&Path>) -> Result<Self> {
        let directory = match directory {
            Some(path) => fs::canonicalize(path).with_context(|| path.display().to_string())?,
            None => env::current_dir().context("working directory")?,
        };
        Self::from_file(directory.clone(), &directory.join(CONFIG))
    }

    /// Reads a configuration from a copy outside the bundle.
    pub(crate) fn from_file(directory: PathBuf, file: &Path) -> Result<Self> {
        let name = || file.display().to_string();
        let text = fs::read_to_string(file).with_context(name)?;
        let spec: Spec = serde_json::from_str(&text).with_context(name)?;
        check_version(spec.version()).with_context(name)?;
        Ok(Self { directory, spec, text })
    }

    /// The root directory of the container.
    pub(crate) fn rootfs(&self) -> Result<PathBuf> {
        let root = self.spec.root().as_ref().context("config.json: `root` is missing")?;
        ensure!(!root.path().as_os_str().is_empty(), "config.json: `root.path` is empty");
        let path = self.directory.join(root.path());
        fs::canonicalize(&path).with_context(|| format!("root.path: {}", path.display()))
    }

    /// The process of the container.
    pub(crate) fn process(&self) -> Result<&Process> {
        self.spec.process().as_ref().context("config.json: `process` is missing")
    }

    /// The part for Linux.
    pub(crate) fn linux(&self) -> Result<&Linux> {
        self.spec.linux().as_ref().context("config.json: `linux` is missing")
    }
}

/// Accepts all versions 1.x, as runc does: a later one only adds fields.
fn check_version(version: &str) -> Result<()> {
    let mut parts = version.split('.');
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    match (parts.next(), parts.next(), parts.next()) {
        (Some("1"), Some(minor), Some(patch))
            if is_number(minor) && patch.starts_with(|digit: char| digit.is_ascii_digit()) =>
        {
            Ok(())
        }
        _ => bail!("`ociVersion` is {version:?}: versions 1.x are supported"),
    }
}

#[cfg(test)]
mod tests {
    use super::check_version;

    #[test]
    fn versions_1_are_accepted_and_others_refused() {
        for version in ["1.0.0", "1.0.2-dev", "1.2.1", "1.99.0", "1.0.0-rc1+dev"] {
            check_version(version).expect(version);
        }
        for version in ["", "1", "1.0", "2.0.0", "0.9.0", "1.x.0", "x"] {
            check_version(version).expect_err(version);
        }
    }
}
