//! What the program sees of the fields of its configuration.

use std::fs;

use serde_json::{Value, json};

use crate::bundle::Bundle;
use crate::runtime::{Runtime, run_oci_as};

/// The output of a script in a container with this configuration.
fn output(script: &str, change: impl FnOnce(&mut Value)) -> String {
    let runtime = Runtime::new();
    let bundle = Bundle::with("bundle", script, change);
    let output = runtime.ok(&["run", "--bundle", bundle.path(), "one"]);
    drop(bundle);
    runtime.finish();
    output
}

/// The lines of /proc/self/status that begin with a name, without it.
fn of_status(name: &str, change: impl FnOnce(&mut Value)) -> String {
    let text = output(&format!("grep '^{name}' /proc/self/status"), change);
    text.lines().map(|line| line.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")).fold(
        String::new(),
        |mut all, line| {
            if !all.is_empty() {
                all.push('|');
            }
            all + &line
        },
    )
}

#[test]
fn the_environment_is_that_of_the_configuration() {
    run_oci_as!([Root, User], {
        let text = output("env", |config| {
            config["process"]["env"] = json!(["PATH=/usr/bin:/bin", "A=b=c", "EMPTY=", "HOME=/h"]);
        });
        let lines: Vec<_> = text.lines().collect();
        for line in ["A=b=c", "EMPTY=", "HOME=/h", "PATH=/usr/bin:/bin"] {
            assert!(lines.contains(&line), "{text}");
        }
        let allowed = ["A=", "EMPTY=", "HOME=", "PATH=", "PWD=", "SHLVL=", "_=", "OLDPWD="];
        assert!(
            lines.iter().all(|line| allowed.iter().any(|name| line.starts_with(name))),
            "{text}"
        );
    });
}

#[test]
fn home_comes_from_the_passwd_of_the_root() {
    run_oci_as!([Root, User], {
        let runtime = Runtime::new();
        let bundle = Bundle::new("bundle", "echo $HOME");
        let home = || runtime.ok(&["run", "--bundle", bundle.path(), "one"]);
        assert_eq!(home(), "/\n");
        fs::write(bundle.rootfs().join("etc/passwd"), "root:x:0:0::/users/r:/bin/sh\n")
            .expect("write");
        assert_eq!(home(), "/users/r\n");
        // A link out of the root leads to a file inside.
        fs::remove_file(bundle.rootfs().join("etc/passwd")).expect("remove");
        fs::write(bundle.rootfs().join("tmp/users"), "x:x:0:0::/inside:\n").expect("write");
        std::os::unix::fs::symlink("/../../tmp/users", bundle.rootfs().join("etc/passwd"))
            .expect("link");
        assert_eq!(home(), "/inside\n");
        drop(bundle);
        runtime.finish();
    });
}

#[test]
fn the_working_directory_is_created_and_inside() {
    run_oci_as!([Root, User], {
        let pwd = |cwd: &str| output("pwd -P", |config| config["process"]["cwd"] = cwd.into());
        assert_eq!(pwd("/tmp/new/dir"), "/tmp/new/dir\n");
        assert_eq!(pwd("/../../tmp"), "/tmp\n");
    });
}

#[test]
fn ids_and_groups_are_set() {
    run_oci_as!([Root], {
        let ids = output("id -u; id -g; id -G; umask", |config| {
            config["process"]["user"] =
                json!({ "uid": 1000, "gid": 1001, "additionalGids": [5, 10], "umask": 0o27 });
        });
        assert_eq!(ids, "1000\n1001\n1001 5 10\n0027\n");
        assert_eq!(output("id -G", |_| {}), "0\n");
    });
}

#[test]
fn capabilities_are_those_of_the_five_sets() {
    run_oci_as!([Root, User], {
        let sets = of_status("Cap", |config| {
            config["process"]["capabilities"] = json!({
                "bounding": ["CAP_KILL", "CAP_CHOWN"],
                "permitted": ["CAP_KILL", "CAP_CHOWN"],
                "effective": ["CAP_KILL"],
                "inheritable": ["CAP_KILL"],
                // CAP_CHOWN is not inheritable: the kernel does not allow it.
                "ambient": ["CAP_KILL", "CAP_CHOWN"],
            });
        });
        // execve(2) by root gives the bounding and the inheritable set.
        assert_eq!(
            sets,
            "0000000000000020|0000000000000021|0000000000000021|0000000000000021|0000000000000020"
        );
    });
}

#[test]
fn an_ordinary_user_inside_has_the_ambient_capabilities() {
    run_oci_as!([Root], {
        let sets = of_status("Cap[EBA]", |config| {
            let kill = json!(["CAP_KILL"]);
            config["process"]["user"] = json!({ "uid": 7, "gid": 7 });
            config["process"]["capabilities"] = json!({
                "bounding": kill, "permitted": kill, "effective": kill, "inheritable": kill,
                "ambient": kill,
            });
        });
        assert_eq!(sets, "0000000000000020|0000000000000020|0000000000000020");
    });
}

#[test]
fn a_process_without_capabilities_has_none() {
    run_oci_as!([Root, User], {
        let sets = of_status("Cap", |config| {
            config["process"]["capabilities"] = json!({});
        });
        assert_eq!(sets, ["0000000000000000"; 5].join("|"));
    });
}

#[test]
fn limits_and_flags_of_the_process_are_set() {
    run_oci_as!([Root, User], {
        let text = output("ulimit -Sn; ulimit -Hn; grep NoNewPrivs /proc/self/status", |config| {
            config["process"]["rlimits"] =
                json!([{ "type": "RLIMIT_NOFILE", "soft": 100, "hard": 200 }]);
            config["process"]["noNewPrivileges"] = true.into();
        });
        assert_eq!(text, "100\n200\nNoNewPrivs:\t1\n");
        assert_eq!(of_status("NoNewPrivs", |_| {}), "0");
    });
}

