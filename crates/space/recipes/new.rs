//! New namespaces.

use super::{Job, Section, job};

pub(crate) const SECTION: Section = Section { title: "New namespaces", jobs: &JOBS };

const JOBS: [Job; 8] = [
    job(
        "Run a program in new namespaces of every kind",
        "space execute --all --id --mount-proc sh -c 'id -u; echo $$; exit 7'",
        "unshare --user --map-root-user --mount --uts --ipc --net --pid --cgroup --time --fork \
         --mount-proc sh -c 'id -u; echo $$; exit 7'",
        "0 1",
    )
    .status(7),
    job(
        "Hide the processes of the host",
        "space execute --user --id --pid --mnt --mount-proc ps ax -o comm=",
        "unshare --user --map-root-user --pid --fork --mount-proc ps ax -o comm=",
        "ps",
    ),
    job(
        "Reap orphans by an init",
        "space execute --user --id --pid --mnt --mount-proc --init sh -c 'echo $$'",
        "bwrap --unshare-pid --dev-bind / / --proc /proc sh -c 'echo $$'",
        "2",
    ),
    job(
        "Have another host name",
        "space execute --user --id --uts --hostname box uname -n",
        "unshare --user --map-root-user --uts sh -c 'hostname box; uname -n'",
        "box",
    ),
    job(
        "Have no network",
        "space execute --user --net wc --lines /proc/net/route",
        "unshare --user --net wc --lines /proc/net/route",
        "0 /proc/net/route",
    ),
    job(
        "Have only the loopback device",
        "space execute --user --id --net --loopback grep -o -m 1 127.0.0.1 /proc/net/fib_trie",
        "unshare --user --map-root-user --net sh -c 'ip link set lo up; grep -o -m 1 127.0.0.1 /proc/net/fib_trie'",
        "127.0.0.1",
    ),
    job(
        "Set a kernel parameter of a network namespace",
        "space execute --user --id --net --sysctl net.ipv4.ip_forward=1 \
         cat /proc/sys/net/ipv4/ip_forward",
        "unshare --user --map-root-user --net sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; \
         cat /proc/sys/net/ipv4/ip_forward'",
        "1",
    ),
    job(
        "Shift the time since boot by a day",
        "space execute --user --id --time --time-offset boottime=86400 \
         grep boottime /proc/self/timens_offsets",
        "unshare --user --map-root-user --time --boottime 86400 --fork \
         grep boottime /proc/self/timens_offsets",
        "boottime 86400 0",
    ),
];
