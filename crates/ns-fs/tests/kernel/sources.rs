//! The sources of mounts: when they are opened, and which error they give.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use linux_raw_sys::general::{__NR_fsopen, __NR_move_mount, __NR_open_tree};
use ns_fs::{DeviceKind, Mount, MountAttrs, Root, RootPlan, Step, StepError, Workdir};
use ns_sys::Errno;
use ns_testbed::Leftovers;

use crate::fixture::{TempDir, in_own_mounts, pivot, plan, refuse_all, under};

const SOURCE: Step = Step::MountSource { mount: 0, source: 0 };

/// An earlier mount hides no source: neither in the current root nor below a new one.
#[test]
fn d17_sources_of_before_the_first_mount() {
    ns_testbed::run_as!([Root, User, Nested], {
        for missing in [&[][..], &[__NR_open_tree, __NR_move_mount, __NR_fsopen]] {
            let dir = TempDir::with("hidden", &["tmp/x", "tmp/lower", "upper", "work", "proc"]);
            fs::write(dir.path().join("tmp/x/file"), "text").expect("write");
            fs::write(dir.path().join("tmp/lower/layer"), "text").expect("write");
            let at = |name: &str| dir.path().join(name);
            let hides = Mount::tmpfs("/tmp");
            let bind = Mount::bind(at("tmp/x"), "/tmp/w").create();
            let lower = [at("tmp/lower"), at("tmp/x")];
            let overlay = Mount::overlay_read_only("/tmp/o", lower).create();
            for root in [Root::current(), Root::chroot(dir.path()), Root::pivot(dir.path())] {
                let is_current = format!("{root:?}").contains("change: None");
                // The old way mounts overlays at their turn.
                let is_old = !missing.is_empty();
                let overlay = (!is_old).then(|| overlay.clone());
                let mounts = [hides.clone(), bind.clone()].into_iter().chain(overlay);
                let mounts =
                    mounts.map(|mount| if is_current { under(&dir, mount) } else { mount });
                let plan = plan(mounts.fold(root, Root::mount));
                in_own_mounts(|| {
                    refuse_all(missing);
                    plan.apply().expect("apply");
                    let found = |name: &str| {
                        if is_current { at(name) } else { Path::new("/").join(name) }.exists()
                    };
                    assert!(found("tmp/w/file"), "{missing:?}");
                    assert!(is_old || found("tmp/o/layer"));
                    assert!(!found("tmp/x"), "the mount hides it");
                });
            }
        }
    });
}

/// Sources that were opened before a mount that fails are closed.
#[test]
fn d17_no_source_stays_open() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("early", &["source", "target"]);
        let bind = |target: &str| under(&dir, Mount::bind(dir.path().join("source"), target));
        for mounts in [vec!["/target", "/none", "/target"], vec!["/target", "/target"]] {
            let fails = mounts.contains(&"/none");
            let plan = plan(mounts.into_iter().map(bind).fold(Root::current(), Root::mount));
            in_own_mounts(|| {
                let count = || fs::read_dir("/proc/self/fd").expect("list").count();
                let before = count();
                assert_eq!(plan.apply().is_err(), fails);
                assert_eq!(count(), before);
            });
        }
    });
}

/// A source in the new root, after the mounts before it.
#[test]
fn a_source_in_the_new_root() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("inside", &["data/inner", "target", "link"]);
        symlink("/data", dir.path().join("absolute")).expect("symlink");
        let made = Mount::tmpfs("/data");
        let entry = Mount::directory("/data/new");
        let bind = Mount::bind("/absolute", "/target").source_in_root().read_only();
        let plan = pivot(&dir, [made, entry, bind]);
        in_own_mounts(|| {
            plan.apply().expect("apply");
            assert!(fs::exists("/target/new").expect("stat"));
            fs::write("/target/file", "").expect_err("read-only");
            fs::write("/data/file", "").expect("writable");
        });
    });
}

/// A missing source is named; no target is created for it, and an optional mount is skipped.
#[test]
fn d18_a_missing_source() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::new("source");
        let (real, none) = (dir.path().to_owned(), dir.path().join("none"));
        let mounts = [
            (Mount::bind(&none, "/made"), 0, "source"),
            (Mount::new("ext4", &none, "/made"), 0, "source"),
            (Mount::overlay_read_only("/made", [&real, &none]), 1, "lower directory"),
            (Mount::overlay("/made", [&real], &none, &real), 1, "upper directory"),
            (Mount::overlay("/made", [&real], &real, &none), 2, "work directory"),
        ];
        for (mount, source, role) in mounts {
            let step = Step::MountSource { mount: 0, source };
            for root in [Root::current(), Root::pivot(dir.path())] {
                let mount = mount.clone().create();
                let is_current = format!("{root:?}").contains("change: None");
                let mount = if is_current { under(&dir, mount) } else { mount };
                let plan = plan(root.clone().mount(mount.clone()));
                in_own_mounts(|| {
                    let error = StepError { step, errno: Errno::NOENT };
                    assert_eq!(plan.apply(), Err(error));
                    let explained = plan.explain(&error);
                    assert_eq!((explained.role, explained.path.as_ref()), (role, Some(&none)));
                    let text = explained.to_string();
                    assert!(text.contains("it does not exist") && text.contains("made"), "{text}");
                });
                assert!(!dir.path().join("made").exists(), "nothing is created");
                let plan = crate::fixture::plan(root.mount(mount.optional()));
                in_own_mounts(|| plan.apply().expect("an optional mount is skipped"));
            }
        }
    });
}

