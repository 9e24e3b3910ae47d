//! Root, mounts and working directory of the program.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;

use crate::common::program::{OWN_BINARY, run_helper_test};
use crate::common::{Directory, assert_refused, mount_host_programs, printed, shell, start_error};
use ns_process::{
    Chroot, CloneFlags, Container, Errno, Mount, Namespace, Propagation, Stdio, Step,
};
use ns_testbed::{Leftovers, SharedMount};

/// A directory that is to become the root.
fn new_root(name: &str) -> Directory {
    Directory::with(name, &["proc"])
}

fn shell_in(root: &Path, script: &str) -> Chroot {
    let mut chroot = Chroot::new(root, "sh");
    chroot.args(["-c", script]).map_zero();
    mount_host_programs(&mut chroot);
    chroot
}

/// The directory, also by a relative path, is the root of the program, which begins in `/`. The old root is not in
/// the mount table.
#[test]
fn d01_d05_the_directory_is_the_root() {
    ns_testbed::run_as!([Root, User, Nested], {
        let root = new_root("root");
        let inode = fs::metadata(&*root).expect("stat").ino();
        std::env::set_current_dir(root.parent().expect("a parent")).expect("chdir");
        let relative = Path::new(root.file_name().expect("a name"));
        for root in [&*root, relative] {
            let mut chroot = shell_in(root, "pwd; stat -c %i . /; cd ../../..; stat -c %i .");
            let output = printed(&chroot);
            assert_eq!(output, format!("/\n{inode}\n{inode}\n{inode}\n"));
            chroot.namespace(Namespace::Pid).mount_proc();
            let mut table = shell_in(root, "cat /proc/self/mountinfo");
            table.namespace(Namespace::Pid).mount_proc();
            let table = printed(&table);
            let roots = table.lines().filter(|line| line.split(' ').nth(4) == Some("/")).count();
            assert_eq!(roots, 1, "{table}");
            let mut points = table.lines().filter_map(|line| line.split(' ').nth(4));
            assert!(points.all(|point| !point.starts_with("/tmp")), "{table}");
        }
    });
}

/// The program does not inherit an open directory of the caller.
#[test]
fn d03_no_directory_is_inherited() {
    ns_testbed::run_as!([Root, User, Nested], {
        let root = new_root("leak");
        let host = fs::File::open("/").expect("open");
        rustix::io::fcntl_setfd(&host, rustix::io::FdFlags::empty()).expect("inheritable");
        let mut chroot = shell_in(&root, "ls /proc/self/fd");
        chroot.namespace(Namespace::Pid).mount_proc();
        // 3 is the descriptor of the listing.
        assert_eq!(printed(&chroot), "0\n1\n2\n3\n");
    });
}

/// Not a test: the program of the next test, which tries to escape from its root.
#[test]
fn helper_that_escapes() {
    if let Ok(host) = std::env::var("NS_HOST_ROOT") {
        fs::create_dir_all("/inner").expect("mkdir");
        std::os::unix::fs::chroot("/inner").expect("chroot");
        // The working directory is above the root.
        let top = fs::metadata("../".repeat(30)).expect("stat");
        std::process::exit(if format!("{}:{}", top.dev(), top.ino()) == host { 10 } else { 11 });
    }
}

/// chroot(2) within a chroot escapes from it, but not from a root in a new mount namespace.
#[test]
fn d02_chroot_within_the_root_does_not_escape() {
    ns_testbed::run_as!([Root, User, Nested], {
        let root = new_root("escape");
        let host = fs::metadata("/").expect("stat");
        let mut chroot = Chroot::new(&*root, OWN_BINARY);
        run_helper_test(&mut chroot, helper_that_escapes);
        mount_host_programs(&mut chroot);
        chroot.namespace(Namespace::Pid).map_zero().mount_proc();
        chroot.env("NS_HOST_ROOT", format!("{}:{}", host.dev(), host.ino()));
        chroot.stdout(Stdio::null());
        assert_eq!(chroot.status().expect("start").code(), Some(11), "it escaped");
        // In a new mount namespace the new root covers the old one.
        assert_eq!(chroot.by_chroot().status().expect("start").code(), Some(11), "it escaped");
    });
}

