//! Hooks.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::bundle::Bundle;
use crate::runtime::{Runtime, reap, run_oci_as};

/// A file that the hooks of a test append to.
fn log() -> PathBuf {
    std::env::temp_dir().join("log")
}

/// A hook that runs a script.
fn hook(script: &str) -> Value {
    json!({ "path": "/bin/sh", "args": ["sh", "-c", script], "env": ["ONLY=this", "PATH=/usr/bin:/bin"] })
}

/// A hook of each kind, which appends its name and the status that it reads.
fn hooks_of_each_kind() -> Value {
    let log = log();
    let append = |name: &str| {
        let script = format!(
            "status=$(grep -o '\"status\":\"[a-z]*\"'); echo {name} $status $ONLY$HOME >>{}",
            log.display()
        );
        json!([hook(&script)])
    };
    json!({
        "prestart": append("prestart"),
        "createRuntime": append("createRuntime"),
        "createContainer": append("createContainer"),
        "poststart": append("poststart"),
        "poststop": append("poststop"),
    })
}

#[test]
fn hooks_run_in_order_with_the_state_and_their_own_environment() {
    run_oci_as!([Root, User], {
        let runtime = Runtime::new();
        let bundle =
            Bundle::with("bundle", "true", |config| config["hooks"] = hooks_of_each_kind());
        runtime.start_ok(&["create", "--bundle", bundle.path(), "one"]);
        let lines = || fs::read_to_string(log()).expect("read");
        let created = ["prestart", "createRuntime", "createContainer"]
            .map(|name| format!("{name} \"status\":\"creating\" this\n"))
            .concat();
        assert_eq!(lines(), created);
        let pid = runtime.pid("one");
        runtime.ok(&["start", "one"]);
        assert_eq!(lines(), format!("{created}poststart \"status\":\"running\" this\n"));
        assert_eq!(reap(pid), 0);
        runtime.ok(&["delete", "one"]);
        assert!(lines().ends_with("poststop \"status\":\"stopped\" this\n"), "{}", lines());
        fs::remove_file(log()).expect("remove");
        drop(bundle);
        runtime.finish();
    });
}

#[test]
fn hooks_of_the_container_run_in_its_namespaces() {
    run_oci_as!([Root, User], {
        let runtime = Runtime::new();
        let bundle = Bundle::with("bundle", "cat /tmp/hook", |config| {
            config["hostname"] = "inside".into();
            config["hooks"] = json!({ "startContainer": [hook("uname -n >/tmp/hook; ls -d /proc/1 >>/tmp/hook")] });
        });
        assert_eq!(runtime.ok(&["run", "--bundle", bundle.path(), "one"]), "inside\n/proc/1\n");
        drop(bundle);
        runtime.finish();
    });
}

#[test]
fn a_failed_hook_fails_the_creation_and_leaves_nothing() {
    run_oci_as!([Root, User], {
        let runtime = Runtime::new();
        let bundle = Bundle::with("bundle", "true", |config| {
            config["hooks"] = hooks_of_each_kind();
            config["hooks"]["createRuntime"] = json!([hook("echo why >&2; exit 3")]);
        });
        let message = runtime.error(&["create", "--bundle", bundle.path(), "one"]);
        for part in ["hooks.createRuntime[0] /bin/sh", "exit status: 3", "why"] {
            assert!(message.contains(part), "{part}: {message}");
        }
        let lines = fs::read_to_string(log()).expect("read");
        assert!(lines.contains("poststop"), "{lines}");
        fs::remove_file(log()).expect("remove");
        drop(bundle);
        runtime.finish();
    });
}

#[test]
fn a_hook_is_killed_at_its_time_limit() {
    run_oci_as!([Root, User], {
        let runtime = Runtime::new();
        let bundle = Bundle::with("bundle", "true", |config| {
            let mut hook = hook("exec sleep 1000");
            hook["timeout"] = 1.into();
            config["hooks"] = json!({ "prestart": [hook] });
        });
        let message = runtime.error(&["create", "--bundle", bundle.path(), "one"]);
        assert!(message.contains("did not end within 1 s"), "{message}");
        drop(bundle);
        runtime.finish();
    });
}

#[test]
fn a_failed_poststart_hook_is_a_warning() {
    run_oci_as!([Root, User], {
        let runtime = Runtime::new();
        let bundle = Bundle::with("bundle", "exec sleep 1000", |config| {
            config["hooks"] = json!({ "poststart": [hook("exit 1")] });
        });
        runtime.start_ok(&["create", "--bundle", bundle.path(), "one"]);
        let pid = runtime.pid("one");
        let output = runtime.run(&["start", "one"]);
        let text = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(output.status.success() && text.contains("hooks.poststart /bin/sh"), "{text}");
        assert_eq!(runtime.status("one"), "running");
        runtime.ok(&["delete", "--force", "one"]);
        assert_eq!(reap(pid), 128 + 9);
        drop(bundle);
        runtime.finish();
    });
}
