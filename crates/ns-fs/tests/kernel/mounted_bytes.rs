//! Files of a tmpfs that cover other files.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use ns_fs::{Mount, Root};
use ns_sys::Errno;

use crate::fixture::{TempDir, in_own_mounts, plan};

/// The files below them stay as they are.
#[test]
fn bytes_cover_a_file() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("covered", &[]);
        let (file, new) = (dir.path().join("file"), dir.path().join("new"));
        fs::write(&file, "disk").expect("write");
        let bytes = vec![b'x'; 200_000];
        let root = Root::current()
            .mount(Mount::bytes(&file, "memory\0").read_only())
            .mount(Mount::bytes(&new, bytes.clone()).mode(0o600).create());
        let plan = plan(root);
        in_own_mounts(|| {
            if let Err(error) = plan.apply() {
                assert_eq!(error.errno, Errno::NOSYS);
                assert!(plan.explain(&error).to_string().contains("6.15"));
                return;
            }
            assert_eq!(fs::read(&file).expect("read"), b"memory\0");
            fs::write(&file, "changed").expect_err("read-only");
            assert_eq!(fs::read(&new).expect("read"), bytes);
            fs::write(&new, "changed").expect("write");
            let mode = |path| fs::metadata(path).expect("stat").permissions().mode() & 0o7777;
            assert_eq!((mode(&file), mode(&new)), (0o644, 0o600));
        });
        assert_eq!(fs::read(&file).expect("read"), b"disk");
        assert_eq!(fs::read(&new).expect("read"), b"");
    });
}

#[test]
fn bytes_cover_no_directory() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("directory", &["d"]);
        let plan = plan(Root::current().mount(Mount::bytes(dir.path().join("d"), "")));
        in_own_mounts(|| {
            let error = plan.apply().expect_err("a directory");
            assert!([Errno::ISDIR, Errno::NOSYS].contains(&error.errno), "{error:?}");
        });
    });
}
