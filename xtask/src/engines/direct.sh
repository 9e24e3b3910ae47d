# The command line of the runtime, on a bundle in the directory of the case.

setup() {
    : >"$WORK/daemons"
}

rt() {
    "$RUNTIME" --root "$WORK/state" "$@"
}

# Makes a bundle in ./b; each argument is a program of jq(1) that changes its configuration.
bundle() {
    mkdir -p b
    jq --arg root "$ROOTFS" '.root.path = $root' "${WORK%/work}/bundle.json" >b/config.json
    change "$@"
}

change() {
    for program; do
        jq "$program" b/config.json >b/new
        mv b/new b/config.json
    done
}

# Makes a bundle whose program is a script for sh(1); more arguments as those of `bundle`.
script() {
    bundle
    jq --arg script "$1" '.process.args = ["sh", "-c", $script]' b/config.json >b/new
    mv b/new b/config.json
    shift
    change "$@"
}

# Adds the directory of the case to the bundle, as /tmp/out.
OUT='.mounts += [{destination: "/tmp/out", type: "bind", source: "'$PWD'", options: ["bind"]}]'

# Gives the bundle a root directory of its own that can be written.
own_root() {
    cp -a "$ROOTFS" b/rootfs
    change '.root = {path: "rootfs"}'
}

# Runs a script in a new container with changes of the configuration.
run() {
    script "$@"
    rt run -b b c
}

# Creates and starts the container; nothing of it keeps the streams of the case.
create_and_start() {
    rt create -b b c </dev/null >/dev/null 2>create.err || { cat create.err >&2; return 1; }
    rt start c
}

# A running container.
started() {
    script 'exec sleep 100' "$@"
    create_and_start
}

status() {
    rt state "${1-c}" | jq -r .status
}

pid() {
    rt state "${1-c}" | jq -r .pid
}

has_status() {
    test "$(status)" = "$1"
}

stopped() {
    until_ok has_status stopped
}

# Receives a terminal at ./socket, and writes to ./typed what the container writes.
receive() {
    "$XTASK" receive-terminal socket "$@" >typed 2>receive.err &
    receiver=$!
    until_ok test -S socket
}

# Not in a pipe: only this shell can wait for the receiver.
typed() {
    wait "$receiver"
    tr -d '\r' <typed
}

cleanup() {
    for state in "$WORK"/state/*; do
        test ! -e "$state" || rt delete --force "${state##*/}" >/dev/null
    done
    for state in "$WORK"/state/*; do
        test ! -e "$state" || echo "state ${state##*/}"
    done
    rm -rf "$WORK/state"
    left_cgroups '*/cases/*'
}
