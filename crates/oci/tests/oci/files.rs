//! Root, mounts, devices and masks.

use std::fs::{self, File};
use std::os::unix::fs::symlink;

use serde_json::{Value, json};

use crate::bundle::{Bundle, add_mount};
use crate::runtime::{Runtime, run_oci_as};

fn run(bundle: &Bundle) -> String {
    let runtime = Runtime::new();
    let output = runtime.ok(&["run", "--bundle", bundle.path(), "one"]);
    runtime.finish();
    output
}

fn output(script: &str, change: impl FnOnce(&mut Value)) -> String {
    run(&Bundle::with("bundle", script, change))
}

/// The options of the topmost mount at a path.
fn options(path: &str, change: impl FnOnce(&mut Value)) -> String {
    let script = format!("grep ' {path} ' /proc/self/mountinfo | tail -n 1 | cut -d' ' -f6,7");
    output(&script, change)
}

#[test]
fn the_old_root_is_gone() {
    run_oci_as!([Root, User], {
        let text = output("ls -a /; cat /proc/self/mountinfo | wc -l", |_| {});
        assert!(!text.contains("home") && text.contains("proc"), "{text}");
        let mounts: u32 = text.lines().last().and_then(|line| line.parse().ok()).expect("a number");
        assert!(mounts < 20, "{text}");
    });
}

#[test]
fn a_read_only_root_keeps_writable_mounts() {
    run_oci_as!([Root, User], {
        let script = "touch /tmp/a 2>/dev/null || echo refused; touch /scratch/a && echo written";
        let text = output(script, |config| {
            config["root"]["readonly"] = true.into();
            add_mount(
                config,
                &json!({ "destination": "/scratch", "type": "tmpfs", "source": "t" }),
            );
        });
        assert_eq!(text, "refused\nwritten\n");
    });
}

#[test]
fn dev_has_the_default_devices_and_links() {
    run_oci_as!([Root, User], {
        let script = "cd /dev; for d in null zero full random urandom tty; do
            stat -c '%n %t:%T %a' $d; done; readlink fd stdin stdout stderr ptmx; echo >null";
        let text = output(script, |_| {});
        let lines: Vec<_> = text.lines().collect();
        let devices = ["null 1:3", "zero 1:5", "full 1:7", "random 1:8", "urandom 1:9", "tty 5:0"];
        for (line, device) in lines.iter().zip(devices) {
            assert_eq!(*line, format!("{device} 666"), "{text}");
        }
        let links =
            ["/proc/self/fd", "/proc/self/fd/0", "/proc/self/fd/1", "/proc/self/fd/2", "pts/ptmx"];
        assert_eq!(lines[6..], links);
    });
}

#[test]
fn devices_are_created_with_their_owner_and_mode() {
    run_oci_as!([Root], {
        let text =
            output("stat -c '%F %t:%T %a %u %g' /dev/own /dev/disk; cat /dev/own", |config| {
                let sets = ["bounding", "permitted", "effective"];
                for set in sets {
                    config["process"]["capabilities"][set] = json!(["CAP_DAC_OVERRIDE"]);
                }
                config["linux"]["devices"] = json!([
                    { "path": "/dev/own", "type": "c", "major": 1, "minor": 3, "fileMode": 0o640,
                      "uid": 3, "gid": 4 },
                    { "path": "/dev/disk", "type": "b", "major": 7, "minor": 77 },
                ]);
            });
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines,
            ["character special file 1:3 640 3 4", "block special file 7:4d 666 0 0"]
        );
    });
}

#[test]
fn binds_show_files_and_directories_of_the_host() {
    run_oci_as!([Root, User], {
        let source = std::env::temp_dir().join("source");
        fs::create_dir(&source).expect("make");
        fs::write(source.join("file"), "text").expect("write");
        let script =
            "cat /vol/file /single/file; touch /vol/new; touch /ro/new 2>/dev/null || echo refused";
        let text = output(script, |config| {
            for (target, from, options) in [
                ("/vol", source.clone(), json!(["bind"])),
                ("/ro", source.clone(), json!(["rbind", "ro"])),
                ("/single/file", source.join("file"), json!(["bind", "ro"])),
            ] {
                add_mount(
                    config,
                    &json!({
                        "destination": target, "type": "bind", "source": from, "options": options,
                    }),
                );
            }
        });
        assert_eq!(text, "texttextrefused\n");
        assert!(source.join("new").exists());
        fs::remove_dir_all(source).expect("remove");
    });
}

#[test]
fn relative_sources_start_at_the_bundle() {
    run_oci_as!([Root, User], {
        let bundle = Bundle::with("bundle", "cat /vol/file", |config| {
            add_mount(
                config,
                &json!({
                    "destination": "/vol", "source": "data", "options": ["bind"],
                }),
            );
        });
        let data = bundle.rootfs().with_file_name("data");
        fs::create_dir(&data).expect("make");
        fs::write(data.join("file"), "text").expect("write");
        assert_eq!(run(&bundle), "text");
    });
}

