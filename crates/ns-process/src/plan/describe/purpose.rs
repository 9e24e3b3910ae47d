//! What the steps of a start are for, in words.

use std::format;
use std::prelude::rust_2024::*;

/// What introduces the words of a line.
const MARK: &str = "  # ";

/// Adds words to the lines of a step: to the first, and to each other call with a purpose of its own.
pub(super) fn explained(step: &str, lines: impl IntoIterator<Item = String>) -> Vec<String> {
    let words = |index: usize, line: &str| {
        let of_step = || of_step(step).filter(|_| index == 0);
        of_call(step, line).or_else(of_step).filter(|_| !line.contains(MARK))
    };
    let lines = lines.into_iter().enumerate();
    let explained = |(index, line): (usize, String)| match words(index, &line) {
        Some(words) => with_words(&line, words),
        None => line,
    };
    lines.map(explained).collect()
}

/// Adds words to a line.
pub(super) fn with_words(line: &str, words: &str) -> String {
    format!("{line}{MARK}{words}")
}

/// The purpose of a step of the child, by its name in the list of steps. The calls of other steps speak for themselves.
fn of_step(step: &str) -> Option<&'static str> {
    Some(match step {
        "exec_lock" => "held until the program is executed",
        "oom_score_adj" => "the OOM score of the program",
        "dumpable" => "other processes of the user may not inspect the copied memory",
        "dispositions" => "the program starts with the default action of each signal",
        "no_core" => "a core dump would contain the memory of the caller",
        "cgroup_tasks" => "move to the cgroups",
        "namespaces" => "create the namespaces",
        "wait" => "wait until the parent has done its part",
        "dumpable_at_release" => "the maps are written",
        "time_namespace" => "enter the new time namespace",
        "after_move" => "its root is the cgroup to which the child has moved",
        "cgroup_namespace" => "the cgroup of the hook becomes its root",
        "become_zero" => "the IDs of the caller have no mapping",
        "propagation" => "mounts of the child do not appear in the caller's mount namespace",
        "exec_label" => "the label of the program for a security module",
        "target_root" => "use the root and the working directory of the target",
        "mounts" => "the mounts, and the new root if there is one",
        "before_pivot" => "report the mounts to the parent",
        "root" => "the root and the working directory",
        "console" => "a new terminal in the root",
        "session_keyring" => "the keys of the caller are out of reach",
        "place_fds" => "pass descriptors to the program",
        "keep_capabilities" => "the change of the user does not clear the capabilities",
        "no_new_privs" => "no program gains privileges from its file",
        "parent_death_signal" => "the child does not outlive the caller",
        "wait_for_program" => "the init waits until the program is executed",
        "close_rest" => "close all other descriptors",
        "exec_name" => "a name that exec replaces, so that the caller sees the exec",
        "regain_capabilities" => "the change of the user has cleared them",
        "early_filter" | "last_filter" => "the seccomp filter of the program",
        "signal_mask" => "the signals that the process blocks",
        "core_limit" => "the core limit of the program",
        _ => return None,
    })
}

/// The purpose of a call in a step whose calls have different purposes.
fn of_call(step: &str, line: &str) -> Option<&'static str> {
    let mut all = CALLS.iter();
    let found = all.find(|(of, call, _)| *of == step && line.starts_with(call));
    found.map(|(.., words)| *words)
}

/// A step, the start of a line, and the purpose of this call.
const CALLS: &[(&str, &str, &str)] = &[
    ("join", "statx(", "the root before the join, to verify the join"),
    ("join", "setns(pidfd", "join the namespaces of the target"),
    ("join", "setns(", "join a namespace"),
    ("join", "statmount(", "verify the join"),
    ("join", "geteuid(", "verify the join"),
    ("namespaces", "futex(", "report it to the parent"),
    ("become_zero", "setresgid(", "the group ID of the caller has no mapping"),
    ("become_zero", "setresuid(", "the user ID of the caller has no mapping"),
    ("before_pivot", "futex(pivot, wait", "wait until the hooks of the parent have run"),
    ("mounts", "chdir(", "enter the new root"),
    ("root", "mount(\"proc\"", "mount proc"),
    ("root", "mount_setattr(", "make the root read-only"),
    ("root", "chdir(", "set the working directory"),
    ("root", "getcwd(", "the working directory is inside the root"),
    ("root", "pivot_root(", "change the root"),
    ("root", "umount2(", "detach the former root"),
    ("root", "chroot(", "change the root"),
    ("console", "ioctl(terminal, TIOCSWINSZ", "set the size of the window"),
    ("console", "fchown(", "the user of the program owns the terminal"),
    ("console", "openat2(\"/dev\")", "mount the terminal on /dev/console"),
    ("console", "sendmsg(", "give the master to the receiver"),
    ("names", "sethostname(", "set the host name"),
    ("names", "setdomainname(", "set the domain name"),
    ("names", "socket(", "start the loopback device"),
    ("sysctls", "openat(", "set a kernel parameter"),
    ("fork_program", "rt_sigaction(", "the init waits for its children"),
    ("fork_program", "rt_sigprocmask(", "no handler runs in the process of the program"),
    ("fork_program", "clone3(", "create the process of the program"),
    ("fork_program", "chdir(", "the init keeps no directory in use"),
    ("session", "setsid(", "leave the terminal"),
    ("session", "setpgid(", "set the process group"),
    ("session", "ioctl(", "set the controlling terminal"),
    ("limits", "prlimit(", "set a resource limit"),
    ("limits", "setpriority(", "set the nice value"),
    ("limits", "umask(", "set the umask"),
    ("scheduling", "sched_setaffinity(", "set the CPUs"),
    ("scheduling", "sched_setattr(", "set the scheduling policy"),
    ("scheduling", "ioprio_set(", "set the I/O priority"),
    ("scheduling", "personality(", "set the personality"),
    ("ids", "setgroups(", "set the supplementary groups"),
    ("ids", "setresgid(", "set the group"),
    ("ids", "setresuid(", "set the user"),
    ("early_filter", "sendmsg(", "give the listener to the receiver"),
    ("last_filter", "sendmsg(", "give the listener to the receiver"),
    ("parent_death_signal", "ppoll(", "the caller has not exited already"),
    ("capabilities", "prctl(PR_CAPBSET_DROP", "set the bounding set"),
    ("capabilities", "prctl(PR_CAPBSET_READ", "check the bounding set"),
    ("capabilities", "prctl(PR_CAP_AMBIENT", "set the ambient set"),
    ("capabilities", "prctl(PR_SET_NO_NEW_PRIVS", "no program gains privileges from its file"),
    ("capabilities", "capset(", "set the capabilities"),
];
