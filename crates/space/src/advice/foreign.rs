//! The options of other commands that `space` does not have, and what to use instead.

use super::Options;

const FORK: &str = "space always starts the program in a new process: leave it out";
const KILLED: &str = "the program does not outlive space: leave it out";
const PROCESS: &str = "the process is an operand of inject: space inject PID PROGRAM";
const ROOT: &str = "use --rootdir, or the verb chroot";
const MOUNT: &str = "use --mnt for a namespace, and --bind, --tmpfs and others for mounts";
const NAMES: &str = "no column is shortened: leave it out";
const TREE: &str = "use --json, which names the owner and the parent of each namespace";
const UNSUPPORTED: &str = "it is not supported";

/// unshare(1) of util-linux, up to 2.41.
pub(super) const UNSHARE: Options = &[
    ("--boottime", "use --time-offset boottime=SECS"),
    ("--fork", FORK),
    ("--forward-signals", "space forwards all signals: leave it out"),
    ("--keep-caps", "use --keep-cap CAP"),
    ("--kill-child", KILLED),
    ("--load-interp", UNSUPPORTED),
    ("--map-group", "use --gid"),
    ("--map-groups", "use --gid-map INSIDE:OUTSIDE:LENGTH"),
    ("--map-subids", "use --map-auto"),
    ("--map-user", "use --uid"),
    ("--map-users", "use --uid-map INSIDE:OUTSIDE:LENGTH"),
    ("--monotonic", "use --time-offset monotonic=SECS"),
    ("--mount", MOUNT),
    ("--mount-binfmt", "use mount(8) in the program"),
    ("--owner", "use --map-same"),
    ("--root", ROOT),
    ("--setgid", "use --gid"),
    ("--setuid", "use --uid"),
    ("--wd", "use --workdir"),
    ("-R", ROOT),
    ("-S", "use --uid, and --gid for the group"),
    ("-c", "use --map-same"),
    ("-f", FORK),
    ("-l", UNSUPPORTED),
    ("-r", "use --id"),
    ("-w", "use --workdir"),
];

/// nsenter(1) of util-linux, up to 2.41.
pub(super) const NSENTER: Options = &[
    ("--follow-context", UNSUPPORTED),
    ("--keep-caps", "use --keep-cap CAP"),
    ("--mount", "use --mnt"),
    ("--net-socket", UNSUPPORTED),
    ("--no-fork", FORK),
    ("--preserve-credentials", "the IDs stay without --uid and --gid: leave it out"),
    ("--root", "use --follow-root, or --rootdir DIR"),
    ("--setgid", "use --gid"),
    ("--setuid", "use --uid"),
    ("--target", PROCESS),
    ("--user-parent", "use --user=FILE"),
    ("--wd", "use --follow-root, or --workdir DIR"),
    ("--wdns", "use --workdir"),
    ("-F", FORK),
    ("-N", UNSUPPORTED),
    ("-S", "use --uid, and --gid for the group"),
    ("-W", "use --workdir"),
    ("-Z", UNSUPPORTED),
    ("-c", "use --join-cgroup"),
    ("-e", "use --env NAME=VALUE"),
    ("-r", "use --follow-root, or --rootdir DIR"),
    ("-t", PROCESS),
    ("-w", "use --follow-root, or --workdir DIR"),
];

/// lsns(8) of util-linux, up to 2.41.
pub(super) const LSNS: Options = &[
    ("--filter", "use --type and --pid, or --json and jq(1)"),
    ("--list", "the list is flat: leave it out"),
    ("--list-columns", "space help list names the columns"),
    ("--noheadings", "the header is printed on a terminal only: leave it out"),
    ("--notruncate", NAMES),
    ("--nowrap", NAMES),
    ("--output", "use cut(1), or --json, which has more columns"),
    ("--output-all", "use --json"),
    ("--persistent", "use --json, whose field files is not empty for these"),
    ("--raw", "output to a pipe has no padding: leave it out"),
    ("--task", "use --pid"),
    ("--tree", TREE),
    ("-H", "space help list names the columns"),
    ("-J", "use --json"),
    ("-P", "use --json, whose field files is not empty for these"),
    ("-Q", "use --type and --pid, or --json and jq(1)"),
    ("-T", TREE),
    ("-W", NAMES),
    ("-l", "the list is flat: leave it out"),
    ("-n", "the header is printed on a terminal only: leave it out"),
    ("-o", "use cut(1), or --json, which has more columns"),
    ("-r", "output to a pipe has no padding: leave it out"),
    ("-u", NAMES),
];

/// chroot(1) of the GNU coreutils.
pub(super) const CHROOT: Options = &[
    ("--skip-chdir", "use --workdir DIR, a path in the new root"),
    ("--userspec", "use --uid and --gid"),
];

/// bwrap(1), up to 0.11. `--unshare-KIND` and `--unshare-KIND-try` are not in the list.
pub(super) const BWRAP: Options = &[
    ("--add-seccomp-fd", "use --seccomp, with one filter"),
    ("--as-pid-1", "the program is process 1 unless --init is given: leave it out"),
    ("--assert-userns-disabled", "use --sysctl user.max_user_namespaces=0"),
    ("--block-fd", "start space when the data is there"),
    ("--cgroup-ns", "use --cgroup"),
    ("--chdir", "use --workdir"),
    ("--disable-userns", "use --sysctl user.max_user_namespaces=0"),
    ("--file-label", UNSUPPORTED),
    ("--info-fd", "use --json, which prints the outcome on stderr"),
    ("--json-status-fd", "use --json, which prints the outcome on stderr"),
    ("--level-prefix", "use systemd-cat(1)"),
    ("--lock-file", "use flock(1)"),
    ("--pidns", "use space inject --pid=/proc/self/fd/FD"),
    ("--share-net", "use --no-net after --all"),
    ("--sync-fd", "use --keep-fd"),
    ("--unshare-all", "use --all"),
    ("--userns", "use space inject --user=/proc/self/fd/FD"),
    ("--userns-block-fd", "start space when the data is there"),
    ("--userns2", "use space inject --user=/proc/self/fd/FD"),
];

/// Words for which users look.
pub(super) const OTHERS: Options = &[
    ("--read-only", "use --ro-bind, or --remount-ro for a mount"),
    ("--rm", "a namespace ends with its last process: leave it out"),
    ("--ro", "use --ro-bind, or --remount-ro for a mount"),
];

/// Commands that are typed as a verb, and the verb that replaces each.
pub(super) const VERBS: Options = &[
    ("bwrap", "execute"),
    ("lsns", "list"),
    ("ls", "list"),
    ("nsenter", "inject"),
    ("unshare", "execute"),
];
