//! `exec`: executes a program in a container.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail, ensure};
use ns_process::{Inject, Memory};
use oci_spec::runtime::{Capabilities, LinuxCapabilities, Process, User};

use super::run::code;
use super::{Context, leave};
use crate::bundle::Bundle;
use crate::cli;
use crate::config::{self, Environment};
use crate::descriptors::Preserved;
use crate::state::{Record, Status, replace};
use crate::{console, foreground};

pub(super) fn run(context: &Context<'_>, args: &cli::Exec) -> Result<ExitCode> {
    let preserved = Preserved::take(args.preserve_fds)?;
    let record = context.store.record(&args.id)?;
    check_status(&record, args)?;
    let bundle = context.store.bundle(&record)?;
    let process = process(args, bundle.process()?)?;
    let mut program = inject(&record, &bundle, &process, args)?;
    preserved.pass(&mut program);
    let socket = args.console_socket.as_deref();
    let terminal = console::set(&mut program, &process, socket, !args.detach)?;
    let listener = config::filter(&mut program, bundle.linux()?)?;
    // The gate is what /proc/self/exe leads to when the program is executed. If this were the runtime, a container could
    // have it executed with the libraries of the container, and overwrite its file.
    let parked = program.start_parked()?;
    if let Some(listener) = listener {
        listener.hand_over(&record, record.status()?, parked.pid())?;
    }
    let start = || {
        let process = parked.release()?;
        if let Some(path) = &args.pid_file {
            replace(path, process.pid().to_string().as_bytes()).context("--pid-file")?;
        }
        Ok(process)
    };
    if args.detach {
        leave(start()?);
        return Ok(ExitCode::SUCCESS);
    }
    Ok(code(foreground::run(start, terminal.as_ref())?))
}

fn check_status(record: &Record, args: &cli::Exec) -> Result<()> {
    let status = record.status()?;
    let is_allowed = match status {
        Status::Running | Status::Created => true,
        Status::Paused => args.ignore_paused,
        Status::Creating | Status::Stopped => false,
    };
    ensure!(is_allowed, "cannot exec in container {}: it is {status}", record.id);
    Ok(())
}

/// The process: that of a file, or the one of the container with the changes of the options.
fn process(args: &cli::Exec, of_container: &Process) -> Result<Process> {
    let mut process = match &args.process {
        Some(path) => read(path)?,
        None => with_arguments(args, of_container)?,
    };
    if args.tty {
        process.set_terminal(Some(true));
    }
    if let Some(cwd) = &args.cwd {
        process.set_cwd(cwd.clone());
    }
    let mut env = process.env().clone().unwrap_or_default();
    env.extend(args.env.iter().cloned());
    process.set_env(Some(env));
    if let Some(user) = &args.user {
        process.set_user(parse_user(user)?);
    }
    if !args.additional_gids.is_empty() {
        process.user_mut().set_additional_gids(Some(args.additional_gids.clone()));
    }
    if args.no_new_privs {
        process.set_no_new_privileges(Some(true));
    }
    if args.apparmor.is_some() {
        process.set_apparmor_profile(args.apparmor.clone());
    }
    if args.process_label.is_some() {
        process.set_selinux_label(args.process_label.clone());
    }
    add_capabilities(&mut process, &args.cap)?;
    Ok(process)
}

fn read(path: &Path) -> Result<Process> {
    let name = || format!("--process {}", path.display());
    let text = fs::read_to_string(path).with_context(name)?;
    serde_json::from_str(&text).with_context(name)
}

fn with_arguments(args: &cli::Exec, of_container: &Process) -> Result<Process> {
    ensure!(!args.args.is_empty(), "the program is missing; see --process too");
    let words = args.args.iter().map(|word| word.to_str().map(ToOwned::to_owned));
    let words = words.collect::<Option<Vec<_>>>().context("an argument is not UTF-8")?;
    let mut process = of_container.clone();
    process.set_args(Some(words)).set_terminal(Some(false));
    Ok(process)
}

/// `UID` or `UID:GID`.
fn parse_user(text: &str) -> Result<User> {
    let (uid, gid) = text.split_once(':').unwrap_or((text, "0"));
    let number = |part: &str| part.parse().with_context(|| format!("--user {text}: not a number"));
    let mut user = User::default();
    user.set_uid(number(uid)?).set_gid(number(gid)?);
    Ok(user)
}

/// Adds capabilities to all sets but the ambient one, as runc does; to that one too if the program
/// does not run as root.
fn add_capabilities(process: &mut Process, names: &[String]) -> Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    let added = names.iter().map(|name| config::capabilities::parse(name));
    let added = added.collect::<Result<Capabilities>>()?;
    let sets = process.capabilities().clone().unwrap_or_default();
    let with = |set: &Option<Capabilities>| -> Option<Capabilities> {
        Some(set.iter().flatten().chain(&added).copied().collect())
    };
    let mut changed = LinuxCapabilities::default();
    changed.set_bounding(with(sets.bounding())).set_permitted(with(sets.permitted()));
    changed.set_effective(with(sets.effective())).set_inheritable(with(sets.inheritable()));
    changed.set_ambient(with(sets.ambient()));
    process.set_capabilities(Some(changed));
    Ok(())
}

fn inject(record: &Record, bundle: &Bundle, process: &Process, args: &cli::Exec) -> Result<Inject> {
    let init = record.init.context("no process")?;
    // The pidfd, because the ID may be reused.
    let pidfd = init.open()?.with_context(|| format!("container {} has stopped", args.id))?;
    let program = process.args().iter().flatten().next().context("`args` is empty")?;
    let mut inject = Inject::new(pidfd, program);
    inject.name(&args.id);
    // A container with CAP_SYS_PTRACE and without a user namespace of its own may trace the process as soon as it has
    // joined: it must not find the memory of the runtime there.
    inject.memory(Memory::Copied);
    config::configure(&mut inject, process, &Environment::of_process(init.pid))?;
    let adjustment = process.oom_score_adj().or(bundle.process()?.oom_score_adj());
    if let Some(adjustment) = adjustment {
        inject.oom_score_adj(adjustment);
    }
    if args.cgroup.is_some() {
        bail!("--cgroup is not supported");
    }
    if let Some(directory) = record.cgroup.directory_to_join(init.pid)? {
        inject.cgroup(directory);
    }
    for tasks in record.cgroup.tasks()? {
        inject.cgroup_tasks(tasks);
    }
    Ok(inject)
}
