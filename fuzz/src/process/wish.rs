//! A process that is really started, in namespaces that every caller of the sandbox may make.
#![allow(unsafe_code, reason = "closures of a program with threads")]

use arbitrary::{Arbitrary, Result, Unstructured};
use ns_process::{
    Container, Error, Init, Memory, Mount, Namespace, NamespaceFlags, Process, Resource, Stdio,
};

use super::surroundings::Surroundings;
use super::way::{Daemon, Way};
use super::work::Work;

/// What is wished for; each part is one that nothing here is in the way of.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a wish of its own")]
pub struct Wish {
    pub(super) namespaces: NamespaceFlags,
    pub(super) way: Way,
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

impl<'a> Arbitrary<'a> for Wish {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let mut namespaces = NamespaceFlags::empty();
        for _ in 0..u.int_in_range(0..=6)? {
            namespaces |= u.choose(&Namespace::ALL)?.flag();
        }
        let way = Way::draw(u, namespaces)?;
        let has = |kind: Namespace| namespaces.contains(kind.flag());
        let mut if_it = |may: bool| Ok::<bool, arbitrary::Error>(may & u.arbitrary::<bool>()?);
        let zero = if_it(has(Namespace::User))?;
        // Without a map nobody may mount.
        let mounts = has(Namespace::Mnt) && (zero || !has(Namespace::User));
        Ok(Self {
            namespaces,
            zero,
            hostname: if_it(has(Namespace::Uts))?,
            loopback: if_it(has(Namespace::Net))?,
            proc: if_it(mounts && has(Namespace::Pid))?,
            tmpfs: if_it(mounts)?,
            workdir: if_it(true)?,
            copied: if_it(true)?,
            no_new_privs: if_it(true)?,
            new_session: if_it(true)?,
            die_with_parent: if_it(way.daemon.is_none())?,
            before_go: if_it(true)?,
            piped: if_it(true)?,
            umask: if u.arbitrary()? { Some(u.int_in_range(0..=0o777)?) } else { None },
            nice: if u.arbitrary()? { Some(u.int_in_range(1..=19)?) } else { None },
            files: if u.arbitrary()? { Some(u.int_in_range(20..=200)?) } else { None },
            way,
        })
    }
}

impl Wish {
    const HOSTNAME: &str = "fuzz";

    /// What does `work`, as wished for.
    pub(super) fn container(&self, work: Work, surroundings: &Surroundings) -> Container {
        let mut container = if self.way.guest.closure { work.closure() } else { work.program() };
        self.give(&mut container);
        self.give_way(&mut container);
        surroundings.give(&self.way, &mut container);
        container
    }

    pub(super) fn start(&self, container: &Container) -> std::result::Result<Process, Error> {
        if self.way.guest.closure {
            // SAFETY: neither closure nor hooks take a lock, or read what another thread changes.
            unsafe { container.start_unchecked() }
        } else {
            container.start()
        }
    }

    fn give_way(&self, container: &mut Container) {
        match self.way.daemon {
            Some(Daemon::OfInit) => container.daemonize(),
            Some(Daemon::OfCaller) => container.daemonize_as_child(),
            None => container,
        };
        if self.way.init {
            container.init(Init::builtin());
        }
    }

    /// All that is wished for of the process itself.
    fn give(&self, container: &mut Container) {
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

/// Lower than that only who is privileged may go.
pub(super) fn own_nice() -> i32 {
    rustix::process::getpriority_process(None).expect("the own one")
}

fn set(
    container: &mut Container,
    wished: bool,
    setter: impl FnOnce(&mut Container) -> &mut Container,
) -> &mut Container {
    if wished { setter(container) } else { container }
}
