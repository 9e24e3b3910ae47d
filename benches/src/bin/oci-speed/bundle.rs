//! The bundle of the measured containers.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// Whether the container has cgroups of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cgroups {
    New,
    /// No path and no namespace. runc makes cgroups nevertheless.
    None,
}

impl fmt::Display for Cgroups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::New => "with cgroups",
            Self::None => "without cgroups (runc makes them nevertheless)",
        })
    }
}

/// Writes a bundle and returns its path. The container executes `args` in the directory `rootfs`.
pub(crate) fn write(
    directory: &Path,
    cgroups: Cgroups,
    patch: &Value,
    args: &[&str],
) -> io::Result<PathBuf> {
    let root = directory.join("rootfs");
    fs::copy(benches::TINY, root.join("tiny"))?;
    let bundle = directory.join("bundle");
    fs::create_dir_all(&bundle)?;
    let mut config = config(&root, args);
    if cgroups == Cgroups::New {
        merge(&mut config, &json!({"linux": {"cgroupsPath": "/oci-speed/c"}}));
        let namespaces = config["linux"]["namespaces"].as_array_mut();
        namespaces.expect("an array, as below").push(json!({"type": "cgroup"}));
    }
    merge(&mut config, patch);
    fs::write(bundle.join("config.json"), config.to_string())?;
    Ok(bundle)
}

/// What an engine asks for: five namespaces, the usual mounts, few capabilities.
fn config(root: &Path, args: &[&str]) -> Value {
    let capabilities =
        ["CAP_CHOWN", "CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_SETGID", "CAP_SETUID"];
    let namespaces = ["pid", "ipc", "uts", "mount", "network"].map(|kind| json!({"type": kind}));
    let mount = |target: &str, kind: &str, options: &str| {
        let options: Vec<_> = options.split(',').collect();
        json!({"destination": target, "type": kind, "source": kind, "options": options})
    };
    json!({
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": 0, "gid": 0}, "args": args, "env": ["PATH=/bin"], "cwd": "/",
            "capabilities": {
                "bounding": capabilities, "effective": capabilities, "permitted": capabilities,
            },
            "noNewPrivileges": true,
        },
        "root": {"path": root, "readonly": true},
        "hostname": "case",
        "mounts": [
            mount("/proc", "proc", "nosuid,noexec,nodev"),
            mount("/dev", "tmpfs", "nosuid,strictatime,mode=755,size=65536k"),
            mount("/dev/pts", "devpts", "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620"),
            mount("/dev/shm", "tmpfs", "nosuid,noexec,nodev,mode=1777,size=65536k"),
            mount("/dev/mqueue", "mqueue", "nosuid,noexec,nodev"),
            mount("/sys", "sysfs", "nosuid,noexec,nodev,ro"),
        ],
        "linux": {
            "namespaces": namespaces,
            "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
            "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys"],
        },
    })
}

/// Applies a merge patch: objects are merged, null removes a field, another value replaces it.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (name, value) in fields {
        if value.is_null() {
            target.as_object_mut().expect("made above").remove(name);
        } else {
            merge(&mut target[name], value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_adds_replaces_and_removes_fields() {
        let mut value = json!({"a": {"b": 1, "c": 2}, "d": [1], "e": 1});
        merge(&mut value, &json!({"a": {"b": null, "x": {"y": 3}}, "d": [2], "e": {"f": 1}}));
        assert_eq!(value, json!({"a": {"c": 2, "x": {"y": 3}}, "d": [2], "e": {"f": 1}}));
    }
}
