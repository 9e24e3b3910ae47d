//! The hooks of the runtime-spec: programs of the host that run at certain points.

use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use ns_process::{Builder, Container, Inject, Memory, Stdio, Target};
use oci_spec::runtime::{Hook, Hooks, Spec};

use crate::state::{Record, Status};

/// The point at which hooks run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Point {
    Prestart,
    CreateRuntime,
    CreateContainer,
    StartContainer,
    Poststart,
    Poststop,
}

impl Point {
    fn name(self) -> &'static str {
        match self {
            Self::Prestart => "prestart",
            Self::CreateRuntime => "createRuntime",
            Self::CreateContainer => "createContainer",
            Self::StartContainer => "startContainer",
            Self::Poststart => "poststart",
            Self::Poststop => "poststop",
        }
    }

    /// Those of `create`.
    pub(crate) fn of_create() -> impl Iterator<Item = Self> {
        [Self::Prestart, Self::CreateRuntime, Self::CreateContainer].into_iter()
    }

    fn hooks(self, hooks: &Hooks) -> &[Hook] {
        let list = match self {
            Self::Prestart => hooks.prestart(),
            Self::CreateRuntime => hooks.create_runtime(),
            Self::CreateContainer => hooks.create_container(),
            Self::StartContainer => hooks.start_container(),
            Self::Poststart => hooks.poststart(),
            Self::Poststop => hooks.poststop(),
        };
        list.as_deref().unwrap_or_default()
    }
}

/// Whether there are hooks of a point.
pub(crate) fn are_set(spec: &Spec, point: Point) -> bool {
    spec.hooks().as_ref().is_some_and(|hooks| !point.hooks(hooks).is_empty())
}

/// Runs the hooks of a point in the namespaces of the runtime, until one fails.
pub(crate) fn run(spec: &Spec, point: Point, record: &Record, status: Status) -> Result<()> {
    each(spec, point, record, status, |hook, state| {
        let mut program = Container::new(hook.path());
        // Hooks expect the bundle as their working directory.
        program.workdir(&record.bundle);
        execute(&mut program, hook, state)
    })
}

/// Runs the hooks of a point in the namespaces of the container.
pub(crate) fn run_inside(
    spec: &Spec,
    point: Point,
    record: &Record,
    status: Status,
    target: impl Into<Target> + Copy,
) -> Result<()> {
    each(spec, point, record, status, |hook, state| {
        let mut program = Inject::new(target, hook.path());
        // A child that has not executed yet shares the memory of this process, which then must not be protected.
        program.memory(Memory::Copied);
        if point == Point::StartContainer {
            // The program is a file of the image.
            program.match_privileges();
        }
        execute(&mut program, hook, state)
    })
}

/// Runs all hooks of a point, also after one has failed. Returns the errors.
pub(crate) fn run_all(
    spec: &Spec,
    point: Point,
    record: &Record,
    status: Status,
) -> Vec<anyhow::Error> {
    let mut errors = Vec::new();
    let done = each(spec, point, record, status, |hook, state| {
        let mut program = Container::new(hook.path());
        program.workdir(&record.bundle);
        errors.extend(execute(&mut program, hook, state).err().map(|error| {
            error.context(format!("hooks.{} {}", point.name(), hook.path().display()))
        }));
        Ok(())
    });
    errors.extend(done.err());
    errors
}

fn each(
    spec: &Spec,
    point: Point,
    record: &Record,
    status: Status,
    mut execute: impl FnMut(&Hook, &[u8]) -> Result<()>,
) -> Result<()> {
    let hooks = spec.hooks().as_ref().map_or(&[][..], |hooks| point.hooks(hooks));
    if hooks.is_empty() {
        return Ok(());
    }
    let state = state(record, status)?;
    for (index, hook) in hooks.iter().enumerate() {
        execute(hook, &state).with_context(|| name(point, index, hook))?;
    }
    Ok(())
}

fn name(point: Point, index: usize, hook: &Hook) -> String {
    format!("hooks.{}[{index}] {}", point.name(), hook.path().display())
}

/// The text that a hook reads from its standard input.
fn state(record: &Record, status: Status) -> Result<Vec<u8>> {
    serde_json::to_vec(&record.view_as(status)).context("state")
}

/// Runs a hook with its own environment only, and with the state on standard input.
fn execute<Kind>(program: &mut Builder<Kind>, hook: &Hook, state: &[u8]) -> Result<()> {
    check_path(hook.path())?;
    let mut args = hook.args().iter().flatten();
    if let Some(name) = args.next() {
        program.arg0(name);
    }
    program.args(args).env_clear();
    for variable in hook.env().iter().flatten() {
        let (name, value) = variable
            .split_once('=')
            .with_context(|| format!("env: {variable:?} is not NAME=VALUE"))?;
        program.env(name, value);
    }
    program.stdin(Stdio::bytes(state)).stdout(Stdio::null()).stderr(Stdio::piped());
    let (status, stderr) = run_within(program, hook.timeout())?;
    if !status.success() {
        bail!("{status}: {}", String::from_utf8_lossy(&stderr).trim_end());
    }
    Ok(())
}

/// Runs a program for at most so many seconds. Returns its status and what it wrote to standard error.
fn run_within<Kind>(
    program: &Builder<Kind>,
    seconds: Option<i64>,
) -> Result<(ExitStatus, Vec<u8>)> {
    let limit = seconds.map(|seconds| {
        let limit = u64::try_from(seconds).ok().filter(|seconds| *seconds > 0);
        limit.map(Duration::from_secs).context("timeout: use a positive number")
    });
    let limit = limit.transpose()?;
    // As in `exec`: a file of an image may be a link to /proc/self/exe.
    let process = program.start_parked()?.release()?;
    let Some(limit) = limit else {
        let output = process.wait_with_output()?;
        return Ok((output.status, output.stderr));
    };
    let output = process.wait_with_output_timeout(limit)?;
    ensure!(output.ended_by.is_none(), "it did not end within {} s", limit.as_secs());
    Ok((output.status, output.stderr))
}

fn check_path(path: &Path) -> Result<()> {
    ensure!(path.is_absolute(), "the path of a hook is absolute");
    Ok(())
}

/// An error of a hook of the start, as an error type of the standard library.
#[derive(Debug)]
pub(crate) struct HookFailure(pub(crate) anyhow::Error);

impl std::fmt::Display for HookFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:#}", self.0)
    }
}

impl std::error::Error for HookFailure {}
