//! Each setter of ns-process has an option, or a reason why it has none.

use std::collections::BTreeSet;

/// A setter, and the options that call it.
const OPTIONS: [(&str, &[&str]); 70] = [
    ("affinity", &["cpu-list"]),
    ("all", &["all"]),
    ("arg", &["PROGRAM"]),
    ("arg0", &["argv0"]),
    ("args", &["PROGRAM"]),
    ("before_go", &["keep"]),
    ("by_chroot", &["no-mnt"]),
    ("capability_sets", &["drop-cap"]),
    ("cgroup", &["cgroup-dir"]),
    ("close_fds", &["keep-fd"]),
    ("create_workdir", &["create-workdir"]),
    ("daemonize", &["daemonize"]),
    ("die_with_parent", &["die-with-parent"]),
    ("domainname", &["domainname"]),
    ("drop_capabilities", &["drop-cap"]),
    ("env", &["env"]),
    ("env_clear", &["clear-env"]),
    ("env_remove", &["unset-env"]),
    ("envs", &["env-file"]),
    ("exec_label", &["exec-label"]),
    ("fd", &["keep-fd", "stdin", "stdout", "stderr"]),
    ("follow_root", &["follow-root"]),
    ("gid", &["gid"]),
    ("gid_map", &["gid-map"]),
    ("groups", &["groups", "clear-groups"]),
    ("host_root", &["host-root"]),
    ("hostname", &["hostname"]),
    ("init", &["init"]),
    ("io_priority", &["ionice"]),
    ("join_cgroup", &["join-cgroup"]),
    ("keep_capabilities", &["keep-cap"]),
    ("keep_fd", &["keep-fd"]),
    ("keep_only", &["drop-cap", "keep-cap"]),
    ("loopback", &["loopback"]),
    ("map_auto", &["map-auto"]),
    ("map_same", &["map-same"]),
    ("map_zero", &["id"]),
    ("match_privileges", &["match-privileges"]),
    ("mount", &["bind", "tmpfs", "overlay", "dir", "file", "symlink", "mask"]),
    ("mount_proc", &["mount-proc"]),
    ("name", &["name"]),
    ("namespace", &["net"]),
    ("namespace_file", &["net"]),
    ("namespaces", &["net"]),
    ("new_session", &["new-session"]),
    ("nice", &["nice"]),
    ("no_new_privs", &["no-new-privs"]),
    ("oom_score_adj", &["oom-score-adj"]),
    ("personality", &["personality"]),
    ("plan", &["dry-run"]),
    ("proc", &["host-proc"]),
    ("program_fd", &["exec-fd"]),
    ("propagation", &["propagation"]),
    ("read_only_root", &["remount-ro"]),
    ("rlimit", &["rlimit"]),
    ("rootdir", &["rootdir", "ROOT"]),
    ("scheduler", &["scheduler", "reset-on-fork"]),
    ("seccomp", &["seccomp"]),
    ("setgroups", &["setgroups"]),
    ("start_timeout", &["timeout"]),
    ("stderr", &["stderr"]),
    ("stdin", &["stdin"]),
    ("stdout", &["stdout"]),
    ("sysctl", &["sysctl"]),
    ("time_offset", &["time-offset"]),
    ("uid", &["uid"]),
    ("uid_map", &["uid-map"]),
    ("umask", &["umask"]),
    ("without", &["no-net"]),
    ("workdir", &["workdir"]),
];

/// A setter without an option, and the reason.
const NONE: [(&str, &str); 35] = [
    ("before_pivot", "it runs code of the caller"),
    ("cgroup_tasks", "a shell can move itself: echo 0 >tasks"),
    ("close_except", "it is for closures"),
    ("console", "space is on the terminal itself; another program has to show a new one"),
    ("console_size", "as console"),
    ("daemonize_as_child", "space exits, so the daemon could not be its child"),
    ("exceptexec", "it runs code of the caller"),
    ("exceptup", "it runs code of the caller"),
    ("flags", "a flag beyond namespaces would change space itself"),
    ("gid_map_helper", "newgidmap is found in PATH"),
    ("inherit_ignored", "it is always set, as nohup(1) expects"),
    ("join_namespace", "a descriptor is a file: --net=/proc/self/fd/N"),
    ("kill_on_drop", "space waits for the program, which does not outlive it"),
    ("memory", "space is small, so a copy has no benefit"),
    ("mount_console", "as console"),
    ("new_session_keyring", "keyctl session does it around space"),
    ("open_paths", "it is always called, so that a FIFO can be interrupted"),
    ("output_limit", "space does not read the output; a shell can: | head -c N"),
    ("park_at", "space waits for its program, so it cannot leave the release to another process"),
    ("parent_death_signal", "the program does not outlive space, so the signal is SIGKILL"),
    ("postexec", "it runs code of the caller"),
    ("postup", "it runs code of the caller"),
    ("preexec", "it runs code of the caller"),
    ("preup", "it runs code of the caller"),
    ("process_group", "space needs the group for job control; --new-session makes a new one"),
    ("seccomp_flags", "a filter from a file has none"),
    ("seccomp_listener", "it needs a program that answers"),
    ("start", "it starts"),
    ("start_async", "it starts"),
    ("start_parked", "it starts"),
    ("start_parked_async", "it starts"),
    ("start_unchecked", "it starts a closure"),
    ("is_closure", "it sets nothing"),
    ("terminal", "setsid --ctty does it, as the program or around space"),
    ("uid_map_helper", "newuidmap is found in PATH"),
];

/// The methods of the builder, except those that read settings or start the program.
fn setters() -> BTreeSet<&'static str> {
    let api = include_str!("../../ns-process/public-api.txt");
    let names = api.lines().filter_map(|line| {
        let at = line.find("ns_process::Builder<")?;
        let (_, method) = line.get(at..)?.split_once(">::")?;
        method.split_once('(').map(|(name, _)| name.split('<').next().unwrap_or(name))
    });
    let is_setter = |name: &&str| {
        let is_getter = name.starts_with("get_") || name.starts_with("joined_");
        let starts = ["output", "status", "from_"].iter().any(|prefix| name.starts_with(prefix));
        !is_getter && *name != "new" && (!starts || *name == "output_limit")
    };
    let traits = ["clone", "fmt", "clone_into"];
    names.filter(is_setter).filter(|name| !traits.contains(name)).collect()
}

#[test]
fn each_setter_has_an_option_or_a_reason() {
    let with_option = OPTIONS.iter().map(|(setter, _)| *setter);
    let known: BTreeSet<_> = with_option.chain(NONE.iter().map(|(setter, _)| *setter)).collect();
    assert_eq!(known.len(), OPTIONS.len() + NONE.len(), "a setter is listed twice");
    let setters = setters();
    let missing: Vec<_> = setters.difference(&known).collect();
    assert!(missing.is_empty(), "neither an option nor a reason: {missing:?}");
    let gone: Vec<_> = known.difference(&setters).collect();
    assert!(gone.is_empty(), "no setter of ns-process: {gone:?}");
}

#[test]
fn the_options_of_setters_exist() {
    let mut command = space::command();
    command.build();
    for (setter, options) in OPTIONS {
        for option in options {
            let has = |verb: &clap::Command| {
                let mut arguments = verb.get_arguments();
                arguments.any(|argument| {
                    let names = argument.get_value_names().unwrap_or_default();
                    argument.get_long() == Some(option) || names.iter().any(|name| name == option)
                })
            };
            assert!(command.get_subcommands().any(has), "{setter}: --{option}");
        }
    }
}
