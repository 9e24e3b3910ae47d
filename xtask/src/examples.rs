//! Every example is run and prints what it is meant to show.

use anyhow::{Context, Result, ensure};
use cargo_metadata::TargetKind;
use xshell::Shell;

use crate::tools::{Outcome, cargo_cmd, metadata, run_and_read};

/// Package, example, and a text that it must print.
const EXAMPLES: &[(&str, &str, &str)] = &[
    ("ns-sys", "shared_memory_child", "I am process 1 of my pid"),
    ("ns-idmap", "map_current_user", "uid=0(root) gid=0(root)"),
    ("ns-fs", "tiny_root", "pid 2 in /"),
    ("ns-process", "first_container", "status 0"),
    ("ns-process", "closure", "its value is Some(1)"),
    ("ns-process", "build_sandbox", "built by uid 0"),
    ("ns-process", "own_root", "I am process 1"),
    ("ns-process", "inject", "network devices: 1"),
    ("ns-process", "parallel_judge", "job 15: exit code 3\n"),
    ("ns-process", "tokio", "exit codes Some(1) and Some(2)"),
];

/// Examples that need arguments. `tiny_root` runs two of them, and `cargo xtask dist` the third.
const WITH_ARGUMENTS: &[&str] = &["pages", "pre_exec_root", "rootfs"];

pub(crate) fn run(sh: &Shell) -> Result<Outcome> {
    for target in metadata(sh)?.packages.iter().flat_map(|package| &package.targets) {
        let name = target.name.as_str();
        let is_listed =
            WITH_ARGUMENTS.contains(&name) || EXAMPLES.iter().any(|example| example.1 == name);
        let is_example = target.kind == [TargetKind::Example];
        ensure!(is_listed || !is_example, "example {name} is not in the list of xtask");
    }
    for (package, name, shows) in EXAMPLES {
        let run = cargo_cmd(sh, &format!("run --quiet -p {package} --example {name}"));
        let output = run_and_read(run).with_context(|| format!("example {name}"))?;
        ensure!(output.contains(shows), "example {name} did not print {shows:?}");
    }
    Ok(Outcome::Passed)
}
