//! `create`: does everything but execute the program.

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use ns_process::{Container, Parked, WaitingChild};
use oci_spec::runtime::{Linux, LinuxResources};

use super::{Context, delete};
use crate::bundle::Bundle;
use crate::cgroup::Cgroup;
use crate::cli;
use crate::descriptors::Preserved;
use crate::hooks::{self, HookFailure, Point};
use crate::init::Init;
use crate::state::{Entry, Record, Status, replace};
use crate::{caller, config, console};

/// A created container, whose first process waits.
pub(super) struct Created {
    pub(super) creation: Arc<Creation>,
    pub(super) parked: Parked,
    /// Receives the terminal of a program in the foreground.
    pub(super) terminal: Option<UnixStream>,
}

/// A container that is being created.
pub(super) struct Creation {
    pub(super) entry: Entry,
    bundle: Bundle,
    /// Changed by the hooks of the start.
    record: Mutex<Record>,
}

pub(super) fn run(context: &Context<'_>, args: &cli::Create) -> Result<()> {
    let created = create(context, args, false)?;
    // From here on the process waits for `start`.
    created.parked.detach()?;
    Ok(())
}

/// Creates a container. After an error nothing of it is left.
pub(super) fn create(
    context: &Context<'_>,
    args: &cli::Create,
    is_foreground: bool,
) -> Result<Created> {
    let preserved = Preserved::take(args.preserve_fds)?;
    let bundle = Bundle::read(args.bundle.as_deref())?;
    let cgroup = plan_cgroup(context, &bundle, &args.id)?;
    let record = Mutex::new(Record::new(&args.id, &bundle, cgroup)?);
    let entry = context.store.create(&args.id)?;
    let creation = Arc::new(Creation { entry, bundle, record });
    match park(&creation, args, preserved, is_foreground) {
        Ok((parked, terminal)) => Ok(Created { creation, parked, terminal }),
        Err(error) => {
            // The first error is the one to report; `delete --force` removes what this leaves.
            let _ = delete::delete(context, &creation.entry, &creation.record());
            Err(error)
        }
    }
}

fn plan_cgroup(context: &Context<'_>, bundle: &Bundle, id: &str) -> Result<Cgroup> {
    let path = bundle.linux()?.cgroups_path().as_deref();
    let cgroup = Cgroup::plan(path, id, caller::is_rootless()).context("linux.cgroupsPath")?;
    Ok(if context.has_cgroups { cgroup } else { cgroup.without_directories() })
}

/// Starts the first process, which waits. Each thing is recorded before it is made.
fn park(
    creation: &Arc<Creation>,
    args: &cli::Create,
    preserved: Preserved,
    is_foreground: bool,
) -> Result<(Parked, Option<UnixStream>)> {
    creation.entry.store_config(&creation.bundle)?;
    let cgroup = creation.store(|_| {})?;
    cgroup
        .create(Some(&resources(creation.bundle.linux()?, &cgroup)))
        .context("linux.resources")?;
    if let Some((uid, gid)) = config::cgroup_owner(&creation.bundle)? {
        cgroup.give(uid, gid)?;
    }
    let mut container = container(creation, args, &cgroup)?;
    preserved.pass(&mut container);
    let process = creation.bundle.process()?;
    let terminal =
        console::set(&mut container, process, args.console_socket.as_deref(), is_foreground)?;
    if process.terminal() == Some(true) {
        container.mount_console();
    }
    let listener = config::filter(&mut container, creation.bundle.linux()?)?;
    let parked = container.start_parked()?;
    drop(container);
    if let Some(listener) = listener {
        listener.hand_over(&creation.record(), Status::Creating, parked.pid())?;
    }
    // A missing program is an error of `create`.
    parked.lookup()?;
    if let Some(path) = &args.pid_file {
        replace(path, parked.pid().to_string().as_bytes()).context("--pid-file")?;
    }
    creation.store(|record| record.is_created = true)?;
    Ok((parked, terminal))
}

/// Whether the kernel has keyrings(7).
fn has_keyrings() -> bool {
    Path::new("/proc/keys").exists()
}

/// The limits, with the rules for the devices that every container may access. Without a cgroup there are no rules.
fn resources(linux: &Linux, cgroup: &Cgroup) -> LinuxResources {
    let mut resources = linux.resources().clone().unwrap_or_default();
    let rules = (!cgroup.is_none()).then(|| config::devices::rules(resources.devices().as_ref()));
    resources.set_devices(rules);
    resources
}

fn container(creation: &Arc<Creation>, args: &cli::Create, cgroup: &Cgroup) -> Result<Container> {
    let bundle = &creation.bundle;
    let mut container = config::container(bundle, cgroup, args.no_pivot)?;
    container.name(&args.id);
    if !args.no_new_keyring && has_keyrings() {
        // Without a name, which another user could have taken.
        container.new_session_keyring(None);
    }
    if let Some(directory) = cgroup.directory()? {
        container.cgroup(directory);
    }
    for tasks in cgroup.tasks()? {
        container.cgroup_tasks(tasks);
    }
    container.park_at(creation.entry.listen()?);
    let own = Arc::clone(creation);
    container.before_go(move |child| own.before_go(child).map_err(HookFailure));
    if Point::of_create().any(|point| hooks::are_set(&bundle.spec, point)) {
        let own = Arc::clone(creation);
        container.before_pivot(move |child| own.before_pivot(child).map_err(HookFailure));
    }
    Ok(container)
}

impl Creation {
    pub(super) fn record(&self) -> Record {
        self.record.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Runs when the namespaces of the process exist, and it waits.
    fn before_go(&self, child: &WaitingChild<'_>) -> Result<()> {
        let init = Init::of(child.pid())?;
        self.store(|record| record.init = Some(init)).map(drop)
    }

    /// Runs when the mounts are made, and the root has not changed yet.
    fn before_pivot(&self, child: &WaitingChild<'_>) -> Result<()> {
        let (spec, record) = (&self.bundle.spec, self.record());
        hooks::run(spec, Point::Prestart, &record, Status::Creating)?;
        hooks::run(spec, Point::CreateRuntime, &record, Status::Creating)?;
        hooks::run_inside(spec, Point::CreateContainer, &record, Status::Creating, child)
    }

    /// Changes the record and stores it. Returns its cgroup.
    fn store(&self, change: impl FnOnce(&mut Record)) -> Result<Cgroup> {
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut record);
        self.entry.store(&record)?;
        Ok(record.cgroup.clone())
    }
}
