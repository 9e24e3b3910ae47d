//! Namespaces that exist.

use super::{Job, Section, job};

pub(crate) const SECTION: Section = Section { title: "Existing namespaces", jobs: &JOBS };

const JOBS: [Job; 7] = [
    job(
        "Enter all namespaces of a process",
        "space inject $PID uname -n",
        "nsenter --target $PID --all --preserve-credentials uname -n",
        "box",
    ),
    job(
        "Enter only the network namespace of a process, and the user namespace that owns it",
        "space inject --user --net $PID wc --lines /proc/net/route",
        "nsenter --target $PID --user --net --preserve-credentials wc --lines /proc/net/route",
        "0 /proc/net/route",
    ),
    job(
        "Enter a container with its root and working directory",
        "space inject --follow-root $PID pwd",
        "nsenter --target $PID --all --preserve-credentials --root --wd pwd",
        "/usr",
    ),
    job(
        "Keep a namespace by a file",
        "space execute --uts --hostname lab --keep uts=lab true",
        "touch lab; unshare --uts=lab hostname lab",
        "lab",
    )
    .shown_by("space inject --uts=lab uname -n")
    .needs_root(),
    job(
        "Enter a network namespace of ip-netns(8)",
        "space inject --net=/run/netns/lab wc --lines /proc/net/route",
        "ip netns exec lab wc --lines /proc/net/route",
        "0 /proc/net/route",
    )
    .needs_root(),
    job(
        "List a namespace of a process: how many processes it has, and the first of them",
        "space list --type uts --pid $PID | cut --fields 3,4",
        "lsns --noheadings --type uts --task $PID --output NPROCS,PID",
        "1 $PID",
    ),
    job(
        "List the processes of a namespace",
        "space list --type uts --pid $PID --pids",
        "lsns --noheadings --output PID $(lsns --noheadings --type uts --task $PID --output NS)",
        "$PID",
    ),
];
