# Functions for the cases of all groups.

export LC_ALL=C

# Waits until a command succeeds; the case has a limit.
until_ok() {
    while ! "$@" >/dev/null 2>&1; do sleep 0.02; done
}

# The command fails.
fails() {
    if "$@"; then echo "succeeds: $*" >&2; return 1; fi
}

# Prints the cgroups whose path matches a pattern, and removes them. The kernel and the engines need some time for that.
left_cgroups() {
    for _ in $(seq 50); do
        test -n "$(cgroups_like "$1")" || return 0
        sleep 0.02
    done
    cgroups_like "$1" | sort -r | while read -r cgroup; do
        echo "cgroup $cgroup"
        rmdir "$cgroup"
    done
}

cgroups_like() {
    find /sys/fs/cgroup -mindepth 1 -type d -path "$1"
}

# Prints the mounts below a directory.
left_mounts() {
    grep " $1/" /proc/self/mountinfo | cut -d' ' -f5 || true
}