#[test]
fn names_of_the_uts_namespace_are_set() {
    run_oci_as!([Root, User], {
        let text = output("uname -n; cat /proc/sys/kernel/domainname", |config| {
            config["hostname"] = "inside".into();
            config["domainname"] = "example".into();
        });
        assert_eq!(text, "inside\nexample\n");
    });
}

#[test]
fn kernel_parameters_of_namespaces_are_set() {
    run_oci_as!([Root, User], {
        let text = output("cat /proc/sys/net/ipv4/ip_forward", |config| {
            config["linux"]["sysctl"] = json!({ "net.ipv4.ip_forward": "1" });
        });
        assert_eq!(text, "1\n");
    });
}

#[test]
fn the_loopback_interface_of_a_new_namespace_is_up() {
    run_oci_as!([Root, User], {
        let flags =
            output("grep -c 'lo' /proc/net/route /proc/net/if_inet6; cat /proc/net/dev", |_| {});
        assert!(flags.contains("lo:"), "{flags}");
        let address = output("cat /proc/net/fib_trie", |_| {});
        assert!(address.contains("127.0.0.1"), "{address}");
    });
}

#[test]
fn oom_score_and_scheduling_are_set() {
    run_oci_as!([Root], {
        let text =
            output("cat /proc/self/oom_score_adj; cut -d' ' -f19,41 /proc/self/stat", |config| {
                config["process"]["oomScoreAdj"] = 321.into();
                config["process"]["scheduler"] = json!({ "policy": "SCHED_BATCH", "nice": 5 });
            });
        assert_eq!(text, "321\n5 3\n");
    });
}

#[test]
fn a_personality_is_set() {
    run_oci_as!([Root, User], {
        let machine = output("uname -m", |config| {
            config["linux"]["personality"] = json!({ "domain": "LINUX32" });
        });
        if cfg!(target_arch = "x86_64") {
            assert_eq!(machine, "i686\n");
        }
    });
}

#[test]
fn clocks_are_shifted() {
    run_oci_as!([Root, User], {
        let text = output("cat /proc/self/timens_offsets", |config| {
            let namespaces = config["linux"]["namespaces"].as_array_mut().expect("a list");
            namespaces.push(json!({ "type": "time" }));
            config["linux"]["timeOffsets"] = json!({ "boottime": { "secs": 1000, "nanosecs": 7 } });
        });
        let words: Vec<_> = text.split_whitespace().collect();
        assert_eq!(words, ["monotonic", "0", "0", "boottime", "1000", "7"]);
    });
}

#[test]
fn a_user_namespace_has_its_maps() {
    run_oci_as!([Root], {
        let text = output("cat /proc/self/uid_map /proc/self/gid_map; id -u", |config| {
            let namespaces = config["linux"]["namespaces"].as_array_mut().expect("a list");
            namespaces.push(json!({ "type": "user" }));
            let map = json!([{ "containerID": 0, "hostID": 100_000, "size": 1000 }]);
            config["linux"]["uidMappings"] = map.clone();
            config["linux"]["gidMappings"] = map;
        });
        let words: Vec<_> = text.split_whitespace().collect();
        assert_eq!(words, ["0", "100000", "1000", "0", "100000", "1000", "0"]);
    });
}

#[test]
fn a_namespace_is_joined_by_its_path() {
    run_oci_as!([Root], {
        let own = fs::read_link("/proc/self/ns/net").expect("a link");
        let joined = output("readlink /proc/self/ns/net", |config| {
            let namespaces = config["linux"]["namespaces"].as_array_mut().expect("a list");
            let path = format!("/proc/{}/ns/net", std::process::id());
            namespaces.retain(|namespace| namespace["type"] != "network");
            namespaces.push(json!({ "type": "network", "path": path }));
        });
        assert_eq!(joined.trim_end(), own.to_str().expect("UTF-8"));
        assert_ne!(output("readlink /proc/self/ns/net", |_| {}), joined);
    });
}

#[test]
fn descriptors_are_passed_only_if_that_is_asked_for() {
    run_oci_as!([Root, User], {
        let runtime = Runtime::new();
        let bundle = Bundle::new("bundle", "ls /proc/self/fd | tr '\\n' ' '");
        let list = |words: &str| {
            let line = format!("exec {words} 3</dev/null 4</dev/null");
            let mut shell = std::process::Command::new("sh");
            let own = runtime.command(&[]);
            let quoted: Vec<_> = std::iter::once(own.get_program())
                .chain(own.get_args())
                .map(|word| word.to_str().expect("UTF-8").to_owned())
                .collect();
            let line = line.replace("RUN", &quoted.join(" "));
            let output = shell.args(["-c", &line]).output().expect("run");
            assert!(output.status.success(), "{output:?}");
            String::from_utf8(output.stdout).expect("UTF-8")
        };
        // ls itself opens the directory.
        assert_eq!(list(&format!("RUN run --bundle {} one", bundle.path())), "0 1 2 3 ");
        let passed = list(&format!("RUN run --preserve-fds 2 --bundle {} one", bundle.path()));
        assert_eq!(passed, "0 1 2 3 4 5 ");
        let line = format!("run --preserve-fds 99 --bundle {} one", bundle.path());
        let words: Vec<_> = line.split(' ').collect();
        assert!(runtime.error(&words).contains("is not open"));
        drop(bundle);
        runtime.finish();
    });
}
