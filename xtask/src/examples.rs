//! Every example is run and prints what it is meant to show.

use anyhow::{Context, Result, ensure};
use cargo_metadata::TargetKind;
use xshell::Shell;

use crate::tools::{FEATURES, Outcome, cargo, metadata, run_and_read};

/// An example, and a text that it must print.
const EXAMPLES: &[(&str, &str)] = &[
    ("lsns", "user "),
    ("shared_memory_child", "I am process 1 of my pid"),
    ("map_current_user", "uid=0(root) gid=0(root)"),
    ("rootless_maps", "inside 1 is Some(100000) outside, 70000 is None"),
    ("tiny_root", "pid 2 in /"),
    ("sandbox", "tmp\nusr\nvar\nread-only\n"),
    ("first_container", "status 0"),
    ("closure", "its value is Some(1)"),
    ("build_sandbox", "built by uid 0\n/usr is read-only\n"),
    ("own_root", "I am process 1"),
    ("rootless_overlay", "uid 0 on overlayfs, host box"),
    ("inject", "network devices: 1"),
    ("net_socket", "a client inside says: hello"),
    ("parallel_judge", "RuntimeError: exit 3\n"),
    ("create_and_start", "process 1 started\n"),
    ("epoll", "slow\nfast\n"),
    ("tokio", "gave up after 3 starts"),
];

/// Examples that need arguments. `tiny_root` runs two of them, and `cargo xtask dist` the third.
const WITH_ARGUMENTS: &[&str] = &["pages", "pre_exec_root", "rootfs"];

pub(crate) fn run(sh: &Shell) -> Result<Outcome> {
    let metadata = metadata(sh)?;
    for target in metadata.packages.iter().flat_map(|package| &package.targets) {
        let name = target.name.as_str();
        let is_listed =
            WITH_ARGUMENTS.contains(&name) || EXAMPLES.iter().any(|example| example.0 == name);
        let is_example = target.kind == [TargetKind::Example];
        ensure!(is_listed || !is_example, "example {name} is not in the list of xtask");
    }
    // With the features of the tests, so that nothing is compiled again.
    cargo(sh, &format!("build --workspace --exclude xtask --examples {FEATURES}"))?;
    for (name, shows) in EXAMPLES {
        let program = metadata.target_directory.join("debug/examples").join(name);
        let output = run_and_read(sh.cmd(program)).with_context(|| format!("example {name}"))?;
        ensure!(output.contains(shows), "example {name} did not print {shows:?}");
    }
    Ok(Outcome::Passed)
}
