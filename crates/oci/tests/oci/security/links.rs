//! Symbolic links of an image in the paths of mounts and of the working directory, and files that pretend to be proc.

use std::fs;
use std::os::unix::fs::symlink;

use rustix::fs::{CWD, Mode, OFlags};
use serde_json::{Value, json};

use crate::bundle::{Bundle, add_mount};
use crate::runtime::{Runtime, reap, run_oci_as};

/// The error of `create`, which leaves nothing.
fn create_error(prepare: impl FnOnce(&Bundle), change: impl FnOnce(&mut Value)) -> String {
    let runtime = Runtime::new();
    let bundle = Bundle::with("bundle", "true", change);
    prepare(&bundle);
    let message = runtime.error(&["create", "--bundle", bundle.path(), "one"]);
    drop(bundle);
    runtime.finish();
    message
}

#[test]
fn a_mount_on_a_link_into_proc_is_refused() {
    run_oci_as!([Root, User], {
        for (link, target) in [("/proc/sys", "/x"), ("/proc", "/x/self/attr"), ("proc", "/x/sys")] {
            for mount in [
                json!({ "destination": target, "type": "tmpfs", "source": "tmpfs" }),
                json!({ "destination": target, "type": "bind", "source": "/usr", "options": ["bind"] }),
            ] {
                let message = create_error(
                    |bundle| symlink(link, bundle.rootfs().join("x")).expect("link"),
                    |config| add_mount(config, &mount),
                );
                assert!(message.contains("EXDEV"), "{link} {target}: {message}");
            }
        }
    });
}

#[test]
fn a_device_on_a_link_into_proc_is_refused() {
    run_oci_as!([Root, User], {
        let message = create_error(
            |bundle| symlink("/proc/sys/kernel", bundle.rootfs().join("x")).expect("link"),
            |config| {
                config["linux"]["devices"] =
                    json!([{ "path": "/x/hostname", "type": "c", "major": 1, "minor": 3 }]);
            },
        );
        assert!(message.contains("EXDEV"), "{message}");
    });
}

#[test]
fn proc_is_not_mounted_through_a_link_of_the_image() {
    run_oci_as!([Root, User], {
        let message = create_error(
            |bundle| {
                fs::remove_dir(bundle.rootfs().join("proc")).expect("remove");
                symlink("tmp", bundle.rootfs().join("proc")).expect("link");
            },
            |_| {},
        );
        assert!(message.contains("ELOOP") && message.contains("/proc"), "{message}");
    });
}

#[test]
fn a_volume_does_not_replace_proc() {
    run_oci_as!([Root, User], {
        let message = create_error(
            |bundle| fs::create_dir(bundle.rootfs().join("fake")).expect("make"),
            |config| {
                let volume = json!({
                    "destination": "/proc", "type": "bind", "source": "rootfs/fake", "options": ["bind"],
                });
                add_mount(config, &volume);
            },
        );
        assert!(message.contains("only a proc may be bound on /proc"), "{message}");
    });
}

#[test]
fn a_label_is_not_written_to_a_file_of_the_image() {
    run_oci_as!([Root, User], {
        let runtime = Runtime::new();
        let bundle = Bundle::with("bundle", "true", |config| {
            config["mounts"].as_array_mut().expect("a list").remove(0);
            config["process"]["selinuxLabel"] = "a:b:c".into();
        });
        let mut files = Vec::new();
        for directory in ["proc/self/attr", "proc/self/attr/apparmor"] {
            let directory = bundle.rootfs().join(directory);
            fs::create_dir_all(&directory).expect("make");
            files.push(directory.join("exec"));
        }
        for file in &files {
            fs::write(file, "").expect("write");
        }
        runtime.start_ok(&["create", "--bundle", bundle.path(), "one"]);
        let pid = runtime.pid("one");
        let message = runtime.error(&["start", "one"]);
        assert!(message.contains("proc(5)"), "{message}");
        assert_eq!(reap(pid), 125);
        for file in files {
            assert_eq!(fs::read_to_string(file).expect("read"), "");
        }
        runtime.ok(&["delete", "--force", "one"]);
        drop(bundle);
        runtime.finish();
    });
}

#[test]
fn the_working_directory_is_not_a_descriptor_of_the_runtime() {
    run_oci_as!([Root, User], {
        // An engine that passes a directory of the host by accident.
        let leak = rustix::fs::openat(CWD, "/", OFlags::PATH | OFlags::DIRECTORY, Mode::empty());
        let leak = rustix::io::fcntl_dupfd_cloexec(leak.expect("open"), 100).expect("duplicate");
        rustix::io::fcntl_setfd(&leak, rustix::io::FdFlags::empty()).expect("inherit");
        let runtime = Runtime::new();
        let running = Bundle::new("running", "exec sleep 1000");
        runtime.start_ok(&["create", "--bundle", running.path(), "two"]);
        runtime.ok(&["start", "two"]);
        let pid = runtime.pid("two");
        for number in (3..20).chain([100]) {
            let path = format!("/proc/self/fd/{number}");
            let bundle =
                Bundle::with("bundle", "true", |config| config["process"]["cwd"] = "/w".into());
            symlink(&path, bundle.rootfs().join("w")).expect("link");
            let message = runtime.error(&["create", "--bundle", bundle.path(), "one"]);
            assert!(message.contains("workdir"), "{number}: {message}");
            let exec = ["exec", "--cwd", &path, "two", "true"];
            let message = runtime.error(&exec);
            assert!(message.contains("workdir"), "{number}: {message}");
        }
        runtime.ok(&["delete", "--force", "two"]);
        assert_eq!(reap(pid), 128 + 9);
        drop(running);
        runtime.finish();
    });
}

#[test]
fn a_terminal_needs_the_devpts_of_the_container() {
    run_oci_as!([Root, User], {
        let socket = std::env::temp_dir().join("socket");
        let listener = std::os::unix::net::UnixListener::bind(&socket).expect("bind");
        let runtime = Runtime::new();
        let devpts = json!({
            "destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["newinstance"],
        });
        let links: [(&str, &str); 2] = [("pts", "/tmp"), ("console", "/tmp/file")];
        for (name, to) in links {
            let bundle = Bundle::with("bundle", "true", |config| {
                config["process"]["terminal"] = true.into();
                // The /dev of the image, without a new file system.
                config["mounts"].as_array_mut().expect("a list").remove(1);
                if name == "console" {
                    add_mount(config, &devpts);
                }
            });
            fs::write(bundle.rootfs().join("tmp/file"), "").expect("write");
            fs::write(bundle.rootfs().join("tmp/ptmx"), "").expect("write");
            symlink(to, bundle.rootfs().join("dev").join(name)).expect("link");
            let words = ["create", "--console-socket", socket.to_str().expect("UTF-8")];
            let words = [&words[..], &["--bundle", bundle.path(), "one"]].concat();
            let message = runtime.error(&words);
            assert!(message.contains("ELOOP"), "{name}: {message}");
        }
        drop(listener);
        fs::remove_file(socket).expect("remove");
        runtime.finish();
    });
}
