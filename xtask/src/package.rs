//! The crates as they are published, each built from its package.

use std::env;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use cargo_metadata::{Metadata, Package};
use xshell::Shell;

use crate::tools::{Outcome, cargo, cargo_cmd, libraries, metadata};

/// The files of every package besides its code.
const FILES: [&str; 4] = ["CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT", "README.md"];

const BUILT: &str = "target/package";

pub(crate) fn run(sh: &Shell) -> Result<Outcome> {
    let (metadata, mut unpacked) = (metadata(sh)?, Vec::new());
    let findings = findings(sh, &metadata)?;
    ensure!(findings.is_empty(), "{}", findings.join("\n"));
    for krate in libraries(&metadata) {
        let name = &krate.name;
        let list =
            cargo_cmd(sh, &format!("package --quiet --allow-dirty --list -p {name}")).read()?;
        let missing = missing_files(&list);
        ensure!(missing.is_empty(), "the package of {name} lacks {}", missing.join(", "));
        unpacked.push(format!("{name}-{}", krate.version));
    }
    forget(sh, &unpacked)?;
    cargo(sh, &format!("publish --quiet --workspace --dry-run --allow-dirty --target-dir {BUILT}"))
}

/// What the manifests and READMEs of the published crates lack.
fn findings(sh: &Shell, metadata: &Metadata) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for krate in libraries(metadata) {
        let directory = krate.manifest_path.parent().context("no directory")?;
        let readme = sh.read_file(directory.join("README.md"))?;
        let keys = missing_keys(krate).into_iter().map(|key| format!("the key {key}"));
        // A link would list the changes of all crates.
        let is_own = !directory.join("CHANGELOG.md").is_symlink();
        let changelog = (!is_own).then_some("a CHANGELOG.md of its own");
        let lacks =
            keys.chain(missing_line(&readme).into_iter().chain(changelog).map(ToOwned::to_owned));
        findings.extend(lacks.map(|lack| format!("{} lacks {lack}", krate.name)));
    }
    findings.extend(uneven_keys(&libraries(metadata).collect::<Vec<_>>()));
    Ok(findings)
}

/// The files that `list`, the output of `cargo package --list`, lacks.
fn missing_files(list: &str) -> Vec<&'static str> {
    FILES.into_iter().filter(|file| list.lines().all(|line| line != *file)).collect()
}

/// The keys that every published crate has.
fn missing_keys(krate: &Package) -> Vec<&'static str> {
    let documentation = format!("https://docs.rs/{}", krate.name);
    let keys = [
        ("categories", !krate.categories.is_empty()),
        ("description", krate.description.is_some()),
        ("documentation", krate.documentation.as_ref() == Some(&documentation)),
        ("keywords", !krate.keywords.is_empty()),
        ("license", krate.license.is_some()),
        ("readme", krate.readme.as_ref().is_some_and(|readme| readme == "README.md")),
        ("rust-version", krate.rust_version.is_some()),
    ];
    keys.into_iter().filter(|(_, present)| !present).map(|(key, _)| key).collect()
}

/// The line that says what users of the crate can rely on.
fn missing_line(readme: &str) -> Option<&'static str> {
    let is_there = readme.lines().any(|line| line.starts_with("Stability: semantic versioning"));
    (!is_there).then_some("a line on stability in its README")
}

/// The keys that all crates inherit from the workspace, or none.
fn uneven_keys(krates: &[&Package]) -> Vec<String> {
    let key = |name: &str, of: fn(&Package) -> &Option<String>| {
        let is_even = krates.iter().all(|krate| of(krate) == of(krates[0]));
        (!is_even).then(|| format!("the crates differ in the key {name}"))
    };
    let keys =
        [key("repository", |krate| &krate.repository), key("homepage", |krate| &krate.homepage)];
    keys.into_iter().flatten().collect()
}

/// Removes the packages that an earlier run built and unpacked. cargo takes packages of the same
/// version for the same package, and would build against the old one.
fn forget(sh: &Shell, unpacked: &[String]) -> Result<()> {
    sh.remove_path(BUILT)?;
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(env::home_dir()?.join(".cargo"))).context("no CARGO_HOME")?;
    let sources = home.join("registry/src");
    let registries = if sources.exists() { sh.read_dir(sources)? } else { Vec::new() };
    // The directory of an unpublished package begins with a dash, that of a registry with its name.
    let is_local = |path: &&PathBuf| {
        path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"-"))
    };
    for registry in registries.iter().filter(is_local) {
        for package in unpacked {
            sh.remove_path(registry.join(package))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::shell;

    fn a_crate() -> Package {
        let metadata = metadata(&shell().unwrap()).unwrap();
        libraries(&metadata).find(|krate| krate.name.as_str() == "ns-sys").unwrap().clone()
    }

    #[test]
    fn the_crates_lack_nothing() {
        let sh = shell().unwrap();
        assert_eq!(findings(&sh, &metadata(&sh).unwrap()).unwrap(), [""; 0]);
    }

    #[test]
    fn a_missing_key_is_named() {
        type Removal = fn(&mut Package);
        let removals: [(&str, Removal); 7] = [
            ("categories", |krate| krate.categories.clear()),
            ("description", |krate| krate.description = None),
            ("documentation", |krate| krate.documentation = None),
            ("keywords", |krate| krate.keywords.clear()),
            ("license", |krate| krate.license = None),
            ("readme", |krate| krate.readme = None),
            ("rust-version", |krate| krate.rust_version = None),
        ];
        for (key, remove) in removals {
            let mut krate = a_crate();
            remove(&mut krate);
            assert_eq!(missing_keys(&krate), [key]);
        }
        let mut krate = a_crate();
        krate.documentation = Some("https://docs.rs/ns-fs".to_owned());
        assert_eq!(missing_keys(&krate), ["documentation"]);
    }

    #[test]
    fn a_missing_file_is_named() {
        let list = ["CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT", "README.md", "src/lib.rs"];
        assert_eq!(missing_files(&list.join("\n")), [""; 0]);
        for file in FILES {
            let rest: Vec<_> = list.into_iter().filter(|name| *name != file).collect();
            assert_eq!(missing_files(&rest.join("\n")), [file]);
        }
    }

    #[test]
    fn a_readme_without_the_line_is_refused() {
        assert!(missing_line("# ns-sys\n\nSemantic versioning.\n").is_some());
        assert!(missing_line("# ns-sys\n\nStability: semantic versioning. More.\n").is_none());
    }

    #[test]
    fn a_repository_of_one_crate_alone_is_refused() {
        let (mut with, without) = (a_crate(), a_crate());
        with.repository = Some("https://example.org/".to_owned());
        assert_eq!(uneven_keys(&[&without, &without]), [""; 0]);
        let findings = uneven_keys(&[&without, &with]);
        assert_eq!(findings, ["the crates differ in the key repository"]);
    }
}
