//! Files of the runtime in directories of other users.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;

use crate::bundle::Bundle;
use crate::runtime::{Runtime, reap, run_oci_as};

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("chmod");
}

/// A created container, whose state the test changes.
fn created() -> (Runtime, Bundle, std::path::PathBuf) {
    let (runtime, bundle) = (Runtime::new(), Bundle::new("bundle", "true"));
    runtime.start_ok(&["create", "--bundle", bundle.path(), "one"]);
    let directory = std::env::temp_dir().join("states/one");
    (runtime, bundle, directory)
}

fn delete((runtime, bundle, _): (Runtime, Bundle, std::path::PathBuf)) {
    let pid = runtime.pid("one");
    runtime.ok(&["delete", "--force", "one"]);
    assert_eq!(reap(pid), 128 + 9);
    drop(bundle);
    runtime.finish();
}

#[test]
fn only_the_owner_may_search_the_states() {
    run_oci_as!([Root, User], {
        let all = created();
        for path in [all.2.as_path(), all.2.parent().expect("a parent")] {
            assert_eq!(fs::metadata(path).expect("a directory").mode() & 0o777, 0o700);
        }
        delete(all);
    });
}

#[test]
fn a_state_that_another_user_may_have_written_is_refused() {
    run_oci_as!([Root], {
        let all = created();
        let refused = || {
            for command in ["state", "start", "delete"] {
                let message = all.0.error(&[command, "one"]);
                assert!(message.contains("another user"), "{command}: {message}");
            }
        };
        set_mode(&all.2, 0o777);
        refused();
        set_mode(&all.2, 0o700);
        chown(&all.2, Some(7), None).expect("chown");
        refused();
        chown(&all.2, Some(0), None).expect("chown");
        delete(all);
    });
}

#[test]
fn a_state_is_not_read_through_a_link_or_under_another_name() {
    run_oci_as!([Root, User], {
        let all = created();
        let other = all.2.with_file_name("two");
        symlink(&all.2, &other).expect("link");
        all.0.error(&["state", "two"]);
        all.0.error(&["delete", "--force", "two"]);
        assert_eq!(all.0.status("one"), "created");
        fs::remove_file(&other).expect("remove");
        fs::rename(&all.2, &other).expect("rename");
        let message = all.0.error(&["delete", "two"]);
        assert!(message.contains("record of the container \"one\""), "{message}");
        fs::rename(&other, &all.2).expect("rename");
        delete(all);
    });
}

#[test]
fn a_pid_file_replaces_a_link_of_another_user() {
    run_oci_as!([Root, User], {
        let directory = std::env::temp_dir().join("shared");
        fs::create_dir(&directory).expect("make");
        let (victim, file) = (directory.join("victim"), directory.join("pid"));
        fs::write(&victim, "kept").expect("write");
        symlink(&victim, &file).expect("link");
        let (runtime, bundle) = (Runtime::new(), Bundle::new("bundle", "true"));
        let words = ["create", "--pid-file", file.to_str().expect("UTF-8")];
        runtime.start_ok(&[&words[..], &["--bundle", bundle.path(), "one"]].concat());
        let pid = runtime.pid("one");
        assert_eq!(fs::read_to_string(&victim).expect("read"), "kept");
        assert_eq!(fs::read_to_string(&file).expect("read"), pid.as_raw_nonzero().to_string());
        runtime.ok(&["delete", "one"]);
        assert_eq!(reap(pid), 128 + 9);
        fs::remove_dir_all(directory).expect("remove");
        drop(bundle);
        runtime.finish();
    });
}