/// A file on a directory, a directory on a file, a bind that would uncover mounts, and links to nothing.
#[test]
fn d18_errors_say_what_to_do() {
    ns_testbed::run_as!([User, Nested], {
        let dir = TempDir::with("what", &["directory", "proc"]);
        fs::write(dir.path().join("file"), "").expect("write");
        symlink("/nowhere", dir.path().join("link")).expect("symlink");
        let (file, directory) = (dir.path().join("file"), dir.path().join("directory"));
        let target = Step::MountTarget(0);
        let errors = [
            (
                Mount::bind(&file, "/directory"),
                Step::Mount(0),
                Errno::ISDIR,
                "the target is a directory",
            ),
            (
                Mount::bind(&directory, "/file"),
                Step::Mount(0),
                Errno::NOTDIR,
                "but the target is not",
            ),
            (Mount::bind("/", "/directory"), SOURCE, Errno::INVAL, "bind it recursively"),
            (
                Mount::tmpfs("/link").create(),
                target,
                Errno::NOENT,
                "symbolic link whose target does not exist",
            ),
            (Mount::tmpfs("/none"), target, Errno::NOENT, "let the mount create it"),
            (Mount::proc("/proc"), Step::Mount(0), Errno::PERM, "new pid namespace"),
            (Mount::sysfs("/proc"), Step::Mount(0), Errno::PERM, "new net namespace"),
            (Mount::new("nosuchfs", "none", "/proc"), Step::Mount(0), Errno::NODEV, "no such file"),
            (Mount::tmpfs("/proc").data("x=1"), Step::Mount(0), Errno::INVAL, "refused an option"),
        ];
        for (mount, step, errno, what) in errors {
            let plan = pivot(&dir, [mount]);
            in_own_mounts(|| {
                let error = StepError { step, errno };
                assert_eq!(plan.apply(), Err(error));
                let text = plan.explain(&error).to_string();
                assert!(text.contains(what), "{text}");
            });
        }
    });
}

/// An overlay on `/proc` is refused by name.
#[test]
fn d18_an_unsupported_layer() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("layers", &["upper", "target"]);
        let at = |name: &str| dir.path().join(name);
        let plan = pivot(&dir, [Mount::overlay("/target", ["/proc"], at("upper"), "/dev")]);
        in_own_mounts(|| {
            let error = plan.apply().expect_err("work on another file system");
            assert_eq!((error.step, error.errno), (Step::Mount(0), Errno::INVAL));
            let text = plan.explain(&error).to_string();
            assert!(text.contains("must be on one file system"), "{text}");
        });
    });
}

/// The root by any name: `//`, a symbolic link, `/proc/self/root`, `.`.
#[test]
fn d16_the_root_by_any_name() {
    ns_testbed::run_as!([Root, User, Nested], {
        for missing in [&[][..], &[__NR_open_tree, __NR_move_mount]] {
            let dir = TempDir::new("names");
            let link = dir.path().join("link");
            symlink("/", &link).expect("symlink");
            let link = link.to_str().expect("UTF-8").to_owned();
            for name in ["/", "//", "/proc/self/root", "/tmp/..", ".", link.as_str()] {
                std::env::set_current_dir("/").expect("chdir");
                let plan = RootPlan::new(Root::pivot(name).read_only(), Workdir::default());
                let plan = plan.expect("plan");
                in_own_mounts(|| {
                    refuse_all(missing);
                    plan.apply().unwrap_or_else(|error| panic!("{name}: {error}"));
                    assert!(fs::exists("/proc/self/root").expect("stat"), "{name}");
                    let info = Leftovers::mountinfo();
                    let roots: Vec<_> = crate::fixture::mounts_at("/", &info);
                    assert_eq!(roots.len(), 1, "{roots:?}");
                    assert!(roots[0][5].starts_with("ro"), "{roots:?}");
                });
            }
        }
    });
}

/// An optional source that was missing before the first mount stays missing; masks and devices find the
/// caller's devices below a mount on `/dev`.
#[test]
fn d17_what_a_mount_shows_is_no_source() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TempDir::with("shows", &["evil/x", "empty", "mnt"]);
        let at = |name: &str| dir.path().join(name);
        fs::write(at("evil/x/secret"), "").expect("write");
        fs::write(at("file"), "secret").expect("write");
        let mounts = [
            Mount::bind(at("evil"), at("empty")),
            Mount::bind(at("empty/x"), at("mnt")).optional(),
            Mount::tmpfs("/dev").clear(MountAttrs::NODEV),
            Mount::mask(at("file")),
            Mount::device("/dev/null", DeviceKind::Character, 1, 3),
        ];
        let plan = plan(mounts.into_iter().fold(Root::current(), Root::mount));
        in_own_mounts(|| {
            plan.apply().expect("apply");
            assert!(!at("mnt/secret").exists());
            assert_eq!(fs::read_to_string(at("file")).expect("read"), "");
            // Without O_CREAT, which a sticky directory may refuse.
            fs::File::options().write(true).open("/dev/null").expect("open");
        });
    });
}
