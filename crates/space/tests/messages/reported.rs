//! Mistakes of users.

use super::{By, Mistake};

pub(super) const REPORTED: [Mistake; 12] = [
    Mistake(
        By::All,
        "execute --workdir / ./prog",
        127,
        "execve: ./prog: ENOENT (./prog is looked up in the working directory /)",
        "env -C / ./prog",
    ),
    Mistake(
        By::All,
        "execute {dir}/prog",
        126,
        "execve: {dir}/prog: ENOEXEC (neither a program nor a script with #! in its first line: if it is a script, run sh {dir}/prog)",
        "setpriv {dir}/prog",
    ),
    Mistake(
        By::All,
        "execute true /dev/fd/63",
        0,
        "warning: the program does not get descriptor 63: add --keep-fd 63",
        "unshare -Ur cat /dev/fd/63",
    ),
    Mistake(
        By::All,
        "execute -Umz --tmpfs /proc {dir}/space list",
        125,
        "list: /proc: proc is not mounted",
        "unshare -Urm sh -c [mount -t tmpfs none /proc; lsns]",
    ),
    Mistake(
        By::All,
        "execute -Umz --tmpfs /proc {dir}/space doctor",
        125,
        "doctor: /proc: proc is not mounted",
        "unshare -Urm sh -c [mount -t tmpfs none /proc; lsns -t user]",
    ),
    Mistake(
        By::User,
        "execute -U -M 1000 id",
        125,
        "--uid-map 1000: only the caller's user ID {uid} can be mapped, because /etc/subuid delegates no IDs to the caller; map this ID alone, or ask root to add a line such as USER:100000:65536 to /etc/subuid",
        "unshare -U --map-users=1000,0,1 id",
    ),
    Mistake(
        By::All,
        "execute -Umz --bind /no/such /mnt true",
        125,
        "--bind /no/such /mnt: ENOENT (the source of the mount on /mnt: it does not exist; create it, or use --bind-try)",
        "bwrap --dev-bind / / --bind /no/such /mnt true",
    ),
    Mistake(
        By::All,
        "execute -Umz --ro-bind {dir}/prog /mnt true",
        125,
        "--ro-bind {dir}/prog /mnt: EISDIR (the target is a directory, but the source is not)",
        "bwrap --dev-bind / / --ro-bind {dir}/prog /mnt true",
    ),
    Mistake(
        By::All,
        "execute -Umz --overlay-src /no/such --overlay-src / --ro-overlay /mnt true",
        125,
        "--overlay-src /no/such: ENOENT (the lower directory of the mount on /mnt: it does not exist; create it, or leave it out)",
        "unshare -Urm mount -t overlay -o lowerdir=/:/no/such none /mnt",
    ),
    Mistake(
        By::All,
        "inject {tid} true",
        125,
        "PID: process {tid}: …(it is a thread of process {pid}: give the ID of the process)",
        "nsenter -t {tid} -u true",
    ),
    Mistake(
        By::All,
        "inject {pid} true",
        0,
        "warning: nothing is joined: the target is in the caller's namespaces",
        "nsenter -t {pid} -u true",
    ),
    Mistake(
        By::Root,
        "execute -Upm --host-proc /no/such --id true",
        125,
        "--host-proc /no/such: proc is not mounted",
        "unshare -Urpf --mount-proc=/no/such true",
    ),
];
