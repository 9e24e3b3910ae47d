//! Container engines that run a runtime, in a sandbox: `cargo xtask engines`.

mod case;
mod driver;
mod group;
mod hierarchy;
mod inside;
mod runtime;
mod sandbox;
pub(crate) mod speed;
mod table;
pub(crate) mod terminal;

use std::path::PathBuf;

use anyhow::{Result, bail, ensure};
use clap::Args;
use xshell::Shell;

use crate::tools::Outcome;
pub(crate) use group::Group;
use group::Run;
use hierarchy::Layout;
use runtime::{Runtime, require_packages};
use table::{Row, Table, Verdict};

#[derive(Args)]
pub(crate) struct Options {
    /// Only the cases of this group
    #[arg(long)]
    group: Option<Group>,
    /// The runtime, as a path or a name in PATH; without it, the release build of ns-oci
    #[arg(long)]
    runtime: Option<PathBuf>,
    /// Another runtime; a case may fail if it fails with all of these too
    #[arg(long)]
    compare: Vec<PathBuf>,
    /// Only cases whose name contains this
    #[arg(long)]
    only: Option<String>,
    /// With cgroups of version 2 alone, even if the machine has its controllers in version 1
    #[arg(long)]
    unified: bool,
}

/// The same command inside of the sandbox, with paths that are absolute.
#[derive(Args)]
pub(crate) struct Inside {
    #[arg(long)]
    group: Option<Group>,
    #[arg(long)]
    only: Option<String>,
    #[arg(long)]
    unified: bool,
    #[arg(long)]
    runtime: Vec<PathBuf>,
    directory: PathBuf,
}

/// Runs the cases in a sandbox, as root.
pub(crate) fn run(sh: &Shell, options: &Options) -> Result<Outcome> {
    ensure!(rustix::process::geteuid().is_root(), "container engines need root: run as root");
    require_packages(sh, &options.compare)?;
    let mut args = vec!["engines-inside".to_owned()];
    args.extend(options.group.iter().map(|group| format!("--group={}", group.name())));
    args.extend(options.only.iter().map(|only| format!("--only={only}")));
    args.extend(options.unified.then(|| "--unified".to_owned()));
    let tested = runtime::tested(sh, options.runtime.as_deref())?;
    args.push(format!("--runtime={}", tested.display()));
    for other in &options.compare {
        args.push(format!("--runtime={}", runtime::find(sh, other)?.display()));
    }
    match sandbox::run(&args)? {
        0 => Ok(Outcome::Passed),
        status => bail!("the cases failed with status {status}"),
    }
}

/// Runs the cases as process 1 of the sandbox.
pub(crate) fn run_inside(sh: &Shell, options: &Inside) -> Result<Outcome> {
    let layout = if options.unified { Layout::Unified } else { Layout::Machine };
    inside::prepare(sh, &options.directory, layout)?;
    let runtimes: Vec<_> = options.runtime.iter().map(|path| Runtime::new(path)).collect();
    let names = runtimes.iter().map(|runtime| runtime.name.clone()).collect();
    let mut table = Table { runtimes: names, rows: Vec::new() };
    let all = Group::ALL.into_iter();
    for group in all.filter(|&group| options.group.is_none_or(|only| only == group)) {
        table.rows.extend(run_group(options, group, &runtimes)?);
    }
    println!("\n{table}");
    let failures = table.failures();
    ensure!(failures.is_empty(), "{} cases failed: {}", failures.len(), failures.join("; "));
    Ok(Outcome::Passed)
}

fn run_group(options: &Inside, group: Group, runtimes: &[Runtime]) -> Result<Vec<Row>> {
    let mut cases = group.cases()?;
    cases.retain(|case| options.only.as_ref().is_none_or(|only| case.name.contains(only.as_str())));
    let name = |case: &case::Case| format!("{}: {}", group.name(), case.name);
    let mut rows: Vec<_> =
        cases.iter().map(|case| Row { case: name(case), verdicts: Vec::new() }).collect();
    if cases.is_empty() {
        return Ok(rows);
    }
    for runtime in runtimes {
        let run = Run::prepare(group, &runtime.path, &options.directory)?;
        for (case, row) in cases.iter().zip(&mut rows) {
            let verdict = run.case(case)?;
            println!("{}: {}: {}", runtime.name, row.case, progress(&verdict));
            row.verdicts.push(verdict);
        }
        run.remove()?;
    }
    Ok(rows)
}

fn progress(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Passed => "pass".to_owned(),
        Verdict::Failed(reason) => format!("FAIL {reason}"),
        Verdict::Skipped(reason) => format!("skip {reason}"),
    }
}
