//! `exec`.

use std::fs;

use rustix::process::Pid;
use serde_json::json;

use crate::bundle::Bundle;
use crate::runtime::{Runtime, reap, run_oci_as, wait_until};

/// A running container; its program ends when it is killed.
struct Running {
    runtime: Runtime,
    bundle: Bundle,
    pid: Pid,
}

impl Running {
    fn new() -> Self {
        let (runtime, bundle) = (Runtime::new(), Bundle::new("bundle", "exec sleep 1000"));
        runtime.start_ok(&["create", "--bundle", bundle.path(), "one"]);
        runtime.ok(&["start", "one"]);
        let pid = runtime.pid("one");
        Self { runtime, bundle, pid }
    }

    fn finish(self) {
        self.runtime.ok(&["delete", "--force", "one"]);
        assert_eq!(reap(self.pid), 128 + 9);
        drop(self.bundle);
        self.runtime.finish();
    }
}

#[test]
fn a_program_runs_in_all_namespaces_of_the_container() {
    run_oci_as!([Root, User], {
        let running = Running::new();
        let script = "for n in pid mnt uts ipc net user; do readlink /proc/self/ns/$n; done";
        let own = running.runtime.ok(&["exec", "one", "sh", "-c", script]);
        let of_init: String = ["pid", "mnt", "uts", "ipc", "net", "user"]
            .iter()
            .map(|kind| {
                let link = format!("/proc/{}/ns/{kind}", running.pid.as_raw_nonzero());
                fs::read_link(link).expect("a link").to_str().expect("UTF-8").to_owned() + "\n"
            })
            .collect();
        assert_eq!(own, of_init);
        assert_eq!(
            running.runtime.ok(&["exec", "one", "readlink", "/proc/1/exe"]),
            "/usr/bin/sleep\n"
        );
        running.finish();
    });
}

#[test]
fn the_status_of_the_program_is_returned() {
    run_oci_as!([Root, User], {
        let running = Running::new();
        let code = |script| running.runtime.run(&["exec", "one", "sh", "-c", script]).status.code();
        assert_eq!(code("exit 3"), Some(3));
        assert_eq!(code("kill -9 $$"), Some(128 + 9));
        let message = running.runtime.error(&["exec", "one", "/no/such"]);
        assert!(message.contains("ENOENT") && message.contains("/no/such"), "{message}");
        running.finish();
    });
}

#[test]
fn options_change_the_process() {
    run_oci_as!([Root], {
        let running = Running::new();
        let script =
            "id -u; id -g; id -G; pwd; echo $A; grep -E 'CapEff|CapBnd|NoNew' /proc/self/status";
        let text = running.runtime.ok(&[
            "exec",
            "--user",
            "5:6",
            "--additional-gids",
            "9",
            "--cwd",
            "/tmp",
            "--env",
            "A=b",
            "--no-new-privs",
            "one",
            "sh",
            "-c",
            script,
        ]);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[..5], ["5", "6", "6 9", "/tmp", "b"]);
        assert_eq!(lines[5], "CapEff:\t0000000000000000");
        assert_eq!(lines[7], "NoNewPrivs:\t1");
        running.finish();
    });
}

#[test]
fn a_file_describes_the_process() {
    run_oci_as!([Root, User], {
        let running = Running::new();
        let path = std::env::temp_dir().join("process.json");
        let process = json!({
            "user": { "uid": 0, "gid": 0 }, "cwd": "/tmp", "env": ["PATH=/usr/bin:/bin", "X=y"],
            "args": ["sh", "-c", "pwd; echo $X; exit 4"],
        });
        fs::write(&path, process.to_string()).expect("write");
        let words = ["exec", "--process", path.to_str().expect("UTF-8"), "one"];
        let output = running.runtime.run(&words);
        assert_eq!(output.status.code(), Some(4), "{output:?}");
        assert_eq!(output.stdout, b"/tmp\ny\n");
        fs::remove_file(path).expect("remove");
        running.finish();
    });
}

#[test]
fn a_detached_program_outlives_the_command() {
    run_oci_as!([Root, User], {
        let running = Running::new();
        let path = std::env::temp_dir().join("pid");
        let file = path.to_str().expect("UTF-8");
        let script = "echo >/tmp/ran; sleep 1000";
        running.runtime.start_ok(&[
            "exec",
            "--detach",
            "--pid-file",
            file,
            "one",
            "sh",
            "-c",
            script,
        ]);
        let pid =
            fs::read_to_string(&path).expect("a pid file").parse().ok().and_then(Pid::from_raw);
        let pid = pid.expect("a process ID");
        fs::remove_file(path).expect("remove");
        let ran = running.bundle.rootfs().join("tmp/ran");
        wait_until("the program runs", || ran.exists());
        // Process 1 waits for it: its end is the end of the pid namespace.
        running.runtime.start_ok(&["kill", "one", "KILL"]);
        assert_eq!(reap(pid), 128 + 9);
        running.finish();
    });
}

#[test]
fn the_status_of_a_detached_program_is_for_the_caller() {
    run_oci_as!([Root, User], {
        let running = Running::new();
        let path = std::env::temp_dir().join("pid");
        let file = path.to_str().expect("UTF-8");
        for _ in 0..10 {
            // It may exit before the command does.
            running.runtime.start_ok(&["exec", "--detach", "--pid-file", file, "one", "true"]);
            let pid = fs::read_to_string(&path).expect("a pid file");
            assert_eq!(reap(pid.parse().ok().and_then(Pid::from_raw).expect("a process ID")), 0);
        }
        fs::remove_file(path).expect("remove");
        running.finish();
    });
}

#[test]
fn a_container_that_does_not_run_is_refused() {
    run_oci_as!([Root, User], {
        let runtime = Runtime::new();
        assert!(runtime.error(&["exec", "one", "true"]).contains("does not exist"));
        let bundle = Bundle::new("bundle", "true");
        runtime.start_ok(&["create", "--bundle", bundle.path(), "one"]);
        let pid = runtime.pid("one");
        runtime.ok(&["start", "one"]);
        assert_eq!(reap(pid), 0);
        assert!(runtime.error(&["exec", "one", "true"]).contains("it is stopped"));
        runtime.ok(&["delete", "one"]);
        drop(bundle);
        runtime.finish();
    });
}
