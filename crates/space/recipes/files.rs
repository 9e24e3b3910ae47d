//! Mounts, files and roots.

use super::{Job, Section, job};

pub(crate) const SECTION: Section = Section { title: "Files", jobs: &JOBS };

const JOBS: [Job; 10] = [
    job(
        "Let a program write to one directory only",
        "space execute --user --id --drop-cap all --mnt --ro-bind / / \
         --bind $PWD/project $PWD/project --workdir $PWD/project sh -c 'touch new ../other; ls'",
        "bwrap --ro-bind / / --bind $PWD/project $PWD/project \
         --chdir $PWD/project sh -c 'touch new ../other; ls'",
        "build new",
    ),
    job(
        "Have an empty /tmp and an empty home directory",
        "space execute --user --id --mnt --tmpfs /tmp --tmpfs $HOME ls -A $HOME",
        "bwrap --dev-bind / / --tmpfs /tmp --tmpfs $HOME ls -A $HOME",
        "",
    ),
    job(
        "Hide a file",
        "space execute --user --id --mnt --mask /etc/passwd cat /etc/passwd",
        "bwrap --dev-bind / / --dev-bind /dev/null /etc/passwd cat /etc/passwd",
        "",
    ),
    job(
        "Build a project in a sandbox: programs of the host, read-only, and no network",
        "space execute --all --id --drop-cap all --host-root --bind project /project \
         --workdir /project ./build",
        "bwrap --unshare-all --ro-bind /usr /usr --ro-bind /etc /etc --symlink usr/bin /bin \
         --symlink usr/lib /lib --symlink usr/lib64 /lib64 --proc /proc --dev /dev --tmpfs /tmp \
         --bind project /project --chdir /project ./build",
        "built",
    ),
    job(
        "Make a root of selected directories",
        "space execute --user --id --pid --mnt --tmpfs / --ro-bind /usr /usr \
         --symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64 \
         --proc /proc --dev /dev ls /",
        "bwrap --unshare-pid --ro-bind /usr /usr \
         --symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64 \
         --proc /proc --dev /dev ls /",
        "bin dev lib lib64 proc usr",
    ),
    job(
        "Run a program of an image",
        "space chroot --id rootfs /bin/cat /etc/os-release",
        "unshare --user --map-root-user chroot rootfs /bin/cat /etc/os-release",
        "NAME=image",
    ),
    job(
        "Run a program of an image that needs /proc, /dev and /tmp",
        "space chroot --pid --id --proc /proc --dev /dev --tmpfs /tmp rootfs \
         /bin/sh -c 'echo $$ >/tmp/pid; cat /tmp/pid </dev/null'",
        "bwrap --unshare-pid --as-pid-1 --bind rootfs / --proc /proc --dev /dev --tmpfs /tmp \
         /bin/sh -c 'echo $$ >/tmp/pid; cat /tmp/pid </dev/null'",
        "1",
    ),
    job(
        "Throw away what a program writes to a directory",
        "space execute --user --id --mnt --overlay-src lower --tmp-overlay $PWD/merged \
         sh -c 'echo new >merged/file; cat lower/file merged/file'",
        "unshare --user --map-root-user --mount sh -c 'mount -t tmpfs none work; \
         mkdir work/upper work/work; mount -t overlay \
         -o lowerdir=lower,upperdir=work/upper,workdir=work/work,userxattr none merged; echo new >merged/file; cat lower/file merged/file'",
        "old new",
    ),
    job(
        "Give a program a file that is on no disk",
        "echo secret | space execute --user --id --mnt --tmpfs /tmp --file 0 /tmp/file \
         cat /tmp/file",
        "echo secret | bwrap --dev-bind / / --tmpfs /tmp --file 0 /tmp/file cat /tmp/file",
        "secret",
    ),
    job(
        "Replace a file of the host for a program",
        "space execute --user --id --mnt --ro-bind-data 3 /etc/hosts cat /etc/hosts 3<config",
        "bwrap --dev-bind / / --ro-bind-data 3 /etc/hosts cat /etc/hosts 3<config",
        "text",
    ),
];