#[test]
fn the_options_of_a_mount_are_applied() {
    run_oci_as!([Root, User], {
        let of = |list: &[&str]| {
            let list = json!(list);
            options("/m", |config| {
                add_mount(
                    config,
                    &json!({
                        "destination": "/m", "type": "tmpfs", "source": "t", "options": list,
                    }),
                );
            })
        };
        let text = of(&["nosuid", "nodev", "noexec", "ro", "size=64k", "mode=700", "noatime"]);
        for option in ["nosuid", "nodev", "noexec", "ro,", "noatime"] {
            assert!(text.contains(option), "{option}: {text}");
        }
        // The last option applies.
        let text = of(&["ro", "nosuid", "rw", "suid", "shared"]);
        assert!(text.starts_with("rw,relatime shared:"), "{text}");
        let text = of(&["nodev", "slave", "private"]);
        assert!(text.starts_with("rw,nodev,relatime -"), "{text}");
    });
}

#[test]
fn a_recursive_option_concerns_the_mounts_below() {
    run_oci_as!([Root], {
        let source = std::env::temp_dir().join("source");
        fs::create_dir_all(source.join("below")).expect("make");
        let flags = rustix::mount::MountFlags::empty();
        let below = source.join("below");
        rustix::mount::mount("tmpfs", &below, "tmpfs", flags, None).expect("mount");
        let script =
            "touch /top/below/a && echo written; touch /all/below/a 2>/dev/null || echo refused";
        let text = output(script, |config| {
            for (target, options) in [("/top", ["rbind", "ro"]), ("/all", ["rbind", "rro"])] {
                add_mount(
                    config,
                    &json!({
                        "destination": target, "type": "bind", "source": source, "options": options,
                    }),
                );
            }
        });
        assert_eq!(text, "written\nrefused\n");
        rustix::mount::unmount(&below, rustix::mount::UnmountFlags::DETACH).expect("unmount");
        fs::remove_dir_all(source).expect("remove");
    });
}

#[test]
fn tmpcopyup_starts_with_the_files_of_the_root() {
    run_oci_as!([Root, User], {
        let bundle = Bundle::with("bundle", "cat /data/file; echo new >/data/file", |config| {
            add_mount(
                config,
                &json!({
                    "destination": "/data", "type": "tmpfs", "source": "t", "options": ["tmpcopyup"],
                }),
            );
        });
        let data = bundle.rootfs().join("data");
        fs::create_dir(&data).expect("make");
        fs::write(data.join("file"), "old").expect("write");
        assert_eq!(run(&bundle), "old");
        assert_eq!(fs::read_to_string(data.join("file")).expect("read"), "old");
    });
}

#[test]
fn masked_and_read_only_paths_are_covered() {
    run_oci_as!([Root, User], {
        let script = "cat /etc/secret; ls /hidden; touch /fixed/a 2>/dev/null || echo refused;
            echo 1 2>/dev/null >/proc/sys/vm/swappiness || echo refused";
        let bundle = Bundle::with("bundle", script, |config| {
            config["linux"]["maskedPaths"] = json!(["/etc/secret", "/hidden", "/no/such"]);
            config["linux"]["readonlyPaths"] = json!(["/fixed", "/proc/sys", "/no/such"]);
        });
        let root = bundle.rootfs();
        fs::write(root.join("etc/secret"), "secret").expect("write");
        for name in ["hidden", "fixed"] {
            fs::create_dir(root.join(name)).expect("make");
        }
        fs::write(root.join("hidden/file"), "").expect("write");
        assert_eq!(run(&bundle), "refused\nrefused\n");
    });
}

#[test]
fn targets_stay_in_the_root_whatever_its_links_say() {
    run_oci_as!([Root, User], {
        let outside = std::env::temp_dir().join("outside");
        fs::create_dir(&outside).expect("make");
        let bundle =
            Bundle::with("bundle", "ls /tmp/outside; test -d /abs/new && echo made", |config| {
                for target in ["/link/new", "/abs/new"] {
                    add_mount(
                        config,
                        &json!({ "destination": target, "type": "tmpfs", "source": "t" }),
                    );
                }
            });
        let root = bundle.rootfs();
        symlink("../../..", root.join("link")).expect("link");
        symlink(&outside, root.join("abs")).expect("link");
        // The path of the link exists inside.
        let inside = root.join(outside.strip_prefix("/").expect("absolute"));
        fs::create_dir_all(inside).expect("make");
        fs::create_dir_all(root.join("tmp/outside")).expect("make");
        assert_eq!(run(&bundle), "made\n");
        assert_eq!(fs::read_dir(&outside).expect("list").count(), 0);
        fs::remove_dir(outside).expect("remove");
    });
}

#[test]
fn an_id_mapped_bind_shows_other_owners() {
    run_oci_as!([Root], {
        let source = std::env::temp_dir().join("source");
        fs::create_dir(&source).expect("make");
        File::create(source.join("file")).expect("create");
        std::os::unix::fs::chown(source.join("file"), Some(5), Some(6)).expect("chown");
        let map = |host: u32| json!([{ "containerID": 0, "hostID": host, "size": 100 }]);
        let text = output("stat -c '%u %g' /vol/file", |config| {
            add_mount(
                config,
                &json!({
                    "destination": "/vol", "type": "bind", "source": source, "options": ["bind", "idmap"],
                    "uidMappings": map(1000), "gidMappings": map(2000),
                }),
            );
        });
        assert_eq!(text, "1005 2006\n");
        fs::remove_dir_all(source).expect("remove");
    });
}
