# containerd with its own directories, and an image of one layer.

export CONTAINERD_NAMESPACE=cases CONTAINERD_ADDRESS="$WORK/containerd.sock" TMPDIR="$WORK"

setup() {
    cat >"$WORK/config.toml" <<END
version = 2
root = "$WORK/root"
state = "$WORK/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "$CONTAINERD_ADDRESS"
END
    start_containerd
    image "$WORK/image"
    tar -C "$WORK/image" -cf "$WORK/image.tar" .
    ctr image import "$WORK/image.tar" >/dev/null
    ctr image ls -q | grep -qx example.org/box:1
}

start_containerd() {
    containerd --config "$WORK/config.toml" >>"$WORK/containerd.log" 2>&1 &
    echo $! >"$WORK/daemons"
    until_ok ctr version
}

# Waits until the process is gone: the next one listens at the same address.
stop_containerd() {
    kill -"${1-TERM}" "$(cat "$WORK/daemons")"
    while test -e "/proc/$(cat "$WORK/daemons")"; do sleep 0.02; done
    : >"$WORK/daemons"
}

# Writes an OCI image as a directory.
image() {
    mkdir -p "$1/blobs/sha256"
    tar -C "$ROOTFS" -cf "$1/layer" .
    layer=$(blob "$1" "$1/layer")
    echo '{"architecture":"amd64","os":"linux","config":{"Env":["PATH=/bin","IMAGE=env"],"Cmd":["echo","default"]},
        "rootfs":{"type":"layers","diff_ids":["sha256:'"${layer% *}"'"]}}' >"$1/config"
    sed -i "s/amd64/$(architecture)/" "$1/config"
    config=$(blob "$1" "$1/config")
    kind=application/vnd.oci.image
    echo '{"schemaVersion":2,"mediaType":"'$kind.manifest.v1+json'",
        "config":'"$(descriptor "$kind.config.v1+json" "$config")"',
        "layers":['"$(descriptor "$kind.layer.v1.tar" "$layer")"']}' >"$1/manifest"
    manifest=$(descriptor "$kind.manifest.v1+json" "$(blob "$1" "$1/manifest")")
    name='"annotations":{"io.containerd.image.name":"example.org/box:1"}}'
    echo '{"schemaVersion":2,"manifests":['"${manifest%\}},$name"']}' >"$1/index.json"
    echo '{"imageLayoutVersion":"1.0.0"}' >"$1/oci-layout"
}

architecture() {
    case $(uname -m) in x86_64) echo amd64 ;; aarch64) echo arm64 ;; *) uname -m ;; esac
}

# Moves a file to the blobs, and prints its hash and size.
blob() {
    hash=$(sha256sum <"$2" | cut -d' ' -f1)
    echo "$hash $(wc -c <"$2")"
    mv "$2" "$1/blobs/sha256/$hash"
}

descriptor() {
    echo '{"mediaType":"'"$1"'","digest":"sha256:'"${2% *}"'","size":'"${2#* }"'}'
}

# ctr run with the runtime.
run() {
    ctr run --runtime io.containerd.runc.v2 --runc-binary "$RUNTIME" --runc-root "$WORK/runtime" \
        --env PATH=/bin "$@"
}

# Runs a command with a terminal as its standard streams.
on_terminal() {
    # The end of the input is echoed. ctr(8) complains if the program ends before it has set the size.
    script -qefc "$*" /dev/null </dev/null | tr -d '\r' | sed 's/^^@//; /resize pty/d'
}

# Removes a task that has ended, and prints its status, which ctr(8) has in a warning.
status_of() {
    ctr task rm "$1" 2>&1 | grep -o 'code [0-9]*'
}

cleanup() {
    test -s "$WORK/daemons" || start_containerd
    for id in $(ctr task ls -q); do
        ctr task rm -f "$id" >/dev/null
    done
    for id in $(ctr container ls -q); do
        ctr container rm "$id"
    done
    find "$WORK/runtime" -mindepth 2 -maxdepth 2 2>/dev/null || true
    rm -rf "$WORK/runtime"
    left_mounts "$WORK/state"
    left_cgroups '*/cases/*'
}
