//! The runtimes, and the packages that the cases need.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use crate::tools::{cargo, metadata, succeeds};

/// Commands, and the packages of Debian that have them.
const PACKAGES: [(&str, &str); 12] = [
    ("podman", "podman"),
    ("conmon", "conmon"),
    ("containerd", "containerd"),
    ("ctr", "containerd"),
    ("busybox", "busybox-static"),
    ("jq", "jq"),
    ("newuidmap", "uidmap"),
    ("fuse-overlayfs", "fuse-overlayfs"),
    ("slirp4netns", "slirp4netns"),
    ("ip", "iproute2"),
    ("setpriv", "util-linux"),
    ("catatonit", "catatonit"),
];

/// A runtime and its name in the table.
#[derive(Debug)]
pub(super) struct Runtime {
    pub(super) name: String,
    pub(super) path: PathBuf,
}

impl Runtime {
    pub(super) fn new(path: &Path) -> Self {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        Self { name, path: path.to_owned() }
    }
}

/// Installs the packages of the commands that are missing, and of the compared runtimes.
pub(crate) fn require_packages(sh: &Shell, compared: &[PathBuf]) -> Result<()> {
    let names = compared.iter().filter_map(|path| path.to_str()).filter(|name| !name.contains('/'));
    let all = PACKAGES.into_iter().chain(names.map(|name| (name, name)));
    let missing: Vec<_> = all.filter(|(command, _)| !is_command(sh, command)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<_> = missing.iter().map(|(_, package)| *package).collect();
    println!("installing {}", packages.join(" "));
    let options = ["-qq", "-o", "Dpkg::Use-Pty=0", "--no-install-recommends", "--yes"];
    // The engines are not started as services.
    let install = cmd!(sh, "apt-get install {options...} {packages...}");
    _ = install.env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1").run();
    let left: Vec<_> =
        missing.iter().filter(|(command, _)| !is_command(sh, command)).map(|it| it.1).collect();
    ensure!(left.is_empty(), "missing; install the packages {}", left.join(" "));
    Ok(())
}

fn is_command(sh: &Shell, name: &str) -> bool {
    succeeds(sh, &format!("which {name}"))
}

/// Returns the runtime under test: the given one, or the release build of ns-oci.
pub(crate) fn tested(sh: &Shell, given: Option<&Path>) -> Result<PathBuf> {
    if let Some(given) = given {
        return find(sh, given);
    }
    cargo(sh, "build --quiet --release -p ns-oci")?;
    Ok(metadata(sh)?.target_directory.join("release/ns-oci").into_std_path_buf())
}

/// Returns the absolute path of a runtime.
pub(crate) fn find(sh: &Shell, runtime: &Path) -> Result<PathBuf> {
    let found = cmd!(sh, "which {runtime}").quiet().read();
    let found = found.with_context(|| format!("{}: no such program", runtime.display()))?;
    std::fs::canonicalize(&found).context(found)
}
