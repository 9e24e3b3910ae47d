//! The options that cause a step of a start.

use ns_process::Step;

/// Returns the options that cause a step, without their dashes.
pub(super) fn options(step: Step) -> &'static [&'static str] {
    match step {
        Step::Affinity => &["cpu-list"],
        Step::Capabilities => &["drop-cap", "keep-cap"],
        Step::Cgroup => &["join-cgroup"],
        Step::Domainname => &["domainname"],
        Step::ExecLabel => &["exec-label"],
        Step::FollowRoot => &["follow-root"],
        Step::Gid => &["gid"],
        Step::Groups => &["groups", "clear-groups"],
        Step::Hostname => &["hostname"],
        Step::Init => &["init"],
        Step::IoPriority => &["ionice"],
        Step::Loopback => &["loopback"],
        Step::Nice => &["nice"],
        Step::NoNewPrivs => &["no-new-privs", "seccomp"],
        Step::OomScoreAdj => &["oom-score-adj"],
        Step::Personality => &["personality"],
        Step::Rlimit => &["rlimit"],
        Step::Scheduler => &["scheduler"],
        Step::Seccomp => &["seccomp"],
        Step::StartTimeout => &["timeout"],
        Step::Sysctl => &["sysctl"],
        Step::TimeOffsets => &["time-offset"],
        Step::Uid => &["uid"],
        _ => &[],
    }
}

/// Returns the options that cause a step which other starts have too.
pub(super) fn possible_options(step: Step) -> &'static [&'static str] {
    match step {
        Step::DieWithParent => &["die-with-parent"],
        Step::Propagation => &["propagation"],
        Step::Session => &["new-session"],
        Step::Workdir => &["workdir"],
        _ => &[],
    }
}

/// Returns the options that an error of a setting may be about, if there are several.
pub(super) fn of_setting(option: &str) -> &'static [&'static str] {
    match option {
        "drop-cap" => &["drop-cap", "keep-cap"],
        "env" => &["unset-env", "setenv"],
        "groups" => &["groups", "clear-groups"],
        "keep-cap" => &["keep-cap", "drop-cap"],
        _ => &[],
    }
}

/// Returns the name of a step that no option or several options cause: that of its system call.
pub(super) fn name(step: Step) -> &'static str {
    match step {
        Step::BecomeZero => "setresuid",
        Step::CoreLimit | Step::NoCore => "prlimit",
        Step::Console => "terminal",
        Step::DieWithParent => "prctl",
        Step::MountConsole => "mount",
        Step::BeforeGo | Step::ProcessGroup => "setpgid",
        Step::SignalMask => "rt_sigprocmask",
        Step::Workdir => "working directory",
        step => step.name(),
    }
}
