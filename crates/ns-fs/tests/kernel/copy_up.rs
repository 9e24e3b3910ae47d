//! A tmpfs that starts with a copy of its target.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use linux_raw_sys::general::{__NR_fsopen, __NR_mount_setattr};
use ns_fs::{Mount, MountFlags, Root, RootError, RootPlan, Step, StepError, Workdir};
use ns_sys::Errno;
use ns_testbed::{Role, forked, refuse, role};
use rustix::fs::{CWD, FileType, Mode, RenameFlags, mknodat, renameat_with};

use crate::fixture::{TempDir, become_user, in_own_mounts, names, pivot, plan};

fn copy(target: &str) -> Mount {
    Mount::tmpfs(target).copy_up()
}

fn chmod(path: impl AsRef<Path>, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("chmod");
}

fn mode(path: impl AsRef<Path>) -> u32 {
    fs::symlink_metadata(path).expect("stat").mode() & 0o7777
}

/// Directories, files and links are copied with their modes; the rest is left out, and the target is unchanged.
#[test]
fn the_target_is_copied() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("copied", &["data/a/b", "data/closed", "data/many", "root"]);
        let data = dir.path().join("data");
        let long = "n".repeat(255);
        let large: Vec<u8> = (0..300_000_u32).flat_map(u32::to_ne_bytes).collect();
        fs::write(data.join("a/b/large"), &large).expect("write");
        fs::write(data.join(&long), "long").expect("write");
        fs::write(data.join("program"), "program").expect("write");
        symlink("/no/such/../target", data.join("link")).expect("symlink");
        (0..500).for_each(|i| fs::write(data.join(format!("many/{i}")), "").expect("write"));
        fs::write(data.join("closed/inner"), "inner").expect("write");
        mknodat(CWD, data.join("fifo"), FileType::Fifo, Mode::RWXU, 0).expect("mkfifo");
        let _socket = UnixListener::bind(data.join("socket")).expect("bind");
        for (path, mode) in [("program", 0o4751), ("a", 0o1777), ("closed", 0o500), ("", 0o2710)] {
            chmod(data.join(path), mode);
        }
        for missing in [&[][..], &[__NR_mount_setattr]] {
            let plan = pivot(&dir, [copy("/data")]);
            assert!(plan.describe().to_string().contains("copy each entry"));
            in_own_mounts(|| {
                for call in missing {
                    refuse(*call, Errno::NOSYS);
                }
                rustix::process::umask(Mode::RWXG | Mode::RWXO);
                plan.apply().expect("apply");
                let all = ["a", "closed", "link", "many", &long, "program"];
                assert_eq!(names("/data"), all);
                assert_eq!(fs::read("/data/a/b/large").expect("read"), large);
                assert_eq!(fs::read_to_string("/data/closed/inner").expect("read"), "inner");
                assert_eq!(names("/data/many").len(), 500);
                let link = fs::read_link("/data/link").expect("readlink");
                assert_eq!(link, Path::new("/no/such/../target"));
                let modes =
                    ["program", "a", "closed", ""].map(|path| mode(Path::new("/data").join(path)));
                assert_eq!(modes, [0o4751, 0o1777, 0o500, 0o2710]);
                fs::write("/data/program", "changed").expect("write");
                fs::remove_dir_all("/data/many").expect("remove");
            });
        }
        assert_eq!(fs::read_to_string(data.join("program")).expect("read"), "program");
        assert_eq!(fs::read_dir(data.join("many")).expect("list").count(), 500);
        chmod(data.join("closed"), 0o700);
    });
}

/// Owners are copied where the process may set them. Elsewhere a program of another owner does not stay
/// set-user-ID, because it would run with the IDs of the process.
#[test]
fn owners() {
    ns_testbed::run_as!([Root], {
        let dir = TempDir::with("owners", &["data/of user"]);
        let data = dir.path().join("data");
        fs::write(data.join("program"), "").expect("write");
        std::os::unix::fs::chown(data.join("of user"), Some(1234), Some(5678)).expect("chown");
        symlink("x", data.join("link")).expect("symlink");
        std::os::unix::fs::lchown(data.join("link"), Some(1234), Some(5678)).expect("chown");
        chmod(data.join("program"), 0o6755);
        let plan = pivot(&dir, [copy("/data")]);
        let owner = |path: &str| {
            let file = fs::symlink_metadata(path).expect("stat");
            (file.uid(), file.gid())
        };
        in_own_mounts(|| {
            plan.apply().expect("apply");
            assert_eq!(["/data/of user", "/data/link"].map(owner), [(1234, 5678); 2]);
            assert_eq!((owner("/data/program"), mode("/data/program")), ((0, 0), 0o6755));
        });
        let code = forked(|| {
            become_user();
            plan.apply().expect("apply");
            assert_eq!((owner("/data/program"), mode("/data/program")), ((0, 0), 0o755));
            0
        });
        assert_eq!(code, 0);
    });
}

/// The owner and the mode of the target are copied, unless the options set them.
#[test]
fn options_of_the_file_system_apply() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("options", &["data", "small"]);
        chmod(dir.path().join("data"), 0o750);
        fs::write(dir.path().join("small/file"), vec![1; 200_000]).expect("write");
        let ways = [(copy("/data"), 0o750), (copy("/data").data("mode=1777,size=1m"), 0o1777)];
        for (mount, expected) in ways {
            let plan = pivot(&dir, [mount]);
            in_own_mounts(|| {
                plan.apply().expect("apply");
                assert_eq!(mode("/data"), expected);
            });
        }
        assert_error(&pivot(&dir, [copy("/small").data("size=64k")]), Errno::NOSPC, "larger than");
        assert_error(&pivot(&dir, [copy("/data").data("size=much")]), Errno::INVAL, "an option");
    });
}