/// The root is changed by chroot(2) without a new mount namespace, and on request.
#[test]
fn the_root_is_changed_by_chroot_on_request() {
    ns_testbed::run_as!([Root, Nested], {
        let root = new_root("chroot");
        let inode = fs::metadata(&*root).expect("stat").ino();
        let mut chroot = shell_in(&root, "stat -c %i /");
        chroot.by_chroot();
        assert_eq!(printed(&chroot), format!("{inode}\n"));
        let plan = chroot.plan().expect("plan").describe().to_string();
        assert!(plan.contains("chroot(\".\")") && !plan.contains("pivot_root"), "{plan}");
        let mut container = Container::new("/nope");
        container.rootdir(&*root);
        let plan = container.plan().expect("plan").describe().to_string();
        assert!(plan.contains("chroot(\".\")") && !plan.contains("mount("), "{plan}");
        let error = start_error(&container);
        assert_eq!((error.step(), error.errno()), (Step::Exec, Some(Errno::NOENT)));
    });
}

/// With privilege no user namespace is needed.
#[test]
fn chroot_without_a_user_namespace() {
    ns_testbed::run_as!([Root, Nested], {
        let root = new_root("privileged");
        let mut chroot = Chroot::new(&*root, "sh");
        chroot.args(["-c", "id -u"]).without(Namespace::User);
        mount_host_programs(&mut chroot);
        assert_eq!(printed(&chroot), "0\n");
    });
}

/// A read-only root is not writable; a tmpfs in it is.
#[test]
fn d12_a_read_only_root_is_not_writable() {
    ns_testbed::run_as!([Root, User, Nested], {
        let root = new_root("read-only");
        let mut chroot = shell_in(&root, "echo x > /tmp/file && ! echo x > /file");
        chroot.read_only_root().mount(Mount::tmpfs("/tmp").create());
        printed(&chroot);
        assert!(!root.join("file").exists());
    });
}

/// Mounts and unmounts in the child do not propagate to the host, except with shared propagation.
#[test]
fn d06_d07_mounts_do_not_propagate() {
    ns_testbed::run_as!([Root, Nested], {
        let shared = SharedMount::new();
        let target = shared.path().join("inner");
        fs::create_dir(&target).expect("mkdir");
        let before = Leftovers::mountinfo();
        let mounting = |propagation: Option<Propagation>| {
            let mut container = Container::new("true");
            container.namespace(Namespace::Mnt).mount(Mount::tmpfs(&target));
            propagation.map(|propagation| container.propagation(propagation));
            assert!(container.status().expect("start").success());
        };
        mounting(None);
        mounting(Some(Propagation::Slave));
        assert_eq!(before, Leftovers::mountinfo());
        mounting(Some(Propagation::Shared));
        assert_ne!(before, Leftovers::mountinfo());
        rustix::mount::unmount(&target, rustix::mount::UnmountFlags::empty()).expect("unmount");
        let mut container = shell(&format!("umount -l {}", shared.path().display()));
        container.namespace(Namespace::Mnt);
        assert!(container.status().expect("start").success());
        assert_eq!(before, Leftovers::mountinfo());
    });
}

/// The root may be below a shared mount.
#[test]
fn d04_the_root_may_be_below_a_shared_mount() {
    ns_testbed::run_as!([Root, Nested], {
        let shared = SharedMount::new();
        let root = shared.path().join("root");
        fs::create_dir(&root).expect("mkdir");
        assert_eq!(printed(&shell_in(&root, "echo inside")), "inside\n");
    });
}

/// The working directory is resolved in the new root, must be inside it, and is created on request.
#[test]
fn d14_the_working_directory_is_inside_the_root() {
    ns_testbed::run_as!([Root, User, Nested], {
        let root = new_root("workdir");
        symlink("/tmp", root.join("link")).expect("symlink");
        fs::create_dir(root.join("tmp")).expect("mkdir");
        let mut chroot = shell_in(&root, "pwd -P");
        assert_eq!(printed(chroot.workdir("/link")), "/tmp\n");
        let error = start_error(chroot.workdir("/missing"));
        assert_eq!((error.step(), error.errno()), (Step::Workdir, Some(Errno::NOENT)));
        assert_eq!(error.object(), Some("/missing"));
        assert_eq!(printed(chroot.workdir("/a/b").create_workdir()), "/a/b\n");
        let mut container = shell("pwd -P");
        assert_eq!(printed(container.workdir("/usr")), "/usr\n");
        assert_eq!(container.get_workdir(), Some(Path::new("/usr")));
        std::env::set_current_dir("/proc").expect("chdir");
        assert_eq!(printed(&shell("pwd -P")), "/proc\n");
        let outside = fs::File::open("/").expect("open");
        let number = std::os::fd::AsRawFd::as_raw_fd(&outside);
        let mut chroot = shell_in(&root, "pwd");
        chroot.namespace(Namespace::Pid).mount_proc();
        chroot.workdir(format!("/proc/self/fd/{number}"));
        let error = start_error(&chroot);
        assert_eq!((error.step(), error.errno()), (Step::Workdir, Some(Errno::XDEV)), "{error}");
    });
}

