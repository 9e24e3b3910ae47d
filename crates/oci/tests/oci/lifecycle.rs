//! From `create` to `delete`.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

use crate::bundle::Bundle;
use crate::runtime::{Runtime, reap, run_oci_as, wait_until};

#[test]
fn a_container_is_created_started_and_deleted() {
    run_oci_as!([Root, User], {
        let runtime = Runtime::new();
        let bundle = Bundle::new("bundle", "echo started >/tmp/file; exec sleep 1000");
        let pid_file = std::env::temp_dir().join("pid");
        let file = pid_file.to_str().expect("UTF-8");
        runtime.start_ok(&["create", "--bundle", bundle.path(), "--pid-file", file, "one"]);
        let pid = fs::read_to_string(&pid_file).expect("a pid file");
        fs::remove_file(pid_file).expect("remove");
        let state = runtime.state("one");
        assert_eq!(state["status"], "created");
        assert_eq!(state["pid"].to_string(), pid);
        assert_eq!(state["id"], "one");
        assert_eq!(state["ociVersion"], "1.2.0");
        assert_eq!(state["bundle"], bundle.path());
        let file = bundle.rootfs().join("tmp/file");
        assert!(!file.exists(), "executed by create");

        runtime.ok(&["start", "one"]);
        assert_eq!(runtime.status("one"), "running");
        wait_until("the program runs", || file.exists());
        assert!(runtime.error(&["start", "one"]).contains("it is running, not created"));
        assert!(runtime.error(&["delete", "one"]).contains("use --force"));

        let pid = runtime.pid("one");
        runtime.ok(&["kill", "one", "KILL"]);
        assert_eq!(reap(pid), 128 + 9);
        let state = runtime.state("one");
        assert_eq!((&state["status"], &state["pid"]), (&"stopped".into(), &0.into()));
        assert!(runtime.error(&["kill", "one", "TERM"]).contains("is not running"));
        runtime.ok(&["delete", "one"]);
        assert!(runtime.error(&["state", "one"]).contains("container one does not exist"));
        runtime.finish();
    });
}

#[test]
fn run_returns_the_status_of_the_program() {
    run_oci_as!([Root, User], {
        let runtime = Runtime::new();
        for (script, code) in [("exit 7", 7), ("kill -9 $$", 0), ("true", 0)] {
            let bundle = Bundle::new("bundle", script);
            let output = runtime.run(&["run", "--bundle", bundle.path(), "one"]);
            assert_eq!(output.status.code(), Some(code), "{output:?}");
        }
        // As process 1 the shell cannot kill itself; its child can be killed.
        let bundle = Bundle::new("bundle", "sh -c 'kill -9 $$'; exit $?");
        let output = runtime.run(&["run", "--bundle", bundle.path(), "one"]);
        assert_eq!(output.status.code(), Some(128 + 9), "{output:?}");
        drop(bundle);
        runtime.finish();
    });
}

#[test]
fn the_program_is_a_child_of_the_one_who_called_create() {
    run_oci_as!([Root, User], {
        let runtime = Runtime::new();
        let bundle = Bundle::new("bundle", "exit 5");
        runtime.start_ok(&["create", "--bundle", bundle.path(), "one"]);
        let pid = runtime.pid("one");
        runtime.ok(&["start", "one"]);
        assert_eq!(reap(pid), 5);
        runtime.ok(&["delete", "one"]);
        runtime.finish();
    });
}

#[test]
fn a_created_container_can_be_deleted() {
    run_oci_as!([Root, User], {
        let runtime = Runtime::new();
        let bundle = Bundle::new("bundle", "true");
        for delete in [&["delete", "one"][..], &["delete", "--force", "one"]] {
            runtime.start_ok(&["create", "--bundle", bundle.path(), "one"]);
            let pid = runtime.pid("one");
            runtime.ok(delete);
            assert_eq!(reap(pid), 128 + 9);
        }
        runtime.ok(&["delete", "--force", "one"]);
        runtime.finish();
    });
}

#[test]
fn a_created_container_that_was_killed_is_stopped() {
    run_oci_as!([Root, User], {
        let runtime = Runtime::new();
        let bundle = Bundle::new("bundle", "true");
        runtime.start_ok(&["create", "--bundle", bundle.path(), "one"]);
        let pid = runtime.pid("one");
        kill_process(pid, Signal::KILL).expect("kill");
        assert_eq!(reap(pid), 128 + 9);
        assert_eq!(runtime.status("one"), "stopped");
        assert!(runtime.error(&["start", "one"]).contains("it is stopped, not created"));
        runtime.ok(&["delete", "one"]);
        runtime.finish();
    });
}

#[test]
fn signals_reach_process_1() {
    run_oci_as!([Root, User], {
        let runtime = Runtime::new();
        let bundle = Bundle::new(
            "bundle",
            "trap 'exit 3' USR1; echo >/tmp/ready; while :; do sleep 0.01; done",
        );
        runtime.start_ok(&["create", "--bundle", bundle.path(), "one"]);
        runtime.ok(&["start", "one"]);
        let ready = bundle.rootfs().join("tmp/ready");
        wait_until("the trap is set", || ready.exists());
        let pid = runtime.pid("one");
        runtime.ok(&["kill", "one", "SIGUSR1"]);
        assert_eq!(reap(pid), 3);
        runtime.ok(&["delete", "one"]);
        runtime.finish();
    });
}

#[test]
fn list_shows_all_containers() {
    run_oci_as!([Root, User], {
        let runtime = Runtime::new();
        assert_eq!(runtime.ok(&["list", "--quiet"]), "");
        let names = ["b", "a"];
        let bundles = names.map(|name| Bundle::new(name, "exec sleep 1000"));
        let create = |(id, bundle): (&str, &Bundle)| {
            runtime.start_ok(&["create", "--bundle", bundle.path(), id]);
            runtime.pid(id)
        };
        let pids: Vec<Pid> = names.into_iter().zip(&bundles).map(create).collect();
        runtime.ok(&["start", "b"]);
        assert_eq!(runtime.ok(&["list", "--quiet"]), "a\nb\n");
        let list: serde_json::Value =
            serde_json::from_str(&runtime.ok(&["list", "--format", "json"])).expect("JSON");
        let pair = |index: usize| (list[index]["id"].clone(), list[index]["status"].clone());
        assert_eq!(pair(0), ("a".into(), "created".into()));
        assert_eq!(pair(1), ("b".into(), "running".into()));
        let table = runtime.ok(&["list"]);
        assert!(table.starts_with("ID"), "{table}");
        assert_eq!(table.lines().count(), 3);
        for id in ["a", "b"] {
            runtime.ok(&["delete", "--force", id]);
        }
        for pid in pids {
            assert_eq!(reap(pid), 128 + 9);
        }
        runtime.finish();
    });
}
