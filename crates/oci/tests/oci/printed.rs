//! What `features` and `spec` print.

use std::fs;
use std::path::Path;

use rustix::process::geteuid;
use serde_json::{Value, json};

use crate::bundle::Bundle;
use crate::runtime::{Runtime, run_oci_as};

fn read(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).expect("read")).expect("JSON")
}

#[test]
fn features_names_what_the_runtime_supports() {
    run_oci_as!([Root, User], {
        let runtime = Runtime::new();
        let features: Value = serde_json::from_str(&runtime.ok(&["features"])).expect("JSON");
        let has = |path: &str, name: &str| {
            let list = features.pointer(path).and_then(Value::as_array).expect(path);
            list.contains(&name.into())
        };
        assert_eq!(features["ociVersionMin"], "1.0.0");
        assert!(has("/hooks", "createContainer"));
        assert!(has("/mountOptions", "rro") && has("/mountOptions", "bind"));
        assert!(has("/linux/namespaces", "time") && has("/linux/namespaces", "mount"));
        assert!(has("/linux/capabilities", "CAP_CHOWN") && has("/linux/capabilities", "CAP_BPF"));
        assert!(has("/linux/seccomp/actions", "SCMP_ACT_ERRNO"));
        assert!(has("/linux/seccomp/actions", "SCMP_ACT_NOTIFY"));
        assert!(has("/linux/seccomp/operators", "SCMP_CMP_MASKED_EQ"));
        assert!(has("/linux/seccomp/archs", "SCMP_ARCH_AARCH64"));
        assert_eq!(features["linux"]["intelRdt"]["enabled"], false);
        assert_eq!(features.get("annotations"), None);
        runtime.finish();
    });
}

/// A bundle without a configuration, and the one that it had.
fn bundle() -> (Bundle, Value) {
    let bundle = Bundle::new("bundle", "");
    let file = Path::new(bundle.path()).join("config.json");
    let config = read(&file);
    fs::remove_file(file).expect("remove");
    (bundle, config)
}

#[test]
fn spec_writes_a_configuration_that_runs() {
    run_oci_as!([Root, User], {
        let (runtime, (bundle, usual)) = (Runtime::new(), bundle());
        let rootless = !geteuid().is_root();
        let words = ["spec", "--bundle", bundle.path(), "--rootless"];
        runtime.ok(if rootless { &words } else { &words[..3] });
        let mut config = read(&Path::new(bundle.path()).join("config.json"));
        assert_eq!(config["process"]["args"], json!(["sh"]));
        config["process"]["terminal"] = false.into();
        config["process"]["args"] = json!(["sh", "-c", "hostname; grep CapEff /proc/self/status"]);
        config["linux"]["cgroupsPath"] = usual["linux"]["cgroupsPath"].clone();
        let binds = usual["mounts"].as_array().expect("a list").iter();
        let binds = binds.filter(|mount| mount["type"] == "bind").cloned();
        config["mounts"].as_array_mut().expect("a list").extend(binds);
        bundle.write(&config);
        let output = runtime.ok(&["run", "--bundle", bundle.path(), "one"]);
        assert_eq!(output, "ns-oci\nCapEff:\t0000000020000420\n");
        drop(bundle);
        runtime.finish();
    });
}

#[test]
fn spec_does_not_overwrite_a_configuration() {
    run_oci_as!([Root, User], {
        let (runtime, (bundle, _)) = (Runtime::new(), bundle());
        runtime.ok(&["spec", "--bundle", bundle.path()]);
        let message = runtime.error(&["spec", "--bundle", bundle.path()]);
        assert!(message.contains("config.json: remove it first"), "{message}");
        drop(bundle);
        runtime.finish();
    });
}

#[test]
fn spec_of_an_ordinary_user_needs_no_privileges() {
    run_oci_as!([Root, User], {
        let (runtime, (bundle, _)) = (Runtime::new(), bundle());
        runtime.ok(&["spec", "--rootless", "--bundle", bundle.path()]);
        let config = read(&Path::new(bundle.path()).join("config.json"));
        let kinds: Vec<_> = config["linux"]["namespaces"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|one| &one["type"])
            .collect();
        assert!(
            kinds.contains(&&json!("user")) && !kinds.contains(&&json!("network")),
            "{kinds:?}"
        );
        let own = json!([{"containerID": 0, "hostID": geteuid().as_raw(), "size": 1}]);
        assert_eq!(config["linux"]["uidMappings"], own);
        assert_eq!(config["linux"].get("resources"), None);
        assert!(!config["mounts"].to_string().contains("gid="), "{}", config["mounts"]);
        assert!(config["mounts"].to_string().contains("rbind"));
        drop(bundle);
        runtime.finish();
    });
}
