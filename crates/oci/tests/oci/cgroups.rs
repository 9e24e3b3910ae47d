//! The commands that need a cgroup.

use std::fs;

use rustix::process::Pid;
use serde_json::{Value, json};

use crate::bundle::Bundle;
use crate::runtime::{Runtime, reap, run_oci_as, wait_until};

/// Whether the caller may make cgroups: some hierarchy is mounted writable.
fn has_cgroups() -> bool {
    let mounts = fs::read_to_string("/proc/self/mounts").expect("read");
    mounts.lines().any(|line| {
        let words: Vec<_> = line.split(' ').collect();
        words[2].starts_with("cgroup") && words[3].split(',').any(|option| option == "rw")
    })
}

/// A running container with two processes, each of which counts in a file.
struct Running {
    runtime: Runtime,
    bundle: Bundle,
    pid: Pid,
}

impl Running {
    fn new(change: impl FnOnce(&mut Value)) -> Self {
        let script = "count() { while :; do echo >>/tmp/$1; sleep 0.01; done; }; count a & count b";
        let (runtime, bundle) = (Runtime::new(), Bundle::with("bundle", script, change));
        runtime.start_ok(&["create", "--bundle", bundle.path(), "one"]);
        runtime.ok(&["start", "one"]);
        let pid = runtime.pid("one");
        let running = Self { runtime, bundle, pid };
        wait_until("both run", || running.counts().iter().all(|count| *count > 0));
        running
    }

    fn counts(&self) -> [u64; 2] {
        ["a", "b"].map(|name| {
            fs::metadata(self.bundle.rootfs().join("tmp").join(name)).map_or(0, |file| file.len())
        })
    }

    fn finish(self) {
        self.runtime.ok(&["delete", "--force", "one"]);
        assert_eq!(reap(self.pid), 128 + 9);
        drop(self.bundle);
        self.runtime.finish();
    }
}

#[test]
fn a_paused_container_does_nothing_until_it_is_resumed() {
    run_oci_as!([Root], {
        if !has_cgroups() {
            ns_testbed::skip!("no cgroup can be made here");
        }
        let running = Running::new(|_| {});
        let runtime = &running.runtime;
        runtime.ok(&["pause", "one"]);
        assert_eq!(runtime.status("one"), "paused");
        let before = running.counts();
        assert!(runtime.error(&["pause", "one"]).contains("it is paused"));
        assert!(runtime.error(&["exec", "one", "true"]).contains("it is paused"));
        std::thread::sleep(std::time::Duration::from_millis(100));
        assert_eq!(running.counts(), before);
        runtime.ok(&["resume", "one"]);
        assert_eq!(runtime.status("one"), "running");
        wait_until("both count again", || {
            running.counts().iter().zip(before).all(|(count, before)| *count > before)
        });
        assert!(runtime.error(&["resume", "one"]).contains("it is running"));
        running.finish();
    });
}

#[test]
fn a_paused_container_can_be_killed_and_deleted() {
    run_oci_as!([Root], {
        if !has_cgroups() {
            ns_testbed::skip!("no cgroup can be made here");
        }
        let running = Running::new(|_| {});
        running.runtime.ok(&["pause", "one"]);
        running.runtime.ok(&["kill", "one", "KILL"]);
        assert_eq!(reap(running.pid), 128 + 9);
        running.runtime.ok(&["delete", "one"]);
        drop(running.bundle);
        running.runtime.finish();

        let running = Running::new(|_| {});
        running.runtime.ok(&["pause", "one"]);
        running.finish();
    });
}

#[test]
fn all_processes_are_listed_counted_and_killed() {
    run_oci_as!([Root], {
        if !has_cgroups() {
            ns_testbed::skip!("no cgroup can be made here");
        }
        // Without a pid namespace of its own: nothing else would end the other process.
        let running = Running::new(|config| {
            let namespaces = config["linux"]["namespaces"].as_array_mut().expect("a list");
            namespaces.retain(|namespace| namespace["type"] != "pid");
            config["mounts"][0] = json!({
                "destination": "/proc", "type": "bind", "source": "/proc", "options": ["rbind"],
            });
        });
        let runtime = &running.runtime;
        let pids: Vec<i32> =
            serde_json::from_str(&runtime.ok(&["ps", "--format", "json", "one"])).expect("JSON");
        assert!(pids.contains(&running.pid.as_raw_nonzero().get()) && pids.len() >= 2, "{pids:?}");
        let event: Value =
            serde_json::from_str(&runtime.ok(&["events", "--stats", "one"])).expect("JSON");
        assert_eq!((&event["type"], &event["id"]), (&"stats".into(), &"one".into()));
        runtime.ok(&["kill", "--all", "one", "KILL"]);
        assert_eq!(reap(running.pid), 128 + 9);
        wait_until("all are reaped", || {
            use rustix::process::{WaitOptions, wait};
            wait(WaitOptions::NOHANG).is_err()
        });
        runtime.ok(&["delete", "one"]);
        drop(running.bundle);
        running.runtime.finish();
    });
}
