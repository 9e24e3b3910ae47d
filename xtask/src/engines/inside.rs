//! What the sandbox has of its own: mounts, cgroups, a user, and the image.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use super::hierarchy::{self, CGROUPS, Hierarchy, Layout};

/// The user of the group `rootless`.
pub(super) const UID: u32 = 4242;

/// What the machine may have of its own containers.
const HIDDEN: [&str; 7] = [
    "/run",
    "/dev/shm",
    "/etc/containers",
    "/var/lib/containers",
    "/var/lib/containerd",
    "/var/lib/cni",
    "/var/tmp",
];

/// podman imports no image without a policy.
const POLICY: &str = r#"{"default": [{"type": "insecureAcceptAnything"}]}"#;

/// Files of the machine with a line for the user.
const USER_FILES: [(&str, &str); 4] = [
    ("/etc/passwd", "engines:x:4242:4242::/:/bin/sh\n"),
    ("/etc/group", "engines:x:4242:\n"),
    ("/etc/subuid", "engines:3000000:65536\n"),
    ("/etc/subgid", "engines:3000000:65536\n"),
];

/// Makes the mounts of the sandbox and the root directory of the containers, below `directory`.
pub(super) fn prepare(sh: &Shell, directory: &Path, cgroups: Layout) -> Result<()> {
    cmd!(sh, "mount -t tmpfs -o mode=755 tmpfs {directory}").quiet().run()?;
    mount_cgroups(sh, cgroups)?;
    for hidden in HIDDEN.iter().filter(|hidden| Path::new(hidden).exists()) {
        let mode = if hidden.ends_with("shm") || hidden.ends_with("tmp") { "1777" } else { "755" };
        cmd!(sh, "mount -t tmpfs -o mode={mode} tmpfs {hidden}").quiet().run()?;
    }
    sh.write_file("/etc/containers/policy.json", POLICY)?;
    sh.write_file(directory.join("bundle.json"), include_str!("bundle.json"))?;
    user(sh, directory)?;
    cmd!(sh, "ip link set lo up").quiet().run()?;
    rootfs(sh, &directory.join("rootfs"))
}

/// Mounts the cgroup hierarchies again, so that the cgroup of this process is their root.
fn mount_cgroups(sh: &Shell, layout: Layout) -> Result<()> {
    let hierarchies = layout.of(hierarchy::all()?)?;
    cmd!(sh, "umount --recursive {CGROUPS}").quiet().run()?;
    if hierarchies.iter().all(|hierarchy| hierarchy.point != Path::new(CGROUPS)) {
        cmd!(sh, "mount -t tmpfs -o mode=755 tmpfs {CGROUPS}").quiet().run()?;
    }
    for Hierarchy { point, options, .. } in &hierarchies {
        sh.create_dir(point)?;
        cmd!(sh, "mount {options...} cgroup {point}").quiet().run()?;
        leave_root(point)?;
    }
    Ok(())
}

/// In version 2 a cgroup with processes has no controllers for those below it: all processes go to one of their own.
fn leave_root(point: &Path) -> Result<()> {
    let controllers = point.join("cgroup.controllers");
    let Ok(controllers) = fs::read_to_string(controllers) else { return Ok(()) };
    let leaf = point.join("engines");
    fs::create_dir(&leaf)?;
    for pid in fs::read_to_string(point.join("cgroup.procs"))?.lines() {
        fs::write(leaf.join("cgroup.procs"), pid)?;
    }
    for controller in controllers.split_whitespace() {
        // Some controllers cannot be enabled while real-time processes exist.
        _ = fs::write(point.join("cgroup.subtree_control"), format!("+{controller}"));
    }
    Ok(())
}

/// Adds the user, by files that are mounted over those of the machine.
fn user(sh: &Shell, directory: &Path) -> Result<()> {
    for (file, line) in USER_FILES {
        let own = directory.join(file.trim_start_matches("/etc/"));
        ensure!(Path::new(file).exists(), "{file} is missing; install the package uidmap");
        let mut text = fs::read_to_string(file)?;
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        fs::write(&own, text + line)?;
        cmd!(sh, "mount --bind {own} {file}").quiet().run()?;
    }
    let home = directory.join("home");
    sh.create_dir(&home)?;
    std::os::unix::fs::chown(&home, Some(UID), Some(UID))?;
    Ok(())
}

/// Makes a root directory with busybox and its commands.
fn rootfs(sh: &Shell, root: &Path) -> Result<()> {
    for name in ["bin", "dev", "etc", "home", "proc", "run", "sys", "tmp", "usr", "var"] {
        sh.create_dir(root.join(name))?;
    }
    fs::set_permissions(root.join("tmp"), fs::Permissions::from_mode(0o1777))?;
    let busybox = cmd!(sh, "which busybox").quiet().read()?;
    sh.copy_file(busybox, root.join("bin/busybox"))?;
    for name in cmd!(sh, "busybox --list").quiet().read()?.lines() {
        _ = symlink("busybox", root.join("bin").join(name));
    }
    let passwd = "root:x:0:0::/:/bin/sh\nbox:x:1000:1000::/home:/bin/sh\n";
    sh.write_file(root.join("etc/passwd"), passwd)?;
    sh.write_file(root.join("etc/group"), "root:x:0:\nbox:x:1000:\nextra:x:2000:box\n")?;
    sh.write_file(root.join("etc/data"), "data\n")?;
    let run = cmd!(sh, "chroot {root} /bin/busybox true").quiet().ignore_stderr().run();
    run.context("busybox does not run alone; install the package busybox-static")
}
