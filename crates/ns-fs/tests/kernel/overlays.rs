//! Overlays.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use ns_fs::{Mount, Root};
use ns_sys::Errno;
use ns_testbed::{Leftovers, Role, role};

use crate::fixture::{TempDir, in_own_mounts, mounts_at, names, pivot, plan};

/// Changes go to the upper directory; special characters of the options are escaped in paths.
#[test]
fn overlays() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("over,lay:\\", &["a:b", "lower, two", "up:per", "wo,rk"]);
        let at = |name: &str| dir.path().join(name);
        fs::write(at("a:b/one"), "1").expect("write");
        fs::write(at("lower, two/two"), "2").expect("write");
        let lower = ["a:b", "lower, two"].map(at);
        let overlay = Mount::overlay("/o", lower.clone(), at("up:per"), at("wo,rk"));
        let overlay = overlay.data("userxattr").create();
        let plan = pivot(&dir, [overlay, Mount::overlay_read_only("/r", lower).create()]);
        in_own_mounts(|| {
            plan.apply().expect("apply");
            assert_eq!(names("/o"), ["one", "two"]);
            assert_eq!(names("/r"), ["one", "two"]);
            fs::write("/o/three", "3").expect("write");
            fs::write("/r/three", "3").expect_err("read-only");
        });
        assert_eq!(fs::read_to_string(at("up:per/three")).expect("read"), "3");
        remove_work(&at("wo,rk"));
    });
}

/// Paths of layers that do not fit in the one string of mount(2): in a user namespace the overlay has
/// `userxattr`, without which a directory of a lower layer cannot be replaced.
#[test]
fn d11_an_overlay_with_long_paths() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::new("long");
        let long = (0..8).fold(dir.path().to_owned(), |path, _| path.join("x".repeat(250)));
        let layers = ["one", "two", "upper", "work"].map(|name| long.join(name));
        for layer in &layers {
            fs::create_dir_all(layer).expect("mkdir");
        }
        let [one, two, upper, work] = &layers;
        fs::create_dir(one.join("old")).expect("mkdir");
        fs::write(one.join("old/file"), "").expect("write");
        let target = dir.path().join("target");
        let overlay = |target: &Path| Mount::overlay(target, [one, two], upper, work).create();
        let here = plan(Root::current().mount(overlay(&target)));
        let root = plan(Root::current().mount(overlay("/".as_ref())));
        for (plan, point) in [(here, target.as_path()), (root, Path::new("/"))] {
            in_own_mounts(|| {
                if let Err(error) = plan.apply() {
                    // Before Linux 6.15 layers have no descriptors.
                    assert_eq!(error.errno, Errno::TOOBIG);
                    assert!(plan.explain(&error).to_string().contains("6.15"));
                    return;
                }
                // The new root has no `/proc`, in which mountinfo is.
                if point != Path::new("/") {
                    let point = point.to_str().expect("UTF-8").replace(' ', "\\040");
                    let info = Leftovers::mountinfo();
                    let options = mounts_at(&point, &info)[0].last().expect("options").clone();
                    let has_option = options.split(',').any(|option| option == "userxattr");
                    assert_eq!(has_option, role() != Role::Root);
                }
                fs::remove_dir_all(point.join("old")).expect("rmdir");
                fs::create_dir(point.join("old")).expect("mkdir needs an opaque directory");
                assert!(!point.join("old/file").exists());
                fs::remove_dir(point.join("old")).expect("rmdir");
            });
            remove_work(work);
            fs::remove_dir_all(upper).expect("remove");
            fs::create_dir(upper).expect("mkdir");
        }
    });
}

/// The lower directory may be the target, and nothing is written to it.
#[test]
fn an_overlay_with_a_tmpfs() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("thrown", &["lower/old"]);
        let lower = dir.path().join("lower");
        fs::write(lower.join("file"), "lower").expect("write");
        let overlay = |target: &Path| Mount::overlay_tmpfs(target, [&lower]);
        let over_itself = plan(Root::current().mount(overlay(&lower)));
        let root = plan(Root::current().mount(overlay("/".as_ref())));
        for (plan, point) in [(over_itself, lower.as_path()), (root, Path::new("/"))] {
            in_own_mounts(|| {
                if let Err(error) = plan.apply() {
                    assert_eq!(error.errno, Errno::NOSYS);
                    assert!(plan.explain(&error).to_string().contains("6.15"));
                    return;
                }
                assert_eq!(fs::read(point.join("file")).expect("read"), b"lower");
                fs::write(point.join("file"), "upper").expect("write");
                assert_eq!(fs::read(point.join("file")).expect("read"), b"upper");
                fs::remove_dir_all(point.join("old")).expect("rmdir");
                fs::create_dir(point.join("old")).expect("mkdir needs an opaque directory");
                let mode = fs::metadata(point).expect("stat").permissions().mode();
                assert_eq!(mode & 0o7777, 0o755);
            });
            assert_eq!(fs::read(lower.join("file")).expect("read"), b"lower");
        }
    });
}

/// The kernel leaves a directory without permissions in the work directory.
fn remove_work(work: &Path) {
    let left = work.join("work");
    let _ = fs::set_permissions(&left, fs::Permissions::from_mode(0o700));
    let _ = fs::remove_dir_all(left);
}
