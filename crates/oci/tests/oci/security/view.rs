//! What a process of a container, or a hook, can reach of the runtime and of the machine.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use rustix::process::Pid;
use serde_json::{Value, json};

use crate::bundle::{Bundle, add_mount};
use crate::runtime::{Runtime, reap, run_oci_as};

/// A started container.
struct Running {
    runtime: Runtime,
    bundle: Bundle,
    pid: Pid,
}

impl Running {
    fn with(script: &str, change: impl FnOnce(&mut Value)) -> Self {
        let (runtime, bundle) = (Runtime::new(), Bundle::with("bundle", script, change));
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

/// All capabilities that an engine gives by default, and the one to trace.
fn with_capabilities(config: &mut Value, names: &[&str]) {
    let sets = ["bounding", "permitted", "effective"];
    let sets = sets.map(|set| (set.to_owned(), json!(names)));
    config["process"]["capabilities"] = Value::Object(sets.into_iter().collect());
}

#[test]
fn no_descriptor_reaches_the_program_a_hook_or_the_waiting_process() {
    run_oci_as!([Root, User], {
        let log = std::env::temp_dir().join("log");
        let script = format!("cd /proc/self/fd; echo * >{}", log.display());
        let running = Running::with("exec sleep 1000", |config| {
            let hook = json!([{ "path": "/bin/sh", "args": ["sh", "-c", script] }]);
            config["hooks"] = json!({ "createRuntime": hook, "createContainer": hook });
        });
        let list = "cd /proc/self/fd; echo *";
        // The shell has the directory open while it reads it.
        for text in [
            fs::read_to_string(&log).expect("read"),
            running.runtime.ok(&["exec", "one", "sh", "-c", list]),
        ] {
            assert!(["0 1 2\n", "0 1 2 3\n"].contains(&&*text), "{text}");
        }
        fs::remove_file(log).expect("remove");
        let of = |pid: Pid| {
            let files = fs::read_dir(format!("/proc/{}/fd", pid.as_raw_nonzero())).expect("proc");
            let links =
                files.map(|file| fs::read_link(file.expect("entry").path()).expect("a link"));
            links.map(|link| link.to_string_lossy().into_owned()).collect::<Vec<_>>()
        };
        assert_eq!(of(running.pid).len(), 3);
        let bundle = Bundle::new("waiting", "true");
        running.runtime.start_ok(&["create", "--bundle", bundle.path(), "two"]);
        let pid = running.runtime.pid("two");
        let errors = |link: &String| link.contains("/errors-");
        for link in of(pid).iter().filter(|link| !errors(link)) {
            assert!(link.starts_with("socket:") || link == "/dev/null", "{link}");
        }
        running.runtime.ok(&["delete", "two"]);
        assert_eq!(reap(pid), 128 + 9);
        drop(bundle);
        running.finish();
    });
}

#[test]
fn a_container_cannot_make_exec_execute_the_runtime() {
    run_oci_as!([Root, User], {
        let running = Running::with("exec sleep 1000", |_| {});
        let tmp = running.bundle.rootfs().join("tmp");
        symlink("/proc/self/exe", tmp.join("link")).expect("link");
        fs::write(tmp.join("script"), "#!/proc/self/exe --version\n").expect("write");
        fs::set_permissions(tmp.join("script"), fs::Permissions::from_mode(0o755)).expect("chmod");
        for program in ["/tmp/link", "/tmp/script", "/proc/self/exe"] {
            let output = running.runtime.run(&["exec", "one", program, "--version"]);
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(!text.contains("ns-oci") && !output.status.success(), "{program}: {output:?}");
        }
        running.finish();
    });
}

#[test]
fn a_hook_in_the_container_does_not_execute_the_runtime_and_has_no_more_privileges() {
    run_oci_as!([Root], {
        let runtime = Runtime::new();
        let bundle = Bundle::with("bundle", "cat /tmp/seen", |config| {
            with_capabilities(config, &["CAP_KILL"]);
            let script = "grep CapEff /proc/self/status >/tmp/seen";
            config["hooks"] = json!({ "startContainer": [
                { "path": "/bin/sh", "args": ["sh", "-c", script] },
            ] });
        });
        let text = runtime.ok(&["run", "--bundle", bundle.path(), "one"]);
        assert_eq!(text, "CapEff:\t0000000000000020\n");
        drop(bundle);
        let bundle = Bundle::with("bundle", "true", |config| {
            config["hooks"] =
                json!({ "startContainer": [{ "path": "/tmp/link", "args": ["a", "--version"] }] });
        });
        symlink("/proc/self/exe", bundle.rootfs().join("tmp/link")).expect("link");
        let message = runtime.error(&["run", "--bundle", bundle.path(), "one"]);
        assert!(message.contains("startContainer"), "{message}");
        drop(bundle);
        runtime.finish();
    });
}

/// Tries to open the memory, the descriptors and the program of each new process.
#[test]
fn a_container_that_waits_for_an_exec_opens_nothing_of_the_runtime() {
    run_oci_as!([Root, User], {
        let script = "while :; do for p in /proc/[0-9]*; do
            case $p in /proc/1) continue;; esac
            read -r exe <$p/comm || continue
            case $exe in ns-oci|*[0-9a-f][0-9a-f][0-9a-f][0-9a-f]) ;; *) continue;; esac
            echo >>/tmp/seen
            (: <$p/mem) 2>/dev/null && echo mem $exe >>/tmp/opened
            [ -r $p/exe ] && readlink $p/exe >>/tmp/opened
            ls $p/fd 2>/dev/null && echo fd >>/tmp/opened
            done; done 2>/dev/null";
        let running = Running::with(script, |config| {
            with_capabilities(config, &["CAP_KILL", "CAP_DAC_OVERRIDE", "CAP_SETUID"]);
        });
        for _ in 0..60 {
            running.runtime.ok(&["exec", "one", "true"]);
        }
        let opened = fs::read_to_string(running.bundle.rootfs().join("tmp/opened"));
        let opened = opened.unwrap_or_default();
        assert!(!opened.contains("ns-oci"), "{opened}");
        running.finish();
    });
}

