//! Advice for options that `space` does not have.

use crate::command;

/// Options of unshare(1), nsenter(1), lsns(8) and bwrap(1), and the advice.
const FOREIGN: [(&str, &str); 31] = [
    ("--as-pid-1", "the program is process 1 unless --init is given: leave it out"),
    ("--bind-data", "use --file FD DEST"),
    ("--boottime", "use --time-offset boottime=SECS"),
    ("--cgroup-ns", "use --cgroup"),
    ("--chdir", "use --workdir"),
    ("--file-label", "it is not supported"),
    ("--fork", FORK),
    ("--kill-child", "the program does not outlive space: leave it out"),
    ("--map-group", "use --gid"),
    ("--map-groups", "use --gid-map"),
    ("--map-user", "use --uid"),
    ("--map-users", "use --uid-map"),
    ("--monotonic", "use --time-offset monotonic=SECS"),
    ("--mount", "use --mnt for a namespace, and --bind, --tmpfs and others for mounts"),
    ("--perms", "use --chmod MODE DEST after the option that creates DEST"),
    ("--preserve-credentials", "use --uid and --gid"),
    ("--ro-bind-data", "use --file FD DEST"),
    ("--root", "use --rootdir, or the verb chroot"),
    ("--setgid", "use --gid"),
    ("--setuid", "use --uid"),
    ("--share-net", "use --no-net after --all"),
    ("--target", TARGET),
    ("--unshare-all", "use --all"),
    ("--wd", "use --workdir"),
    ("-R", "use --rootdir, or the verb chroot"),
    ("-S", "use --uid"),
    ("-c", "use --map-same"),
    ("-f", FORK),
    ("-r", "use --id"),
    ("-t", TARGET),
    ("-w", "use --workdir"),
];

const FORK: &str = "space always starts the program in a new process: leave it out";
const TARGET: &str = "the process is an operand of inject: space inject PID PROGRAM";

/// Returns what to use instead of an unknown option, such as `--fork` or `-f`.
pub(crate) fn instead_of(option: &str) -> Option<String> {
    let option = option.split('=').next()?;
    let foreign = FOREIGN.iter().find(|(name, _)| *name == option);
    if let Some((_, advice)) = foreign {
        return Some((*advice).to_owned());
    }
    if let Some(kind) = option.strip_prefix("--unshare-") {
        return Some(format!("use --{}", kind.strip_suffix("-try").unwrap_or(kind)));
    }
    of_other_verbs(option)
}

/// For an option of other verbs, returns their names.
fn of_other_verbs(option: &str) -> Option<String> {
    let name = option.strip_prefix("--")?;
    let command = command();
    let has_option = |verb: &&clap::Command| {
        verb.get_arguments().any(|arg| {
            let mut names =
                arg.get_long().into_iter().chain(arg.get_all_aliases().into_iter().flatten());
            !arg.is_hide_set() && names.any(|known| known == name)
        })
    };
    let verbs: Vec<_> =
        command.get_subcommands().filter(has_option).map(clap::Command::get_name).collect();
    (!verbs.is_empty()).then(|| format!("it is an option of {}", verbs.join(" and ")))
}
