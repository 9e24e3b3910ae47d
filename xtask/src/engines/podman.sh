# podman with storage and configuration below $WORK.

export HOME="${WORK%/work}/home" TMPDIR="$WORK/tmp"
test "$(id -u)" = 0 || export XDG_RUNTIME_DIR="$WORK/run"
export CONTAINERS_CONF="$WORK/containers.conf" CONTAINERS_STORAGE_CONF="$WORK/storage.conf"
export CONTAINERS_REGISTRIES_CONF="$WORK/registries.conf"

setup() {
    mkdir -m 700 "$WORK/run" "$TMPDIR"
    cat >"$CONTAINERS_CONF" <<END
[containers]
netns = "none"
log_driver = "k8s-file"
default_capabilities = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "NET_BIND_SERVICE", "SETFCAP", "SETGID",
    "SETPCAP", "SETUID", "SYS_CHROOT"]
[engine]
runtime = "$RUNTIME"
cgroup_manager = "cgroupfs"
events_logger = "file"
hooks_dir = ["$WORK/hooks"]
tmp_dir = "$WORK/run/libpod"
network_config_dir = "$WORK/networks"
runtime_supports_nocgroup = ["${RUNTIME##*/}"]
END
    cat >"$CONTAINERS_STORAGE_CONF" <<END
[storage]
driver = "overlay"
graphroot = "$WORK/storage"
rootless_storage_path = "$WORK/storage"
runroot = "$WORK/runroot"
END
    : >"$CONTAINERS_REGISTRIES_CONF"
    mkdir "$WORK/hooks"
    tar -C "$ROOTFS" -cf "$WORK/box.tar" .
    podman import -q "$WORK/box.tar" box >/dev/null
    keep_pause
}

# A process that keeps the user namespace of a user who is not root.
keep_pause() {
    cat "$WORK"/run/libpod/*/pause.pid "$WORK"/run/libpod/pause.pid >"$WORK/daemons" 2>/dev/null || true
}

cleanup() {
    left=$(podman ps -aq --no-trunc; podman pod ps -q)
    if [ -n "$left" ]; then
        # The directory of a container is busy until the kernel has removed its mount namespace.
        podman rm -fa -t 0 >/dev/null 2>&1 || until_ok podman rm -fa -t 0
        podman pod rm -fa -t 0 >/dev/null
    fi
    podman volume prune -f >/dev/null
    rm -f "$WORK"/hooks/*
    keep_pause
    left_mounts "$WORK/storage/overlay-containers"
    left_cgroups '*/libpod-*'
}
