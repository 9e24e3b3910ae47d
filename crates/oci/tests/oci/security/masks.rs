//! Masked paths of an image that redirects them.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use serde_json::{Value, json};

use crate::bundle::Bundle;
use crate::runtime::{Runtime, run_oci_as};

fn output(script: &str, prepare: impl FnOnce(&Bundle), change: impl FnOnce(&mut Value)) -> String {
    let runtime = Runtime::new();
    let bundle = Bundle::with("bundle", script, change);
    prepare(&bundle);
    let output = runtime.ok(&["run", "--bundle", bundle.path(), "one"]);
    drop(bundle);
    runtime.finish();
    output
}

/// The /dev of the image, without a new file system.
fn without_dev(config: &mut Value) {
    config["mounts"].as_array_mut().expect("a list").remove(1);
}

#[test]
fn a_mask_is_the_null_device_and_no_file_of_the_image() {
    run_oci_as!([Root, User], {
        let text = output(
            "stat -c '%F %t:%T' /secret /proc/uptime; cat /secret",
            |bundle| {
                fs::write(bundle.rootfs().join("dev/null"), "evil").expect("write");
                fs::write(bundle.rootfs().join("secret"), "secret").expect("write");
            },
            |config| {
                without_dev(config);
                config["linux"]["maskedPaths"] = json!(["/secret", "/proc/uptime"]);
            },
        );
        assert_eq!(text, "character special file 1:3\n".repeat(2));
    });
}

#[test]
fn a_null_device_of_the_image_that_is_a_link_is_refused() {
    run_oci_as!([Root, User], {
        let runtime = Runtime::new();
        let bundle = Bundle::with("bundle", "true", without_dev);
        symlink("/secret", bundle.rootfs().join("dev/null")).expect("link");
        fs::write(bundle.rootfs().join("secret"), "secret").expect("write");
        let message = runtime.error(&["create", "--bundle", bundle.path(), "one"]);
        assert!(message.contains("/dev/null") && message.contains("EEXIST"), "{message}");
        drop(bundle);
        runtime.finish();
    });
}

#[test]
fn a_mask_of_a_link_covers_the_file_in_the_root() {
    run_oci_as!([Root, User], {
        let outside = std::env::temp_dir().join("outside");
        fs::write(&outside, "kept").expect("write");
        let text = output(
            "cat /secret /link; echo; stat -c %F /secret",
            |bundle| {
                fs::write(bundle.rootfs().join("secret"), "secret").expect("write");
                symlink("../../secret", bundle.rootfs().join("link")).expect("link");
                symlink(&outside, bundle.rootfs().join("out")).expect("link");
            },
            |config| config["linux"]["maskedPaths"] = json!(["/link", "/out"]),
        );
        assert_eq!(text, "\ncharacter special file\n");
        assert_eq!(fs::read_to_string(&outside).expect("read"), "kept");
        fs::remove_file(outside).expect("remove");
    });
}

/// Renames the directory of /proc in the root while containers are created: the masks would look missing.
#[test]
fn a_mask_is_not_skipped_while_another_process_renames_proc() {
    run_oci_as!([Root, User], {
        let runtime = Runtime::new();
        let script = "stat -c '%F' /proc/uptime /other/uptime 2>/dev/null; true";
        let bundle = Bundle::with("bundle", script, |config| {
            config["linux"]["maskedPaths"] = json!(["/proc/uptime"]);
        });
        let (proc, other) = (bundle.rootfs().join("proc"), bundle.rootfs().join("other"));
        fs::create_dir(&other).expect("make");
        let is_done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !is_done.load(Ordering::Relaxed) {
                    renameat_with(CWD, &proc, CWD, &other, RenameFlags::EXCHANGE).expect("rename");
                }
            });
            for _ in 0..60 {
                let output = runtime.run(&["run", "--bundle", bundle.path(), "one"]);
                let text = String::from_utf8_lossy(&output.stdout);
                let is_masked = text.lines().all(|line| line == "character special file");
                if !is_masked {
                    is_done.store(true, Ordering::Relaxed);
                }
                assert!(is_masked, "{output:?}");
            }
            is_done.store(true, Ordering::Relaxed);
        });
        drop(bundle);
        runtime.finish();
    });
}
