//! What is refused, with what message, and that nothing is left.

use std::fs;

use serde_json::{Value, json};

use crate::bundle::{Bundle, add_mount};
use crate::runtime::{Runtime, run_oci_as};

/// The message of `create` with this configuration.
fn refused(change: impl FnOnce(&mut Value)) -> String {
    let runtime = Runtime::new();
    let bundle = Bundle::with("bundle", "true", change);
    let message = runtime.error(&["create", "--bundle", bundle.path(), "one"]);
    drop(bundle);
    runtime.finish();
    message
}

fn assert_refused(parts: &[&str], change: impl FnOnce(&mut Value)) {
    let message = refused(change);
    for part in parts {
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[test]
fn names_of_containers_are_checked() {
    run_oci_as!([User], {
        let runtime = Runtime::new();
        for id in ["", "..", "a/b", "a b"] {
            assert!(runtime.error(&["state", id]).contains("container"), "{id}");
        }
        runtime.finish();
    });
}

#[test]
fn a_name_is_used_once() {
    run_oci_as!([Root, User], {
        let runtime = Runtime::new();
        let bundle = Bundle::new("bundle", "true");
        runtime.start_ok(&["create", "--bundle", bundle.path(), "one"]);
        let pid = runtime.pid("one");
        let message = runtime.error(&["create", "--bundle", bundle.path(), "one"]);
        assert!(message.contains("container one already exists"), "{message}");
        // The first one is unharmed.
        runtime.ok(&["start", "one"]);
        assert_eq!(crate::runtime::reap(pid), 0);
        runtime.ok(&["delete", "one"]);
        drop(bundle);
        runtime.finish();
    });
}

#[test]
fn a_bundle_without_a_configuration_is_named() {
    run_oci_as!([User], {
        let runtime = Runtime::new();
        let directory = std::env::temp_dir().join("empty");
        fs::create_dir(&directory).expect("make");
        let path = directory.to_str().expect("UTF-8");
        let message = runtime.error(&["create", "--bundle", path, "one"]);
        assert!(message.contains("config.json") && message.contains("No such file"), "{message}");
        fs::write(directory.join("config.json"), "{").expect("write");
        let message = runtime.error(&["create", "--bundle", path, "one"]);
        assert!(message.contains("config.json") && message.contains("line 1"), "{message}");
        fs::remove_dir_all(directory).expect("remove");
        runtime.finish();
    });
}

#[test]
fn a_missing_program_is_an_error_of_create() {
    run_oci_as!([Root, User], {
        assert_refused(&["ENOENT", "no-such-program"], |config| {
            config["process"]["args"] = json!(["no-such-program"]);
        });
        assert_refused(&["EACCES", "/etc"], |config| {
            config["process"]["args"] = json!(["/etc"]);
        });
    });
}

#[test]
fn fields_that_cannot_be_honoured_are_refused() {
    run_oci_as!([Root, User], {
        type Change = fn(&mut Value);
        let cases: &[(&[&str], Change)] = &[
            (&["ociVersion", "2.0.0"], |config| config["ociVersion"] = "2.0.0".into()),
            (&["process.args", "empty"], |config| config["process"]["args"] = json!([])),
            (&["process.cwd", "not absolute"], |config| config["process"]["cwd"] = "tmp".into()),
            (&["process.env", "NAME=VALUE"], |config| config["process"]["env"] = json!(["x"])),
            (&["umask"], |config| config["process"]["user"]["umask"] = 0o1000.into()),
            (&["rlimits", "more than once"], |config| {
                let limit = json!({ "type": "RLIMIT_CORE", "soft": 0, "hard": 0 });
                config["process"]["rlimits"] = json!([limit, limit]);
            }),
            (&["rlimits", "larger"], |config| {
                config["process"]["rlimits"] =
                    json!([{ "type": "RLIMIT_CORE", "soft": 2, "hard": 1 }]);
            }),
            (&["root.path", "No such file"], |config| config["root"]["path"] = "no".into()),
            (&["mount namespace"], |config| {
                let namespaces = config["linux"]["namespaces"].as_array_mut().expect("a list");
                namespaces.retain(|namespace| namespace["type"] != "mount");
            }),
            (&["linux.namespaces", "more than once"], |config| {
                let namespaces = config["linux"]["namespaces"].as_array_mut().expect("a list");
                namespaces.push(json!({ "type": "pid" }));
            }),
            (&["hostname", "uts"], |config| {
                config["hostname"] = "x".into();
                let namespaces = config["linux"]["namespaces"].as_array_mut().expect("a list");
                namespaces.retain(|namespace| namespace["type"] != "uts");
            }),
            (&["sysctl", "kernel.panic"], |config| {
                config["linux"]["sysctl"] = json!({ "kernel.panic": "1" });
            }),
            (&["timeOffsets"], |config| {
                config["linux"]["timeOffsets"] = json!({ "boottime": { "secs": 1 } });
            }),
            (&["mounts[", "/proc/sys", "hide"], |config| {
                add_mount(config, &json!({ "destination": "/proc/sys", "type": "tmpfs" }));
            }),
            (&["mounts[", "on /x", "`type`"], |config| {
                add_mount(config, &json!({ "destination": "/x" }));
            }),
            (&["mounts[", "on /x", "`source`"], |config| {
                add_mount(config, &json!({ "destination": "/x", "options": ["bind"] }));
            }),
            (&["one: mount: /x: ENODEV"], |config| {
                add_mount(config, &json!({ "destination": "/x", "type": "no-such" }));
            }),
            (&["/no/such", "No such file"], |config| {
                add_mount(
                    config,
                    &json!({
                        "destination": "/x", "source": "/no/such", "options": ["bind"],
                    }),
                );
            }),
            (&["intelRdt"], |config| config["linux"]["intelRdt"] = json!({ "closID": "x" })),
            (&["console-socket"], |config| config["process"]["terminal"] = true.into()),
        ];
        for (parts, change) in cases {
            assert_refused(parts, change);
        }
    });
}

#[test]
fn the_log_has_one_line_of_json() {
    run_oci_as!([User], {
        let runtime = Runtime::new();
        let path = std::env::temp_dir().join("log");
        let file = path.to_str().expect("UTF-8");
        runtime.error(&["--log", file, "--log-format", "json", "state", "none"]);
        let text = fs::read_to_string(&path).expect("read");
        let line: Value = serde_json::from_str(&text).expect("one JSON object");
        assert_eq!(line["level"], "error");
        assert_eq!(line["msg"], "container none does not exist");
        fs::remove_file(path).expect("remove");
        runtime.finish();
    });
}
