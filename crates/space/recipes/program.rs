//! Privileges, limits, environment and lifetime of a program.

use super::{Job, Section, job};

pub(crate) const SECTION: Section = Section { title: "The program", jobs: &JOBS };

const JOBS: [Job; 10] = [
    job(
        "Run without capabilities, and without a way to gain them",
        "space execute --user --id --drop-cap all --no-new-privs \
         grep -E 'CapEff|NoNewPrivs' /proc/self/status",
        "bwrap --unshare-user --uid 0 --cap-drop ALL --dev-bind / / \
         grep -E 'CapEff|NoNewPrivs' /proc/self/status",
        "CapEff: 0000000000000000
         NoNewPrivs: 1",
    ),
    job(
        "Install a compiled seccomp filter",
        "space execute --seccomp 3 grep Seccomp: /proc/self/status 3<filter.bpf",
        "bwrap --dev-bind / / --seccomp 3 grep Seccomp: /proc/self/status 3<filter.bpf",
        "Seccomp: 2",
    ),
    job(
        "Limit the resources of a program",
        "space execute --rlimit nofile=64 --rlimit core=0 sh -c 'ulimit -n; ulimit -c'",
        "prlimit --nofile=64 --core=0 sh -c 'ulimit -n; ulimit -c'",
        "64 0",
    ),
    job(
        "Run a program in a cgroup",
        "space execute --cgroup-dir $CGROUP sh -c 'grep -x $$ $CGROUP/cgroup.procs | wc -l'",
        "sh -c 'echo $$ >$CGROUP/cgroup.procs; grep -x $$ $CGROUP/cgroup.procs | wc -l'",
        "1",
    )
    .needs_root(),
    job(
        "Kill a program after a time, with all that it has started",
        "space execute --timeout 1 sh -c 'sleep 1000 & sleep 1000'",
        "timeout 1 sh -c 'sleep 1000 & sleep 1000'",
        "",
    )
    .status(124),
    job(
        "Kill a program when the script that started it is killed",
        "sh -c '(sleep 1; kill -KILL $$) & space execute --die-with-parent sleep 1000; :'",
        "sh -c '(sleep 1; kill -KILL $$) & bwrap --die-with-parent --dev-bind / / sleep 1000; :'",
        "",
    )
    .status(128 + 9),
    job(
        "Run a program in a new session, without the terminal",
        "space execute --new-session sh -c 'test $(ps -o sid= -p $$) -eq $$ && echo leader'",
        "setsid --wait sh -c 'test $(ps -o sid= -p $$) -eq $$ && echo leader'",
        "leader",
    ),
    job(
        "Start a daemon",
        "space execute --daemonize --stdout log echo started",
        "setsid --fork echo started >log",
        "started",
    )
    .shown_by("until test -s log; do sleep 0.1; done; cat log"),
    job(
        "Give a program no environment but this",
        "space execute --clear-env --env LANG=C /usr/bin/env",
        "env --ignore-environment LANG=C /usr/bin/env",
        "LANG=C",
    ),
    job(
        "Pass a descriptor",
        "space execute --keep-fd 3 cat /dev/fd/3 3<config",
        "bwrap --dev-bind / / cat /dev/fd/3 3<config",
        "text",
    ),
];
