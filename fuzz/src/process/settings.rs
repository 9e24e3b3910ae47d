//! The settings of a process that is really started. Root in the sandbox may use all of them.
#![allow(unsafe_code, reason = "closures of a process with threads")]

use arbitrary::{Arbitrary, Result, Unstructured};
use ns_process::{
    Container, Error, Init, Memory, Mount, Namespace, NamespaceFlags, Process, Resource, Stdio,
};

use super::fixture::Fixture;
use super::mode::{Daemon, StartMode};
use super::payload::Payload;

/// The settings. Any combination of them that is made here is valid.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct Settings {
    pub(super) namespaces: NamespaceFlags,
    pub(super) mode: StartMode,
    pub(super) zero: bool,
    pub(super) hostname: bool,
    pub(super) loopback: bool,
    pub(super) proc: bool,
    pub(super) tmpfs: bool,
    pub(super) workdir: bool,
    pub(super) copied: bool,
    pub(super) no_new_privs: bool,
    pub(super) new_session: bool,
    pub(super) die_with_parent: bool,
    pub(super) before_go: bool,
    pub(super) piped: bool,
    pub(super) umask: Option<u32>,
    pub(super) nice: Option<i32>,
    pub(super) files: Option<u64>,
}

impl<'a> Arbitrary<'a> for Settings {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let mut namespaces = NamespaceFlags::empty();
        for _ in 0..u.int_in_range(0..=6)? {
            namespaces |= u.choose(&Namespace::ALL)?.flag();
        }
        let mode = StartMode::draw(u, namespaces)?;
        let has = |kind: Namespace| namespaces.contains(kind.flag());
        let mut draw_if = |may: bool| Ok::<bool, arbitrary::Error>(may & u.arbitrary::<bool>()?);
        let zero = draw_if(has(Namespace::User))?;
        // Mounts in a new user namespace need a map.
        let mounts = has(Namespace::Mnt) && (zero || !has(Namespace::User));
        Ok(Self {
            namespaces,
            zero,
            hostname: draw_if(has(Namespace::Uts))?,
            loopback: draw_if(has(Namespace::Net))?,
            proc: draw_if(mounts && has(Namespace::Pid))?,
            tmpfs: draw_if(mounts)?,
            workdir: draw_if(true)?,
            copied: draw_if(true)?,
            no_new_privs: draw_if(true)?,
            new_session: draw_if(true)?,
            die_with_parent: draw_if(mode.daemon.is_none())?,
            before_go: draw_if(true)?,
            piped: draw_if(true)?,
            umask: if u.arbitrary()? { Some(u.int_in_range(0..=0o777)?) } else { None },
            nice: if u.arbitrary()? { Some(u.int_in_range(1..=19)?) } else { None },
            files: if u.arbitrary()? { Some(u.int_in_range(20..=200)?) } else { None },
            mode,
        })
    }
}

impl Settings {
    const HOSTNAME: &str = "fuzz";

    /// Returns a container with these settings that runs `payload`.
    pub(super) fn container(&self, payload: Payload, fixture: &Fixture) -> Container {
        let mut container =
            if self.mode.child_code.closure { payload.closure() } else { payload.program() };
        self.apply(&mut container);
        self.apply_mode(&mut container);
        fixture.apply(&self.mode, &mut container);
        container
    }

    pub(super) fn start(&self, container: &Container) -> std::result::Result<Process, Error> {
        if self.mode.child_code.closure {
            // SAFETY: the closure and the hooks take no lock, and read no state that another thread may change.
            unsafe { container.start_unchecked() }
        } else {
            container.start()
        }
    }

    fn apply_mode(&self, container: &mut Container) {
        match self.mode.daemon {
            Some(Daemon::OfInit) => container.daemonize(),
            Some(Daemon::OfCaller) => container.daemonize_as_child(),
            None => container,
        };
        if self.mode.init {
            container.init(Init::builtin());
        }
    }

    /// Applies the settings of the process itself.
    fn apply(&self, container: &mut Container) {
        container.namespaces(self.namespaces.kinds()).new_session(self.new_session);
        container.stdin(if self.piped { Stdio::piped() } else { Stdio::null() });
        let container = set(container, self.zero, Container::map_zero);
        let container = set(container, self.hostname, |c| c.hostname(Self::HOSTNAME));
        let container = set(container, self.loopback, Container::loopback);
        let container = set(container, self.proc, Container::mount_proc);
        let container = set(container, self.tmpfs, |c| c.mount(Mount::tmpfs("/tmp")));
        let container = set(container, self.workdir, |c| c.workdir("/usr"));
        let container = set(container, self.copied, |c| c.memory(Memory::Copied));
        let container = set(container, self.no_new_privs, Container::no_new_privs);
        let container = set(container, self.die_with_parent, Container::die_with_parent);
        let container = set(container, self.before_go, |c| c.before_go(|_| ()));
        if let Some(mask) = self.umask {
            container.umask(mask);
        }
        if let Some(nice) = self.nice {
            container.nice(nice.max(own_nice()));
        }
        if let Some(files) = self.files {
            container.rlimit(Resource::Nofile, files, files);
        }
    }
}

/// Returns the nice value of the caller. An unprivileged process cannot have a lower one.
pub(super) fn own_nice() -> i32 {
    rustix::process::getpriority_process(None).expect("getpriority")
}

fn set(
    container: &mut Container,
    enabled: bool,
    setter: impl FnOnce(&mut Container) -> &mut Container,
) -> &mut Container {
    if enabled { setter(container) } else { container }
}
