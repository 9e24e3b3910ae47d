//! Plans of a root.

use ns_fs::{Mount, MountAttrs, MountFlags, Propagation, Root, RootPlan, Workdir};

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
        "mount 1 on /: only a first mount may become the root, and only a file system or a bind"
    );
    assert_eq!(with(Mount::tmpfs("/a/../b")), "mount 1 on /a/../b: target must not contain `..`");
    assert_eq!(with(Mount::bind("", "/a")), "mount 1 on /a: source is empty");
    assert_eq!(with(Mount::tmpfs("t").data("a\0")), "mount 1 on t: data contains a NUL byte: a\0");
    assert_eq!(with(Mount::tmpfs("")), "mount 1: target is empty");
    assert_eq!(
        with(Mount::bind("/src", "/mnt").data("x")),
        "mount 1 on /mnt: data: a bind mount does not have this option"
    );
    let long = with(Mount::overlay_read_only("/o", ["/a", &*"x".repeat(4096)]));
    assert!(long.starts_with("mount 1 on /o: lowerdir+ is "), "{long}");
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
        r#"openat2(root, "proc", RESOLVE_IN_ROOT)  # a new proc on "/proc""#,
        "statx(target)",
        r#"openat(".", O_PATH)"#,
        "fchdir(target)",
        r#"mount("proc", ".", "proc", MS_NODEV | MS_NOEXEC | MS_NOSUID, NULL)"#,
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

/// Words describe each mount and entry.
#[test]
fn a_plan_describes_mounts_in_words() {
    let root = Root::pivot("/x")
        .mount(Mount::bind("/src", "/mnt/./a/").create())
        .mount(Mount::tmpfs("t"))
        .mount(Mount::overlay_read_only("/o", ["/a", "/b"]).optional())
        .mount(Mount::remount("/").set(MountAttrs::RDONLY))
        .mount(Mount::remount("/o").data("size=1m"))
        .mount(Mount::mask("/secret"))
        .mount(Mount::directory("/d/e").mode(0o700))
        .mount(Mount::symlink("/to", "/link"))
        .mount(Mount::file("/f", "text"));
    let plan = RootPlan::new(root, Workdir::default()).expect("plan");
    let text = plan.describe();
    let words: Vec<_> = text.lines().filter_map(|line| line.split_once("  # ")).collect();
    let words: Vec<_> = words.into_iter().map(|(_, words)| words).collect();
    let expected = [
        r#"bind "/src" on "/mnt/a""#,
        r#"a new tmpfs on "/t""#,
        r#"a new overlay on "/o", if it exists"#,
        r#"the attributes of the mount on "/""#,
        r#"the options of the file system on "/o""#,
        r#"hide "/secret", if it exists"#,
        r#"the directory "/d/e""#,
        r#"the symbolic link "/link""#,
        r#"the file "/f""#,
    ];
    assert_eq!(words, expected, "{text}");
    assert!(text.to_string().contains(r#"mkdirat(target, "e", 0700)"#), "{text}");
}

/// Flags and attributes have the names of the system calls.
#[test]
fn a_plan_names_flags() {
    let lines = |mount| {
        let root = Root::current().propagation(None).mount(mount);
        let plan = RootPlan::new(root, Workdir::default()).expect("plan");
        plan.describe().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let has = |mount, line: &str| {
        let lines = lines(mount);
        assert!(lines.iter().any(|found| found == line), "{lines:#?}");
    };
    let bind = Mount::bind("/src", "/mnt").recursive().read_only().nosuid();
    has(
        bind.with_propagation(Propagation::Slave),
        "mount_setattr(tree, AT_EMPTY_PATH | AT_RECURSIVE, set MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID)",
    );
    has(
        Mount::bind("/src", "/mnt").recursive().with_propagation(Propagation::Slave),
        "mount_setattr(tree, AT_EMPTY_PATH, MS_SLAVE)",
    );
    has(
        Mount::remount("/mnt").set(MountAttrs::NOATIME).clear(MountAttrs::NODEV),
        "mount_setattr(target, AT_EMPTY_PATH, set MOUNT_ATTR_NOATIME, \
         clear MOUNT_ATTR_NODEV | MOUNT_ATTR__ATIME)",
    );
    has(
        Mount::new("ext4", "/dev/sda1", "/mnt").read_only().nodev(),
        "fsmount(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV)",
    );
    has(Mount::new("ext4", "/dev/sda1", "/mnt").read_only(), r#"fsconfig("ro")"#);
    has(Mount::new("ext4", "/dev/sda1", "/mnt"), "fsmount(0)");
    has(Mount::remount("/mnt").data("size=1m"), "fspick(target)");
    has(Mount::remount("/mnt").data("size=1m"), r#"fsconfig("size", "1m")"#);
    let version = MountFlags::from_bits_retain(1 << 23);
    has(
        Mount::remount("/mnt").flags(version),
        "mount(NULL, target, NULL, MS_REMOUNT | MS_I_VERSION, NULL)",
    );
}
