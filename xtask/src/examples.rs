//! Every example is run, and prints what it is there to show.

use anyhow::{Context, Result, ensure};

use crate::command::Cmd;
use crate::outcome::Outcome;
use crate::workspace;

/// An example, with what it is started with and a text that it must print.
struct Example {
    package: &'static str,
    name: &'static str,
    shows: &'static str,
}

const EXAMPLES: &[Example] = &[
    Example { package: "ns-sys", name: "shared_memory_child", shows: "I am process 1 of my pid" },
    Example { package: "ns-idmap", name: "map_current_user", shows: "uid=0(root) gid=0(root)" },
    Example { package: "ns-fs", name: "tiny_root", shows: "pid 2 in /" },
    Example { package: "ns-process", name: "first_container", shows: "status 0" },
    Example { package: "ns-process", name: "closure", shows: "its value is Some(1)" },
    Example { package: "ns-process", name: "build_sandbox", shows: "built by uid 0" },
    Example { package: "ns-process", name: "own_root", shows: "I am process 1" },
    Example { package: "ns-process", name: "inject", shows: "network devices: 1" },
    Example { package: "ns-process", name: "parallel_judge", shows: "job 15: exit code 3\n" },
    Example { package: "ns-process", name: "tokio", shows: "exit codes Some(1) and Some(2)" },
];

/// Examples that need arguments of the reader's own; that they compile is shown by clippy.
const WITH_ARGUMENTS: &[&str] = &["pages", "pre_exec_root"];

pub(crate) fn run() -> Result<Outcome> {
    let known = |name: &str| {
        WITH_ARGUMENTS.contains(&name) || EXAMPLES.iter().any(|example| example.name == name)
    };
    for target in workspace::examples(&workspace::metadata()?) {
        ensure!(known(&target), "example {target} is not in the table of this verb");
    }
    EXAMPLES.iter().try_for_each(Example::run)?;
    Ok(Outcome::Passed)
}

impl Example {
    fn run(&self) -> Result<()> {
        let Self { package, name, shows } = self;
        let command = Cmd::cargo(&format!("run --quiet -p {package} --example {name}"));
        let output = command.run_and_read().with_context(|| format!("example {name}"))?;
        ensure!(output.contains(shows), "example {name} did not print {shows:?}");
        Ok(())
    }
}