#[test]
fn a_process_without_capabilities_in_the_configuration_has_none() {
    run_oci_as!([Root, User], {
        let runtime = Runtime::new();
        let bundle = Bundle::new("bundle", "grep -E 'Cap(Eff|Bnd)' /proc/self/status");
        let text = runtime.ok(&["run", "--bundle", bundle.path(), "one"]);
        assert_eq!(text, "CapEff:\t0000000000000000\nCapBnd:\t0000000000000000\n");
        drop(bundle);
        runtime.finish();
    });
}

#[test]
fn exec_stays_in_the_root_of_a_container_without_pivot_root() {
    run_oci_as!([Root], {
        let (runtime, bundle) = (Runtime::new(), Bundle::new("bundle", "exec sleep 1000"));
        fs::write(bundle.rootfs().join("inside"), "").expect("write");
        runtime.start_ok(&["create", "--no-pivot", "--bundle", bundle.path(), "one"]);
        runtime.ok(&["start", "one"]);
        let pid = runtime.pid("one");
        runtime.ok(&["exec", "one", "ls", "/inside"]);
        runtime.ok(&["delete", "--force", "one"]);
        assert_eq!(reap(pid), 128 + 9);
        drop(bundle);
        runtime.finish();
    });
}

#[test]
fn a_device_that_no_rule_allows_is_made_but_not_opened() {
    run_oci_as!([Root], {
        let runtime = Runtime::new();
        let script = "mknod /tmp/mem c 1 1 && mknod /tmp/disk b 7 0 && mknod /tmp/null c 1 3
            for d in mem disk null; do (: </tmp/$d) 2>/dev/null && echo $d; done; true";
        let bundle = Bundle::with("bundle", script, |config| {
            with_capabilities(config, &["CAP_MKNOD", "CAP_SYS_RAWIO", "CAP_DAC_OVERRIDE"]);
        });
        let text = runtime.ok(&["run", "--bundle", bundle.path(), "one"]);
        assert_eq!(text, "null\n");
        drop(bundle);
        runtime.finish();
    });
}

#[test]
fn a_mount_of_cgroups_shows_those_of_the_container_only() {
    run_oci_as!([Root], {
        let runtime = Runtime::new();
        let script = "find /cg -name release_agent; find /cg -name cgroup.procs | xargs cat | sort -u | head -n 1;
            for d in /cg/*/; do cat $d/../../cgroup.procs; mkdir $d/x; done 2>/dev/null; find /cg -name x; true";
        for is_new in [false, true] {
            let bundle = Bundle::with("bundle", script, |config| {
                let mount = json!({ "destination": "/cg", "type": "cgroup", "source": "cgroup", "options": ["ro"] });
                add_mount(config, &mount);
                if is_new {
                    let namespaces = config["linux"]["namespaces"].as_array_mut().expect("a list");
                    namespaces.push(json!({ "type": "cgroup" }));
                }
            });
            fs::create_dir(bundle.rootfs().join("cg")).expect("make");
            let text = runtime.ok(&["run", "--bundle", bundle.path(), "one"]);
            assert_eq!(text, "1\n", "{is_new}");
            drop(bundle);
        }
        runtime.finish();
    });
}
