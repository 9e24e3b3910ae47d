//! The allowed edges between the crates, and to other people's, held against `cargo metadata`.

use anyhow::{Result, bail};
use cargo_metadata::{Dependency, DependencyKind, Metadata, Package};

use crate::outcome::Outcome;
use crate::workspace;

/// A crate, the crates of this workspace it may stand on, and the crates of others.
struct Layer {
    name: &'static str,
    below: &'static [&'static str],
    others: &'static [&'static str],
}

const LAYERS: &[Layer] = &[
    Layer { name: "ns-sys", below: &[], others: &["bitflags", "linux-raw-sys", "rustix"] },
    Layer { name: "ns-idmap", below: &[], others: &["bitflags", "rustix", "thiserror"] },
    Layer { name: "ns-fs", below: &["ns-sys"], others: &["bitflags", "rustix", "thiserror"] },
    Layer {
        name: "ns-process",
        below: &["ns-fs", "ns-idmap", "ns-sys"],
        others: &["bitflags", "libc", "rustix", "thiserror"],
    },
    Layer { name: TESTBED, below: &[], others: &["libc", "rustix"] },
];

/// Only for tests: a dev-dependency of every crate, and nothing else of any.
const TESTBED: &str = "ns-testbed";

/// They may see everything; nothing sees them, but for [`TRIED`].
const TOP: [&str; 4] = ["benches", "fuzz", "space", "xtask"];

/// The command line has a target of its own.
const TRIED: (&str, &str) = ("fuzz", "space");

pub(crate) fn run() -> Result<Outcome> {
    let bad = bad_edges(&workspace::metadata()?);
    for edge in &bad {
        eprintln!("{edge}");
    }
    if !bad.is_empty() {
        bail!("{} edges that architecture forbids", bad.len());
    }
    Ok(Outcome::Passed)
}

fn bad_edges(metadata: &Metadata) -> Vec<String> {
    let members: Vec<&str> = metadata.packages.iter().map(|member| member.name.as_str()).collect();
    metadata.packages.iter().flat_map(|package| bad_edges_of(package, &members)).collect()
}

fn bad_edges_of(package: &Package, members: &[&str]) -> Vec<String> {
    let name = package.name.as_str();
    let layer = LAYERS.iter().find(|layer| layer.name == name);
    if layer.is_none() && !TOP.contains(&name) {
        return vec![format!("{name}: no row in the table of layers says what it may stand on")];
    }
    let edges = package.dependencies.iter().filter(|edge| (name, edge.name.as_str()) != TRIED);
    let forbidden = edges.filter_map(|edge| {
        let why = forbidden(layer, edge, members)?;
        let (kind, to) = (kind(edge), &edge.name);
        Some(format!("{}: {name} -> {to} ({kind}): {why}", package.manifest_path))
    });
    forbidden.collect()
}

/// Why the edge is not allowed; no layer means one of [`TOP`].
fn forbidden(layer: Option<&Layer>, edge: &Dependency, members: &[&str]) -> Option<&'static str> {
    let to = edge.name.as_str();
    let for_tests = edge.kind == DependencyKind::Development;
    let in_workspace = edge.path.is_some() || members.contains(&to);
    match layer {
        _ if TOP.contains(&to) && in_workspace => Some("nothing stands on it"),
        None => None,
        _ if to == TESTBED => (!for_tests).then_some("only tests stand on it"),
        Some(layer) if in_workspace => {
            (!layer.below.contains(&to)).then_some("not on a floor below")
        }
        Some(layer) => (!for_tests && !layer.others.contains(&to)).then_some("not in its list"),
    }
}

fn kind(edge: &Dependency) -> &'static str {
    match edge.kind {
        DependencyKind::Development => "dev",
        DependencyKind::Build => "build",
        _ => "normal",
    }
}

#[cfg(test)]
mod tests {
    use cargo_metadata::PackageName;

    use super::*;

    /// This workspace with one more edge, taken from a real one and changed.
    fn with_edge(from: &str, to: &str, kind: DependencyKind, inside: bool) -> Vec<String> {
        let mut metadata = workspace::metadata().unwrap();
        let sys = metadata.packages.iter().find(|package| package.name.as_str() == "ns-sys");
        let mut edge = sys.unwrap().dependencies[0].clone();
        edge.name = to.to_owned();
        edge.kind = kind;
        edge.path = inside.then(|| format!("/{to}").into());
        let package = metadata.packages.iter_mut().find(|package| package.name.as_str() == from);
        package.unwrap().dependencies.push(edge);
        bad_edges(&metadata)
    }

    #[test]
    fn this_workspace_keeps_its_layers() {
        assert_eq!(bad_edges(&workspace::metadata().unwrap()), Vec::<String>::new());
    }

    #[test]
    fn an_edge_upwards_or_sideways_is_named() {
        for (from, to) in [("ns-sys", "ns-fs"), ("ns-idmap", "ns-sys"), ("ns-fs", "ns-idmap")] {
            for kind in [DependencyKind::Normal, DependencyKind::Build, DependencyKind::Development]
            {
                let bad = with_edge(from, to, kind, true);
                assert_eq!(bad.len(), 1, "{bad:?}");
                assert!(bad[0].contains(&format!("{from} -> {to}")), "{bad:?}");
            }
        }
    }

    #[test]
    fn an_edge_to_a_stranger_is_named() {
        for (from, to) in [("ns-sys", "libc"), ("ns-fs", "linux-raw-sys"), ("ns-process", "nix")] {
            assert_eq!(with_edge(from, to, DependencyKind::Normal, false).len(), 1);
            assert_eq!(with_edge(from, to, DependencyKind::Build, false).len(), 1);
            assert!(with_edge(from, to, DependencyKind::Development, false).is_empty());
        }
    }

    #[test]
    fn nobody_sees_the_top_and_only_tests_see_the_test_bed() {
        for top in TOP {
            assert_eq!(with_edge("ns-process", top, DependencyKind::Development, true).len(), 1);
        }
        assert_eq!(with_edge("ns-process", TESTBED, DependencyKind::Normal, true).len(), 1);
        assert!(with_edge("ns-process", TESTBED, DependencyKind::Development, true).is_empty());
    }

    #[test]
    fn the_top_sees_everything_else() {
        for to in ["ns-sys", "ns-process", TESTBED] {
            assert!(with_edge("xtask", to, DependencyKind::Normal, true).is_empty());
        }
        assert_eq!(with_edge("xtask", "space", DependencyKind::Normal, true).len(), 1);
    }

    #[test]
    fn a_crate_without_a_row_is_named() {
        let mut metadata = workspace::metadata().unwrap();
        let sys = metadata.packages.iter_mut().find(|package| package.name.as_str() == "ns-sys");
        sys.unwrap().name = PackageName::new("ns-new".to_owned());
        assert!(bad_edges(&metadata).iter().any(|bad| bad.starts_with("ns-new: no row")));
    }
}
