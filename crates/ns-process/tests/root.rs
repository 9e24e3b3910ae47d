//! Root, mounts and working directory of a program.

mod common;

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use common::ACT;
use ns_process::{
    Chroot, CloneFlags, Container, Errno, Error, Mount, Namespace, Propagation, Stdio, Step,
};
use ns_testbed::{Leftovers, SharedMount};

/// A folder of the test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("ns process {name} {}", std::process::id()));
        fs::create_dir_all(path.join("proc")).expect("mkdir");
        Self(path)
    }

    fn inner(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What the host's shell needs.
fn host_programs() -> impl Iterator<Item = Mount> {
    let folders = ["/usr", "/bin", "/lib", "/lib64"];
    let present = folders.into_iter().filter(|folder| Path::new(folder).exists());
    present.map(|folder| Mount::bind(folder, folder).recursive().read_only().create())
}

fn shell_in(root: &Path, script: &str) -> Chroot {
    let mut chroot = Chroot::new(root, "sh");
    chroot.args(["-c", script]).map_zero();
    host_programs().for_each(|mount| {
        chroot.mount(mount);
    });
    chroot
}

/// This test binary, to run the test `name` as a program.
fn act_in(root: &Path, name: &str) -> Chroot {
    let mut chroot = Chroot::new(root, "/proc/self/exe");
    chroot.args([name, "--exact", "--nocapture"]).env(ACT, "1").env_remove("NS_TESTBED_ROLE");
    host_programs().for_each(|mount| {
        chroot.mount(mount);
    });
    chroot.namespace(Namespace::Pid).map_zero().mount_proc();
    chroot
}

fn printed<Kind>(container: &ns_process::Builder<Kind>) -> String {
    let output = container.output().expect("start");
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{}: {complaint}", output.status);
    String::from_utf8(output.stdout).expect("text")
}

fn refused<Kind>(container: &ns_process::Builder<Kind>) -> Error {
    let before = Leftovers::snapshot();
    let error = container.start().expect_err("it must fail");
    common::assert_unchanged(&before);
    error
}

/// The root is the folder, also by a relative path, and the program begins at its `/`; the old root
/// is gone from the mount table.
#[test]
fn d01_d05_the_root_is_the_folder() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::new("root");
        let inode = fs::metadata(&folder.0).expect("stat").ino();
        std::env::set_current_dir(folder.0.parent().expect("a parent")).expect("chdir");
        let relative = PathBuf::from(folder.0.file_name().expect("a name"));
        for root in [folder.0.clone(), relative] {
            let mut chroot = shell_in(&root, "pwd; stat -c %i . /; cd ../../..; stat -c %i .");
            let seen = printed(&chroot);
            assert_eq!(seen, format!("/\n{inode}\n{inode}\n{inode}\n"));
            chroot.namespace(Namespace::Pid).mount_proc();
            let mut table = shell_in(&root, "cat /proc/self/mountinfo");
            table.namespace(Namespace::Pid).mount_proc();
            let table = printed(&table);
            let roots = table.lines().filter(|line| line.split(' ').nth(4) == Some("/")).count();
            assert_eq!(roots, 1, "{table}");
            let mut points = table.lines().filter_map(|line| line.split(' ').nth(4));
            assert!(points.all(|point| !point.starts_with("/tmp")), "{table}");
        }
    });
}

/// A descriptor that the caller leaks does not reach the program.
#[test]
fn d03_a_leaked_directory() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::new("leak");
        let host = fs::File::open("/").expect("open");
        rustix::io::fcntl_setfd(&host, rustix::io::FdFlags::empty()).expect("inheritable");
        let mut chroot = shell_in(&folder.0, "ls /proc/self/fd");
        chroot.namespace(Namespace::Pid).mount_proc();
        // 3 is the listing's own.
        assert_eq!(printed(&chroot), "0\n1\n2\n3\n");
    });
}

/// Not a test: the program of the next one, which walks out of a chroot.
#[test]
fn walk_out() {
    if let Some(host) = std::env::var_os(ACT).and_then(|_| std::env::var("NS_HOST").ok()) {
        fs::create_dir_all("/inner").expect("mkdir");
        std::os::unix::fs::chroot("/inner").expect("chroot");
        // The working directory was left above.
        let top = fs::metadata("../".repeat(30)).expect("stat");
        std::process::exit(if format!("{}:{}", top.dev(), top.ino()) == host { 10 } else { 11 });
    }
}