/// The error of each failed step names its object, and the mounts of the host are unchanged.
#[test]
fn d08_f12_each_failed_step_names_its_object() {
    ns_testbed::run_as!([Root, User, Nested], {
        let root = new_root("steps");
        let assert_error = |chroot: &Chroot, step, errno, object: &str| {
            let error = start_error(chroot);
            assert_eq!((error.step(), error.errno()), (step, Some(errno)), "{error}");
            assert_eq!(error.object(), Some(object), "{error}");
        };
        let missing = root.join("missing");
        let chroot = Chroot::new(&missing, "sh");
        assert_error(&chroot, Step::OpenRoot, Errno::NOENT, &missing.display().to_string());
        let mut chroot = Chroot::new(&*root, "sh");
        chroot.mount(Mount::tmpfs("/none"));
        assert_error(&chroot, Step::MountTarget, Errno::NOENT, "/none");
        let mut chroot = Chroot::new(&*root, "sh");
        chroot.mount(Mount::tmpfs("/proc").data("invalid=1"));
        assert_error(&chroot, Step::Mount, Errno::INVAL, "/proc");
        let mut chroot = Chroot::new(&*root, "sh");
        chroot.mount(Mount::bind("/nowhere", "/proc"));
        assert_error(&chroot, Step::MountSource, Errno::NOENT, "/nowhere");
        symlink("/elsewhere", root.join("etc")).expect("symlink");
        let mut chroot = Chroot::new(&*root, "sh");
        chroot.mount(Mount::tmpfs("/etc"));
        assert_error(&chroot, Step::MountTarget, Errno::NOENT, "/etc");
    });
}

/// Without a new pid namespace proc cannot be mounted, and is not bound instead.
#[test]
fn d10_proc_needs_a_new_pid_namespace() {
    ns_testbed::run_as!([User], {
        let mut container = Container::new("true");
        container.namespaces([Namespace::User, Namespace::Mnt]).map_zero();
        container.mount(Mount::proc("/proc"));
        let error = start_error(&container);
        assert_eq!((error.step(), error.errno()), (Step::Mount, Some(Errno::PERM)), "{error}");
        assert_eq!(error.object(), Some("/proc"));
    });
}

/// Invalid settings are refused with the name of the setter.
#[test]
fn invalid_root_settings_are_refused() {
    assert_refused(
        Container::new("true").mount(Mount::tmpfs("/tmp")),
        "mount: needs a new mnt namespace",
    );
    let message = "propagation: needs a new mnt namespace";
    assert_refused(Container::new("true").propagation(Propagation::Slave), message);
    assert_refused(Container::new("true").by_chroot(), "by_chroot: needs a rootdir");
    let message = "read_only_root: needs a new root and a new mnt namespace";
    assert_refused(Container::new("true").rootdir("/tmp").read_only_root(), message);
    assert_refused(Container::new("true").create_workdir(), "create_workdir: needs a workdir");
    for (setter, container) in [
        ("workdir", Container::new("true").workdir("/")),
        ("rootdir", Container::new("true").rootdir("/")),
    ] {
        let message = format!("{setter}: CLONE_FS shares the caller's own");
        assert_refused(container.flags(CloneFlags::FS), &message);
    }
}

/// Settings can be read back.
#[test]
fn root_setters_are_read_back() {
    let mut chroot = Chroot::new("rootfs", "/bin/ls");
    chroot.mount(Mount::tmpfs("/tmp")).mount_proc().read_only_root();
    chroot.propagation(Propagation::Slave);
    assert_eq!(chroot.get_rootdir(), Some(Path::new("rootfs")));
    assert_eq!(chroot.get_mounts().len(), 1);
    assert!(chroot.get_mount_proc() && chroot.get_read_only_root());
    assert_eq!(chroot.get_propagation(), Some(Propagation::Slave));
    assert!(chroot.get_name().starts_with("chroot-"));
}
