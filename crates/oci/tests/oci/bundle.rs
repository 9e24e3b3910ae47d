//! A bundle with the programs of the machine.

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rustix::process::{getegid, geteuid};
use serde_json::{Value, json};

/// A bundle in the directory of the test. The last value removes it.
pub(crate) struct Bundle {
    path: PathBuf,
}

impl Bundle {
    /// A bundle whose process is `sh -c SCRIPT`.
    pub(crate) fn new(name: &str, script: &str) -> Self {
        Self::with(name, script, |_| {})
    }

    /// With changes of its configuration.
    pub(crate) fn with(name: &str, script: &str, change: impl FnOnce(&mut Value)) -> Self {
        let path = env::temp_dir().join(name);
        let rootfs = path.join("rootfs");
        for directory in ["etc", "tmp", "usr", "proc", "dev"] {
            fs::create_dir_all(rootfs.join(directory)).expect("make the root");
        }
        let mut config = config(name, script);
        add_programs(&rootfs, &mut config);
        change(&mut config);
        let bundle = Self { path };
        bundle.write(&config);
        bundle
    }

    pub(crate) fn write(&self, config: &Value) {
        fs::write(self.path.join("config.json"), config.to_string()).expect("write");
    }

    pub(crate) fn path(&self) -> &str {
        self.path.to_str().expect("UTF-8")
    }

    pub(crate) fn rootfs(&self) -> PathBuf {
        self.path.join("rootfs")
    }
}

impl Drop for Bundle {
    fn drop(&mut self) {
        // A second panic would hide the first; what is left fails the test.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// The namespaces of most containers. An ordinary user needs a user namespace.
fn config(name: &str, script: &str) -> Value {
    let kinds = ["pid", "mount", "uts", "ipc", "network"];
    let mut linux = json!({ "namespaces": kinds.map(|kind| json!({ "type": kind })) });
    if geteuid().is_root() {
        // Other tests use the same name of a container.
        linux["cgroupsPath"] = format!("/{}-{name}", ns_testbed::own_name()).into();
    } else {
        add_user_namespace(&mut linux);
    }
    json!({
        "ociVersion": "1.2.0",
        "root": { "path": "rootfs" },
        "process": {
            "user": { "uid": 0, "gid": 0 },
            "args": ["sh", "-c", script],
            "env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
            "cwd": "/",
        },
        "mounts": [
            { "destination": "/proc", "type": "proc", "source": "proc" },
            { "destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"] },
        ],
        "linux": linux,
    })
}

fn add_user_namespace(linux: &mut Value) {
    linux["namespaces"].as_array_mut().expect("a list").push(json!({ "type": "user" }));
    let map = |id: u32| json!([{ "containerID": 0, "hostID": id, "size": 1 }]);
    linux["uidMappings"] = map(geteuid().as_raw());
    linux["gidMappings"] = map(getegid().as_raw());
}

/// Adds the directories of the machine's programs and libraries, as they are here: links or directories.
fn add_programs(rootfs: &Path, config: &mut Value) {
    for name in ["usr", "bin", "sbin", "lib", "lib64"] {
        let (host, inside) = (Path::new("/").join(name), rootfs.join(name));
        match fs::read_link(&host) {
            Ok(to) => symlink(to, inside).expect("link"),
            Err(_) if host.is_dir() => add_mount(
                config,
                &json!({
                    "destination": host, "type": "bind", "source": host, "options": ["rbind", "ro"],
                }),
            ),
            Err(_) => {}
        }
    }
}

pub(crate) fn add_mount(config: &mut Value, mount: &Value) {
    config["mounts"].as_array_mut().expect("a list").push(mount.clone());
}