/// chroot(2) within chroot(2) leads out; it does not lead out of the default.
#[test]
fn d02_chroot_in_chroot() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::new("escape");
        let host = fs::metadata("/").expect("stat");
        let mut chroot = act_in(&folder.0, "walk_out");
        chroot.env("NS_HOST", format!("{}:{}", host.dev(), host.ino()));
        chroot.stdout(Stdio::null());
        assert_eq!(chroot.status().expect("start").code(), Some(11), "it got out");
        assert_eq!(chroot.by_chroot().status().expect("start").code(), Some(10), "no escape");
    });
}

/// chroot(2) is what happens without a new mount namespace, and on request.
#[test]
fn rootdir_by_chroot() {
    ns_testbed::run_as!([Root, Nested], {
        let folder = Folder::new("chroot");
        let inode = fs::metadata(&folder.0).expect("stat").ino();
        let mut named = shell_in(&folder.0, "stat -c %i /");
        named.by_chroot();
        assert_eq!(printed(&named), format!("{inode}\n"));
        let plan = named.plan().expect("plan").describe().to_string();
        assert!(plan.contains("chroot(\".\")") && !plan.contains("pivot_root"), "{plan}");
        let mut container = Container::new("/nope");
        container.rootdir(&folder.0);
        let plan = container.plan().expect("plan").describe().to_string();
        assert!(plan.contains("chroot(\".\")") && !plan.contains("mount("), "{plan}");
        let error = refused(&container);
        assert_eq!((error.step(), error.errno()), (Step::Exec, Some(Errno::NOENT)));
    });
}

/// Root may do without the user namespace.
#[test]
fn chroot_without_a_user_namespace() {
    ns_testbed::run_as!([Root, Nested], {
        let folder = Folder::new("privileged");
        let mut chroot = Chroot::new(&folder.0, "sh");
        chroot.args(["-c", "id -u"]).without(Namespace::User);
        host_programs().for_each(|mount| {
            chroot.mount(mount);
        });
        assert_eq!(printed(&chroot), "0\n");
    });
}

/// A read-only root takes nothing, a tmpfs in it does.
#[test]
fn d12_read_only_root() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::new("read-only");
        let mut chroot = shell_in(&folder.0, "echo x > /tmp/file && ! echo x > /file");
        chroot.read_only_root().mount(Mount::tmpfs("/tmp").create());
        printed(&chroot);
        assert!(!folder.inner("file").exists());
    });
}

/// What the child mounts does not show on the host, what the host unmounts does not go, and shared is
/// shared on request.
#[test]
fn d06_d07_mounts_do_not_travel() {
    ns_testbed::run_as!([Root, Nested], {
        let shared = SharedMount::new();
        let target = shared.path().join("inner");
        fs::create_dir(&target).expect("mkdir");
        let before = Leftovers::mountinfo();
        let mounting = |propagation: Option<Propagation>| {
            let mut container = Container::new("true");
            container.namespace(Namespace::Mnt).mount(Mount::tmpfs(&target));
            propagation.map(|wish| container.propagation(wish));
            assert!(container.status().expect("start").success());
        };
        mounting(None);
        mounting(Some(Propagation::Slave));
        assert_eq!(before, Leftovers::mountinfo());
        mounting(Some(Propagation::Shared));
        assert_ne!(before, Leftovers::mountinfo());
        rustix::mount::unmount(&target, rustix::mount::UnmountFlags::empty()).expect("unmount");
        let mut container = common::shell(&format!("umount -l {}", shared.path().display()));
        container.namespace(Namespace::Mnt);
        assert!(container.status().expect("start").success());
        assert_eq!(before, Leftovers::mountinfo());
    });
}

/// A root whose parent mount is shared is no obstacle.
#[test]
fn d04_a_shared_parent() {
    ns_testbed::run_as!([Root, Nested], {
        let shared = SharedMount::new();
        let root = shared.path().join("root");
        fs::create_dir(&root).expect("mkdir");
        assert_eq!(printed(&shell_in(&root, "echo inside")), "inside\n");
    });
}

