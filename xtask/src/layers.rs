//! The dependencies that the crates may have, compared with `cargo metadata`.

use anyhow::{Result, ensure};
use cargo_metadata::DependencyKind;
use xshell::Shell;

use crate::tools::{Outcome, metadata};

/// What each crate may depend on.
const LAYERS: [(&str, &[&str]); 5] = [
    ("ns-sys", &["bitflags", "linux-raw-sys", "rustix"]),
    ("ns-idmap", &["bitflags", "rustix", "thiserror"]),
    ("ns-fs", &["ns-sys", "bitflags", "rustix", "thiserror"]),
    (
        "ns-process",
        &["ns-fs", "ns-idmap", "ns-sys", "bitflags", "libc", "rustix", "thiserror", "tokio"],
    ),
    (TESTBED, &["libc", "rustix"]),
];

/// A dev-dependency of every crate, never a normal one.
const TESTBED: &str = "ns-testbed";

/// These depend on anything; nothing depends on them, except that `fuzz` has a target for `space`.
const TOP: [&str; 5] = ["benches", "fuzz", "ns-oci", "ns-space", "xtask"];

pub(crate) fn run(sh: &Shell) -> Result<Outcome> {
    let mut forbidden = Vec::new();
    for package in &metadata(sh)?.packages {
        let name = package.name.as_str();
        let is_known = TOP.contains(&name) || LAYERS.iter().any(|layer| layer.0 == name);
        ensure!(is_known, "{name} is not in the table of layers");
        for dependency in &package.dependencies {
            let (to, is_member) = (dependency.name.as_str(), dependency.path.is_some());
            if !allows(name, to, dependency.kind, is_member) {
                forbidden.push(format!("{name} -> {to} ({})", dependency.kind));
            }
        }
    }
    ensure!(forbidden.is_empty(), "forbidden dependencies: {}", forbidden.join(", "));
    Ok(Outcome::Passed)
}

/// Whether `from` may depend on `to`, which is a member of this workspace or not.
fn allows(from: &str, to: &str, kind: DependencyKind, is_member: bool) -> bool {
    let for_tests = kind == DependencyKind::Development;
    match LAYERS.iter().find(|layer| layer.0 == from) {
        _ if is_member && TOP.contains(&to) => (from, to) == ("fuzz", "ns-space"),
        None => true,
        Some((_, below)) => below.contains(&to) || for_tests && (!is_member || to == TESTBED),
    }
}

#[cfg(test)]
mod tests {
    use cargo_metadata::DependencyKind::{Build, Development, Normal};

    use super::*;

    #[test]
    fn members_depend_on_lower_layers_only() {
        for kind in [Normal, Build, Development] {
            assert!(allows("ns-fs", "ns-sys", kind, true));
            assert!(!allows("ns-sys", "ns-fs", kind, true));
            assert!(!allows("ns-idmap", "ns-sys", kind, true));
            assert!(!allows("ns-fs", "ns-idmap", kind, true));
        }
    }

    #[test]
    fn other_crates_are_in_the_table_unless_for_tests() {
        for (from, to) in [("ns-sys", "libc"), ("ns-fs", "linux-raw-sys"), ("ns-process", "nix")] {
            assert!(!allows(from, to, Normal, false) && !allows(from, to, Build, false));
            assert!(allows(from, to, Development, false));
        }
    }

    #[test]
    fn nothing_depends_on_the_top_and_only_tests_on_the_test_bed() {
        assert!(TOP.iter().all(|top| !allows("ns-process", top, Development, true)));
        assert!(!allows("xtask", "ns-space", Normal, true));
        assert!(allows("fuzz", "ns-space", Normal, true));
        assert!(!allows("ns-process", TESTBED, Normal, true));
        assert!(allows("ns-process", TESTBED, Development, true));
        assert!(allows("benches", "ns-process", Normal, true));
    }
}
