//! Plans of a root.

use ns_fs::{Mount, Propagation, Root, RootPlan, Workdir};

/// Invalid settings are errors before any system call.
#[test]
fn invalid_settings_are_errors() {
    let error = |root| RootPlan::new(root, Workdir::default()).expect_err("invalid").to_string();
    assert_eq!(error(Root::pivot("")), "root is empty");
    assert_eq!(error(Root::chroot("/a\0b")), "root contains a NUL byte: /a\0b");
    assert!(
        error(Root::chroot("/").read_only())
            .starts_with("read_only: needs a root made by pivot_root")
    );
    let shared = Root::pivot("/x").propagation(Propagation::Shared);
    assert!(error(shared).starts_with("propagation: pivot_root refuses shared mounts"));
    let with = |mount| error(Root::pivot("/x").mount(Mount::proc("/proc")).mount(mount));
    assert_eq!(
        with(Mount::tmpfs("/")),
        "mount 1: only a first mount may become the root, and only a file system or a bind"
    );
    assert_eq!(with(Mount::tmpfs("/a/../b")), "mount 1: target contains `..`: /a/../b");
    assert_eq!(with(Mount::bind("", "/a")), "mount 1: source is empty");
    assert_eq!(with(Mount::tmpfs("t").data("a\0")), "mount 1: data contains a NUL byte: a\0");
}

/// A plan lists its system calls in order.
#[test]
fn a_plan_lists_its_system_calls() {
    let root = Root::pivot("/new root").mount(Mount::proc("/proc")).read_only();
    let plan = RootPlan::new(root, Workdir::new("/home")).expect("plan");
    let expected = [
        r#"mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)"#,
        r#"mount("/new root", "/", NULL, MS_BIND | MS_REC, NULL)"#,
        r#"chdir("/..")"#,
        r#"openat(".", O_PATH)"#,
        "statx(root)",
        r#"openat2(root, "proc", RESOLVE_IN_ROOT)"#,
        "statx(target)",
        r#"openat(".", O_PATH)"#,
        "fchdir(target)",
        r#"mount("proc", ".", "proc", MountFlags(NODEV | NOEXEC | NOSUID), NULL)"#,
        "fchdir(back)",
        r#"mount_setattr(".", MOUNT_ATTR_RDONLY)"#,
        r#"pivot_root(".", ".")"#,
        r#"mount(NULL, "..", NULL, MS_REC | MS_SLAVE, NULL)"#,
        r#"umount2(".", MNT_DETACH)"#,
        r#"chdir("/")"#,
        r#"chdir("/home")"#,
        "getcwd()",
    ];
    assert_eq!(plan.describe().lines().collect::<Vec<_>>(), expected);
    assert!(format!("{plan:?}").contains("getcwd()"));
}
