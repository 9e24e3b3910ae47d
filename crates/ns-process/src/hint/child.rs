//! Hints for failed steps of the child.

use std::prelude::rust_2024::*;

use ns_sys::Errno;

use super::machine;
use crate::step::Step;

/// The hint for a child that was killed at its creation in a cgroup: since Linux 6.14, `cgroup_css_set_fork` compares
/// the kill counts of this cgroup and of the caller's.
pub(crate) const KILLED_IN_CGROUP: &str = "if this cgroup was killed before by cgroup.kill, make a new cgroup: Linux 6.14 kills each process that is created in it";

/// The hint for a failed step, if there is more to say than the errno.
pub(crate) fn for_step(step: Step, errno: Errno) -> Option<String> {
    Some(
        match (step, errno) {
            (Step::ExecLabel, Errno::PERM | Errno::XDEV) => {
                "the label is written to a proc(5) on /proc only, of which no mount may hide this file"
            }
            (Step::ExecLabel, _) => "no security module here takes this label",
            (Step::SessionKeyring, Errno::DQUOT) => "the user has too many keys: see kernel.keys.maxkeys",
            (Step::SessionKeyring, Errno::NOSYS) => "the kernel has no keyrings, or a filter forbids keyctl",
            (Step::Seccomp, Errno::ACCESS) => "needs no_new_privs, or a new user namespace",
            (Step::Seccomp, Errno::INVAL) => "the kernel does not understand the filter",
            (Step::Capabilities, Errno::PERM) => {
                "needs CAP_SETPCAP and each kept capability, or a new user namespace"
            }
            (Step::Groups, Errno::PERM) => groups_denied(),
            (Step::Uid | Step::Gid | Step::BecomeZero, Errno::PERM) => {
                "needs CAP_SETUID or CAP_SETGID, or a new user namespace"
            }
            (Step::Uid, Errno::INVAL) => "the user ID has no mapping in its user namespace",
            (Step::Gid, Errno::INVAL) => "the group ID has no mapping in its user namespace",
            (Step::Groups, Errno::INVAL) => {
                "a group ID has no mapping in the user namespace, or there are more than 65536"
            }
            (Step::Join, Errno::PERM) => {
                "needs CAP_SYS_ADMIN over the namespace and over the caller's own user namespace, or \
                 its user namespace joined as well"
            }
            (Step::Nice, _) => "a nice value below the caller's needs CAP_SYS_NICE or a higher RLIMIT_NICE",
            (Step::OomScoreAdj, Errno::ACCESS) => {
                "needs CAP_SYS_RESOURCE, because the value is lower than the caller may set; or the caller is not \
                 dumpable"
            }
            (Step::OomScoreAdj, Errno::NOENT) => "no proc file system is mounted there",
            (Step::Scheduler, Errno::PERM) => {
                "needs CAP_SYS_NICE in the initial user namespace or a higher RLIMIT_RTPRIO or RLIMIT_NICE; a \
                 deadline needs an affinity to all CPUs"
            }
            (Step::Scheduler, Errno::BUSY) => "the CPUs have too little time left for this deadline",
            (Step::IoPriority, Errno::PERM) => {
                "the realtime class needs CAP_SYS_ADMIN or CAP_SYS_NICE in the initial user namespace"
            }
            (Step::Affinity, Errno::INVAL) => "the machine, or the caller's cpuset, has none of these CPUs",
            (Step::Sysctl, Errno::NOENT) => "the namespace has no such kernel parameter",
            (Step::Sysctl, Errno::INVAL) => "the kernel does not accept the value",
            (Step::Sysctl, Errno::ROFS) => "/proc/sys is mounted read-only here: see Builder::proc",
            (Step::Sysctl, Errno::ACCESS | Errno::PERM) => {
                "another user namespace owns the namespace, or the kernel reserves the parameter for the initial user namespace"
            }
            (Step::Rlimit | Step::CoreLimit, Errno::PERM) => {
                "above the caller's hard limit needs CAP_SYS_RESOURCE"
            }
            (Step::Hostname | Step::Domainname | Step::Loopback, Errno::PERM) => {
                "a user namespace that is neither new nor joined owns the namespace"
            }
            (Step::Mount, Errno::PERM) => {
                "a user namespace mounts proc with a pid, sysfs with a net, mqueue with an ipc namespace \
                 of its own, and proc only if nothing below the caller's is hidden"
            }
            (Step::OpenRoot, Errno::NOENT) => "there is no such directory",
            (Step::OpenRoot, Errno::NOTDIR) => "a root is a directory",
            (Step::Workdir, Errno::NOENT) => "there is no such directory inside the root",
            (Step::Workdir, Errno::NOTDIR) => "it is not a directory",
            (Step::Workdir, Errno::ACCESS) => "this user may not search it",
            (Step::PivotRoot, Errno::INVAL) => "pivot_root cannot replace the initramfs: use by_chroot",
            (Step::Workdir, Errno::XDEV) => "the directory lies outside the root",
            (Step::Chroot, Errno::PERM) => "needs CAP_SYS_CHROOT, or a new user namespace",
            // A process that has made a mount namespace has CAP_SYS_ADMIN over it.
            (Step::Propagation, Errno::PERM) => mounts_denied(),
            (Step::Propagation, Errno::INVAL) => {
                "the caller's root is not a mount point, as after chroot(2): mount it onto itself before, or make \
                 no new mount namespace"
            }
            (Step::Session, Errno::PERM) => "the child leads a process group already",
            (Step::Terminal, Errno::PERM) => "another session has the terminal",
            (Step::Console, Errno::NOENT | Errno::NODEV) => {
                "the root needs a devpts on /dev/pts: Mount::devpts or Mount::dev"
            }
            (Step::Console | Step::MountConsole, Errno::LOOP) => {
                "/dev, /dev/pts or /dev/console of the root is a symbolic link"
            }
            (Step::Console, Errno::ACCESS) => "mount devpts with the option ptmxmode=666",
            (Step::Console, Errno::NOSPC) => {
                "no terminal is free: see kernel.pty.max, and the option max of devpts"
            }
            (Step::Console, Errno::INVAL) => {
                "the user ID has no mapping in its user namespace, or Linux is older than 4.13"
            }
            (Step::MountConsole, Errno::ROFS | Errno::ACCESS) => {
                "create the file /dev/console in the root before the start"
            }
            (Step::Seccomp, Errno::BUSY) => "a filter of the caller has a listener already",
            (Step::SendConsole | Step::SendListener, Errno::PIPE | Errno::CONNRESET | Errno::CONNREFUSED) => {
                "no process has the other end of the socket open"
            }
            (Step::SendConsole | Step::SendListener, Errno::NOTSOCK | Errno::NOTCONN | Errno::INVAL) => {
                "it takes a connected unix stream socket"
            }
            (Step::PlaceFd, Errno::BADF) => "the descriptor is not open, or above RLIMIT_NOFILE",
            _ => return None,
        }
        .to_owned(),
    )
}

/// The hint for a step in a new user namespace that failed for lack of privilege, which it should have.
pub(crate) fn in_user_namespace(step: Step, errno: Errno) -> Option<String> {
    let needs_capability = !matches!(
        step,
        Step::ExecLabel
            | Step::Terminal
            | Step::Console
            | Step::Workdir
            | Step::Nice
            | Step::OomScoreAdj
            | Step::Scheduler
            | Step::IoPriority
            | Step::Rlimit
            | Step::CoreLimit
    );
    let denied = needs_capability && matches!(errno, Errno::PERM | Errno::ACCESS);
    denied.then(machine::apparmor_advice).flatten()
}

fn groups_denied() -> &'static str {
    match machine::value("/proc/self/setgroups").as_deref() {
        Some("deny") => "the caller's own user namespace denies setgroups",
        _ => "needs CAP_SETGID and a gid map written by a privileged process",
    }
}

fn mounts_denied() -> &'static str {
    if machine::is_filtered() {
        "a seccomp filter, or a security module such as Landlock, forbids mounts to the caller"
    } else {
        "the caller is restricted by Landlock or another security module, which forbids mounts"
    }
}
