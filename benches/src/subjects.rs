//! What is measured of `ns-process`.

use ns_process::Namespace::{self, Ipc, Mnt, Net, Pid, User, Uts};
use ns_process::{Builder, CapabilitySet, Container, Inject, Process, Stdio};

use crate::{TINY, TINY_ROOT};

/// The namespaces of most rows.
pub const FIVE: [Namespace; 5] = [User, Mnt, Pid, Uts, Ipc];

/// Those without the one whose end the kernel makes wait.
pub const FOUR: [Namespace; 4] = [User, Pid, Uts, Ipc];

/// The five, and the dearest.
pub const WITH_NET: [Namespace; 6] = [User, Mnt, Pid, Uts, Ipc, Net];

/// All but time, which cannot be entered in shared memory.
pub const SEVEN: [Namespace; 7] = [User, Mnt, Pid, Uts, Ipc, Net, Namespace::Cgroup];

/// Those that no process between is needed for.
pub const SIX: [Namespace; 6] = [User, Mnt, Uts, Ipc, Net, Namespace::Cgroup];

/// `tiny` with no namespace of its own.
pub fn plain() -> Container {
    Container::new(TINY)
}

/// The same, in which the caller's memory is guarded from others as an inject's is: the child gives up a capability
/// that the caller may have.
pub fn guarded() -> Container {
    let mut guarded = plain();
    guarded.drop_capabilities(CapabilitySet::WAKE_ALARM);
    guarded
}

/// `tiny` in new namespaces, the caller's ids as 0.
pub fn new(namespaces: &[Namespace]) -> Container {
    let mut container = plain();
    container.namespaces(namespaces.iter().copied()).map_zero();
    container
}

/// `tiny` in the five, its folder the root by chroot(2).
pub fn by_chroot() -> Container {
    let mut container = in_root();
    container.by_chroot();
    container
}

/// `tiny` in the five, its folder the root by pivot_root(2), read-only.
pub fn by_pivot() -> Container {
    let mut container = in_root();
    container.read_only_root();
    container
}

/// What crate hakoniwa makes by default.
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

/// A process in [`SEVEN`] of its own that stays.
///
/// # Panics
/// When it does not start.
pub fn target() -> Process {
    let mut container = Container::new("sleep");
    container.arg("infinity").namespaces(SEVEN).map_zero().die_with_parent();
    // Whoever reads what this process prints waits for all who hold the pipe.
    container.stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    container.start().expect("sleep runs")
}

/// `tiny` in these namespaces of the target.
pub fn inject(target: &Process, namespaces: &[Namespace]) -> Inject {
    let mut inject = Inject::new(target, TINY);
    inject.namespaces(namespaces.iter().copied());
    inject
}

/// Starts and joins.
///
/// # Panics
/// When it does not end with 0.
pub fn run<Kind>(builder: &Builder<Kind>) {
    assert!(builder.status().expect("tiny runs").success());
}