/// Resolved in the new root, proven inside, made on request.
#[test]
fn d14_workdir() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::new("workdir");
        symlink("/tmp", folder.inner("link")).expect("symlink");
        fs::create_dir(folder.inner("tmp")).expect("mkdir");
        let mut chroot = shell_in(&folder.0, "pwd -P");
        assert_eq!(printed(chroot.workdir("/link")), "/tmp\n");
        let error = refused(chroot.workdir("/missing"));
        assert_eq!((error.step(), error.errno()), (Step::Workdir, Some(Errno::NOENT)));
        assert_eq!(error.object(), Some("/missing"));
        assert_eq!(printed(chroot.workdir("/a/b").create_workdir()), "/a/b\n");
        let mut container = common::shell("pwd -P");
        assert_eq!(printed(container.workdir("/usr")), "/usr\n");
        assert_eq!(container.get_workdir(), Some(Path::new("/usr")));
        std::env::set_current_dir("/proc").expect("chdir");
        assert_eq!(printed(&common::shell("pwd -P")), "/proc\n");
        let outside = fs::File::open("/").expect("open");
        let number = std::os::fd::AsRawFd::as_raw_fd(&outside);
        let mut chroot = shell_in(&folder.0, "pwd");
        chroot.namespace(Namespace::Pid).mount_proc();
        chroot.workdir(format!("/proc/self/fd/{number}"));
        let error = refused(&chroot);
        assert_eq!((error.step(), error.errno()), (Step::Workdir, Some(Errno::XDEV)), "{error}");
    });
}

/// Each step that fails says which object it was about, and the host's mounts are as before.
#[test]
fn d08_f12_each_step_is_named() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::new("steps");
        let told = |chroot: &Chroot, step, errno, object: &str| {
            let error = refused(chroot);
            assert_eq!((error.step(), error.errno()), (step, Some(errno)), "{error}");
            assert_eq!(error.object(), Some(object), "{error}");
        };
        let missing = folder.inner("missing");
        let chroot = Chroot::new(&missing, "sh");
        told(&chroot, Step::OpenRoot, Errno::NOENT, &missing.display().to_string());
        let mut chroot = Chroot::new(&folder.0, "sh");
        chroot.mount(Mount::tmpfs("/none"));
        told(&chroot, Step::MountTarget, Errno::NOENT, "/none");
        let mut chroot = Chroot::new(&folder.0, "sh");
        chroot.mount(Mount::tmpfs("/proc").data("nonsense=1"));
        told(&chroot, Step::Mount, Errno::INVAL, "/proc");
        let mut chroot = Chroot::new(&folder.0, "sh");
        chroot.mount(Mount::bind("/nowhere", "/proc"));
        told(&chroot, Step::Mount, Errno::NOENT, "/proc");
        symlink("/elsewhere", folder.inner("etc")).expect("symlink");
        let mut chroot = Chroot::new(&folder.0, "sh");
        chroot.mount(Mount::tmpfs("/etc"));
        told(&chroot, Step::MountTarget, Errno::NOENT, "/etc");
    });
}

/// proc of a pid namespace that is not the child's own is refused, and never bound instead.
#[test]
fn d10_proc_without_a_pid_namespace() {
    ns_testbed::run_as!([User], {
        let mut container = Container::new("true");
        container.namespaces([Namespace::User, Namespace::Mnt]).map_zero();
        container.mount(Mount::proc("/proc"));
        let error = refused(&container);
        assert_eq!((error.step(), error.errno()), (Step::Mount, Some(Errno::PERM)), "{error}");
        assert_eq!(error.object(), Some("/proc"));
    });
}

/// Mistakes are told by the setter's name, before any system call.
#[test]
fn mistakes_of_root_setters() {
    let told = |container: &Container, said: &str| {
        let error = container.start().expect_err("a mistake");
        assert_eq!((error.step(), error.object()), (Step::Check, Some(said)));
    };
    told(Container::new("true").mount(Mount::tmpfs("/tmp")), "mount: needs a new mnt namespace");
    let said = "propagation: needs a new mnt namespace";
    told(Container::new("true").propagation(Propagation::Slave), said);
    told(Container::new("true").by_chroot(), "by_chroot: needs a rootdir");
    let said = "read_only_root: needs a rootdir and a new mnt namespace";
    told(Container::new("true").rootdir("/tmp").read_only_root(), said);
    told(Container::new("true").create_workdir(), "create_workdir: needs a workdir");
    for (setter, container) in [
        ("workdir", Container::new("true").workdir("/")),
        ("rootdir", Container::new("true").rootdir("/")),
    ] {
        let said = format!("{setter}: CLONE_FS shares the caller's own");
        told(container.flags(CloneFlags::FS), &said);
    }
}

/// What was set is read back.
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
