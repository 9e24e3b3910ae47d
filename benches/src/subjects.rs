//! The measured builders of `ns-process`.

use ns_process::Namespace::{self, Ipc, Mnt, Net, Pid, User, Uts};
use ns_process::{Builder, CapabilitySet, Container, Inject, Process, Stdio};

use crate::{TINY, TINY_ROOT};

/// The namespaces of most rows.
pub const FIVE: [Namespace; 5] = [User, Mnt, Pid, Uts, Ipc];

/// [`FIVE`] without mnt, because the kernel takes long to free a mount namespace.
pub const FOUR: [Namespace; 4] = [User, Pid, Uts, Ipc];

/// [`FIVE`] and net, the namespace that takes longest to create.
pub const WITH_NET: [Namespace; 6] = [User, Mnt, Pid, Uts, Ipc, Net];

/// All but time, which cannot be joined in shared memory.
pub const SEVEN: [Namespace; 7] = [User, Mnt, Pid, Uts, Ipc, Net, Namespace::Cgroup];

/// [`SEVEN`] without pid: these can be joined without an intermediate process.
pub const SIX: [Namespace; 6] = [User, Mnt, Uts, Ipc, Net, Namespace::Cgroup];

/// Starts `tiny` without new namespaces.
pub fn plain() -> Container {
    Container::new(TINY)
}

/// Like [`plain`], but with the protection of the caller's memory that an inject needs, because the child drops a
/// capability that the caller may have.
pub fn guarded() -> Container {
    let mut guarded = plain();
    guarded.drop_capabilities(CapabilitySet::WAKE_ALARM);
    guarded
}

/// Starts `tiny` in new namespaces, with the caller's IDs mapped to 0.
pub fn new(namespaces: &[Namespace]) -> Container {
    let mut container = plain();
    container.namespaces(namespaces.iter().copied()).map_zero();
    container
}

/// Starts `tiny` in [`FIVE`] with its directory as the root, by chroot(2).
pub fn by_chroot() -> Container {
    let mut container = in_root();
    container.by_chroot();
    container
}

/// Starts `tiny` in [`FIVE`] with its directory as a read-only root, by pivot_root(2).
pub fn by_pivot() -> Container {
    let mut container = in_root();
    container.read_only_root();
    container
}

/// The default container of the crate hakoniwa.
pub fn with_proc() -> Container {
    let mut container = by_pivot();
    container.mount_proc();
    container
}

fn in_root() -> Container {
    let mut container = Container::new("/tiny");
    container.namespaces(FIVE).map_zero().rootdir(TINY_ROOT);
    container
}

/// Starts a process that sleeps in new namespaces of the kinds [`SEVEN`].
///
/// # Panics
/// If the process cannot be started.
pub fn target() -> Process {
    let mut container = Container::new("sleep");
    container.arg("infinity").namespaces(SEVEN).map_zero().die_with_parent();
    // A reader of this process's output waits until every process has closed the pipe.
    container.stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    container.start().expect("run sleep")
}

/// Starts `tiny` in these namespaces of the target.
pub fn inject(target: &Process, namespaces: &[Namespace]) -> Inject {
    let mut inject = Inject::new(target, TINY);
    inject.namespaces(namespaces.iter().copied());
    inject
}

/// Starts the program and waits for it.
///
/// # Panics
/// If the program does not exit with status 0.
pub fn run<Kind>(builder: &Builder<Kind>) {
    assert!(builder.status().expect("run tiny").success());
}
