//! What the steps of a start are for, in words.

use std::format;
use std::prelude::rust_2024::*;

/// Adds words to the first line of a step.
pub(super) fn explained(words: Option<&str>, mut lines: Vec<String>) -> Vec<String> {
    if let (Some(words), Some(first)) = (words, lines.first_mut()) {
        *first = with_words(first, words);
    }
    lines
}

/// Adds words to a line.
pub(super) fn with_words(line: &str, words: &str) -> String {
    format!("{line}  # {words}")
}

/// The purpose of a step of the child, by its name in the list of steps. The calls of other steps speak for themselves.
pub(super) fn of_step(step: &str) -> Option<&'static str> {
    Some(match step {
        "exec_lock" => "held until the program is executed",
        "oom_score_adj" => "the OOM score of the program",
        "dumpable" => "other processes of the user may not inspect the copied memory",
        "dispositions" => "the program starts with the default action of each signal",
        "no_core" => "a core dump would contain the memory of the caller",
        "join" => "join the namespaces",
        "namespaces" => "create the namespaces",
        "wait" => "wait until the parent has done its part",
        "dumpable_at_release" => "the maps are written",
        "time_namespace" => "enter the new time namespace",
        "become_zero" => "the IDs of the caller have no mapping",
        "propagation" => "mounts of the child do not appear in the caller's mount namespace",
        "exec_label" => "the label of the program for a security module",
        "target_root" => "use the root and the working directory of the target",
        "root" => "the root, the mounts and the working directory",
        "names" => "set the names, and start the loopback device",
        "sysctls" => "set the kernel parameters",
        "fork_program" => "the init creates the process of the program",
        "session" => "leave the terminal",
        "place_fds" => "pass descriptors to the program",
        "limits" => "the limits of the program",
        "scheduling" => "the scheduling of the program",
        "keep_capabilities" => "the change of the user does not clear the capabilities",
        "ids" => "change the user and the groups",
        "no_new_privs" => "no program gains privileges from its file",
        "parent_death_signal" => "the child does not outlive the caller",
        "wait_for_program" => "the init waits until the program is executed",
        "close_rest" => "close all other descriptors",
        "exec_name" => "a name that exec replaces, so that the caller sees the exec",
        "regain_capabilities" => "the change of the user has cleared them",
        "early_filter" | "last_filter" => "the seccomp filter of the program",
        "capabilities" => "the capabilities of the program",
        "signal_mask" => "the signals that the process blocks",
        "core_limit" => "the core limit of the program",
        _ => return None,
    })
}