fn assert_error(plan: &RootPlan, errno: Errno, hint: &str) {
    in_own_mounts(|| {
        let error = StepError { step: Step::Mount(0), errno };
        assert_eq!(plan.apply(), Err(error));
        let text = plan.explain(&error).to_string();
        assert!(text.contains(hint), "{text}");
    });
}

/// 32 directories are copied on the small stack of a child; one more is an error, with a hint.
#[test]
fn the_depth_is_limited() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("deep", &["data"]);
        let deepest =
            |depth: usize| (0..depth).fold(PathBuf::from("/data"), |path, _| path.join("d"));
        let inside = |path: PathBuf| dir.path().join(path.strip_prefix("/").expect("absolute"));
        fs::create_dir_all(inside(deepest(32))).expect("mkdir");
        fs::write(inside(deepest(32).join("file")), "deep").expect("write");
        let plan = pivot(&dir, [copy("/data")]);
        in_own_mounts(|| {
            std::thread::scope(|scope| {
                let small = std::thread::Builder::new().stack_size(64 * 1024);
                let applied = small.spawn_scoped(scope, || plan.apply()).expect("spawn").join();
                applied.expect("join").expect("apply");
            });
            assert_eq!(fs::read_to_string(deepest(32).join("file")).expect("read"), "deep");
        });
        fs::create_dir(inside(deepest(33))).expect("mkdir");
        assert_error(&plan, Errno::NAMETOOLONG, "more than 32 deep");
    });
}

/// What may not be read is an error, and so is a kernel without fsopen(2).
#[test]
fn errors_of_a_copy() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("errors", &["data"]);
        let old = pivot(&dir, [copy("/data")]);
        in_own_mounts(|| {
            refuse(__NR_fsopen, Errno::NOSYS);
            let error = StepError { step: Step::Mount(0), errno: Errno::NOSYS };
            assert_eq!(old.apply(), Err(error));
            assert!(old.explain(&error).to_string().contains("copy_up needs Linux 5.2"));
        });
        if role() != Role::Root {
            return;
        }
        fs::write(dir.path().join("data/secret"), "").expect("write");
        chmod(dir.path().join("data/secret"), 0o600);
        let code = forked(|| {
            become_user();
            let error = StepError { step: Step::Mount(0), errno: Errno::ACCESS };
            assert_eq!(old.apply(), Err(error));
            0
        });
        assert_eq!(code, 0);
    });
}

/// While another process swaps files, directories and links by rename, nothing from outside the target is
/// copied.
#[test]
fn d13_entries_are_swapped_during_the_copy() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("swapped", &["data/dir", "data/other", "outside/dir"]);
        let at = |path: &str| dir.path().join(path);
        let outside = at("outside");
        for path in ["data/dir/file", "data/other/file", "data/file"] {
            fs::write(at(path), "inside").expect("write");
        }
        fs::write(outside.join("file"), "outside").expect("write");
        fs::write(outside.join("outside"), "outside").expect("write");
        symlink(&outside, at("data/link")).expect("symlink");
        symlink(outside.join("file"), at("data/dir/link")).expect("symlink");
        let (stop, tries) = (AtomicBool::new(false), 300);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let pairs =
                    [("dir", "link"), ("dir/file", "dir/link"), ("file", "link"), ("dir", "other")];
                let data = at("data");
                while !stop.load(Ordering::Relaxed) {
                    for (one, other) in pairs {
                        let exchange = RenameFlags::EXCHANGE;
                        let (one, other) = (data.join(one), data.join(other));
                        let _ = renameat_with(CWD, one, CWD, other, exchange);
                    }
                }
            });
            let plan = pivot(&dir, [copy("/data")]);
            let copied = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                (0..tries).filter(|_| copies_the_inside(&plan)).count()
            }));
            stop.store(true, Ordering::Relaxed);
            let copied = copied.expect("no panic");
            println!(
                "shown: {tries} copies of a directory that another thread changes, {copied} complete"
            );
        });
    });
}

/// Applies the plan; false if the copy noticed a change.
fn copies_the_inside(plan: &RootPlan) -> bool {
    let changed =
        [Errno::STALE, Errno::NOENT].map(|errno| StepError { step: Step::Mount(0), errno });
    let code = forked(|| {
        crate::fixture::own_namespaces(ns_sys::UnshareFlags::empty());
        match plan.apply() {
            Ok(()) => {
                let mut directories = vec![PathBuf::from("/data")];
                while let Some(directory) = directories.pop() {
                    for entry in
                        fs::read_dir(directory).expect("list").map(|entry| entry.expect("entry"))
                    {
                        let kind = entry.file_type().expect("type");
                        assert_ne!(entry.file_name(), "outside");
                        if kind.is_dir() {
                            directories.push(entry.path());
                        } else if kind.is_file() {
                            assert_eq!(fs::read_to_string(entry.path()).expect("read"), "inside");
                        }
                    }
                }
                0
            }
            Err(error) => {
                assert!(changed.contains(&error), "{error}: {}", error.errno);
                1
            }
        }
    });
    assert!(code <= 1);
    code == 0
}

/// Only a new file system below the root copies, and it has to be writable.
#[test]
fn other_mounts_do_not_copy() {
    let refused = [
        Mount::bind("/usr", "/usr").copy_up(),
        Mount::dev("/dev").copy_up(),
        copy("/"),
        copy("/data").flags(MountFlags::RDONLY),
    ];
    for mount in refused {
        let error = RootPlan::new(Root::pivot("/").mount(mount), Workdir::default());
        let error = error.expect_err("refused");
        assert!(matches!(error, RootError::Option { .. }), "{error}");
    }
    let _ = plan(Root::pivot("/").mount(copy("/data").read_only()));
}
