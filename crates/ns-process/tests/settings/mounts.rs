//! Mounts as programs and users ask for them.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use ns_process::{Chroot, Container, Errno, Mount, MountAttrs, Namespace, Propagation, Step, Tree};

use crate::common::{Directory, printed, start_error};

fn container(script: &str) -> Container {
    let mut container = Container::new("sh");
    container.args(["-c", script]).namespaces([Namespace::User, Namespace::Mnt, Namespace::Pid]);
    container.map_zero();
    container
}

/// A source below an earlier mount, with the present root.
#[test]
fn d17_a_source_below_an_earlier_mount() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = Directory::new("sources");
        fs::create_dir_all(dir.join("x")).expect("mkdir");
        fs::write(dir.join("x/file"), "text").expect("write");
        let mut cat = container("cat w/file; ls");
        cat.mount(Mount::tmpfs(&*dir));
        cat.mount(Mount::bind(dir.join("x"), dir.join("w")).create()).workdir(&*dir);
        assert_eq!(printed(&cat), "textw\n");
    });
}

/// The path that is wrong is the object of the error, and the hint says what to do.
#[test]
fn d18_the_wrong_path_is_named() {
    ns_testbed::run_as!([User], {
        let dir = Directory::new("wrong");
        fs::create_dir(dir.join("directory")).expect("mkdir");
        fs::write(dir.join("file"), "").expect("write");
        symlink("/nowhere", dir.join("link")).expect("symlink");
        let at = |name: &str| dir.join(name);
        let text = |name: &str| at(name).display().to_string();
        let cases = [
            (
                Mount::bind("/no/such", "/mnt"),
                Step::MountSource,
                Errno::NOENT,
                "/no/such".to_owned(),
                "mount on /mnt: it does not exist",
            ),
            (
                Mount::bind(at("file"), at("directory")),
                Step::Mount,
                Errno::ISDIR,
                text("directory"),
                "but the source is not",
            ),
            (
                Mount::bind("/", "/mnt"),
                Step::MountSource,
                Errno::INVAL,
                "/".to_owned(),
                "recursively",
            ),
            (
                Mount::overlay_read_only("/mnt", ["/", "/no/such"]),
                Step::MountSource,
                Errno::NOENT,
                "/no/such".to_owned(),
                "lower directory of the mount on /mnt",
            ),
            (
                Mount::tmpfs(at("link")).create(),
                Step::MountTarget,
                Errno::NOENT,
                text("link"),
                "target does not exist",
            ),
        ];
        for (mount, step, errno, object, hint) in cases {
            let mut container = container("true");
            let error = start_error(container.mount(mount));
            assert_eq!((error.step(), error.errno()), (step, Some(errno)), "{error}");
            assert_eq!(error.object(), Some(object.as_str()), "{error}");
            assert!(error.hint().is_some_and(|text| text.contains(hint)), "{error}");
        }
    });
}

/// Options that a mount does not have are refused before anything is made.
#[test]
fn options_of_another_mount_are_refused() {
    ns_testbed::run_as!([Root], {
        let cases = [
            (Mount::bind("/", "/mnt").data("x"), "mount: mount 0 on /mnt: data: a bind mount"),
            (
                Mount::tmpfs("/mnt").recursive(),
                "mount: mount 0 on /mnt: recursive: a new file system",
            ),
            (Mount::mask("/mnt").create(), "mount: mount 0 on /mnt: create: a mask"),
            (
                Mount::symlink("a", "/b").read_only(),
                "mount: mount 0 on /b: attributes: a symbolic link",
            ),
            (
                Mount::tmpfs("/a").set(MountAttrs::NOATIME | MountAttrs::STRICTATIME),
                "exclude each other",
            ),
        ];
        for (mount, message) in cases {
            let mut container = container("true");
            let error = start_error(container.mount(mount));
            assert_eq!(error.step(), Step::Check, "{error}");
            assert!(error.object().is_some_and(|object| object.contains(message)), "{error}");
        }
        let mut container = container("true");
        let error = start_error(container.workdir(""));
        assert!(error.object().is_some_and(|object| object.starts_with("workdir")), "{error}");
    });
}

/// An overlay is the root of a Chroot and of a Container; changes go to its upper directory.
#[test]
fn an_overlay_is_the_root() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = Directory::new("overlay");
        for name in ["upper", "work", "empty"] {
            fs::create_dir(dir.join(name)).expect("mkdir");
        }
        let host: Vec<_> = Mount::host_root().into_iter().skip(1).collect();
        let overlay =
            || Mount::overlay("/", [dir.join("empty")], dir.join("upper"), dir.join("work"));
        let script = "touch /new; rm -r /opt2; mkdir /opt2; stat -f -c %T /; pwd";
        let mut chroot = Chroot::new(dir.join("empty"), "sh");
        chroot.args(["-c", script]).namespace(Namespace::Pid).map_zero();
        chroot.mount(overlay());
        host.iter().fold(&mut chroot, |chroot, mount| chroot.mount(mount.clone()));
        chroot.mount(Mount::directory("/opt2"));
        assert_eq!(printed(&chroot), "overlayfs\n/\n");
        assert!(dir.join("upper/new").exists() && !dir.join("empty/new").exists());
        let mut again = container("ls /new");
        again.mount(overlay());
        host.iter().fold(&mut again, |again, mount| again.mount(mount.clone()));
        assert_eq!(printed(&again), "/new\n");
        let _ = fs::set_permissions(dir.join("work/work"), fs::Permissions::from_mode(0o700));
    });
}

/// The programs of the host in one call: read-only, with private /tmp, and nothing else.
#[test]
fn a_host_root() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = Directory::new("host");
        let script = "for f in /usr/f /etc/f; do touch $f 2>/dev/null && echo $f; done
            echo x > /tmp/x; echo x > /dev/null; ls /tmp /home /sys 2>/dev/null
            echo $$; cat /job/in; echo out > /job/out; touch /f 2>/dev/null || echo ro";
        fs::write(dir.join("in"), "in\n").expect("write");
        let mut sandbox = container(script);
        sandbox.host_root().mount(Mount::bind(&*dir, "/job").create()).read_only_root();
        assert_eq!(printed(&sandbox), "/tmp:\nx\n1\nin\nro\n");
        assert_eq!(fs::read_to_string(dir.join("out")).expect("read"), "out\n");
        let mut other = container("true");
        let error = start_error(other.host_root().rootdir("/tmp"));
        assert_eq!(error.object(), Some("host_root: conflicts with rootdir"));
    });
}

/// A tree is mounted by each start of a container, again and again.
#[test]
fn a_tree_is_mounted_by_each_start() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = Directory::new("tree");
        fs::write(dir.join("file"), "text").expect("write");
        let tree = Tree::open(&*dir).expect("open").recursive().set_all(MountAttrs::RDONLY);
        let tree = tree.propagation(Propagation::Slave);
        let mut cat = container("cat /mnt/file; touch /mnt/new 2>/dev/null || echo ro");
        cat.mount(Mount::tree(tree, "/mnt"));
        for _ in 0..3 {
            assert_eq!(printed(&cat), "textro\n");
        }
    });
}

/// The root by any name.
#[test]
fn d16_the_root_by_any_name() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = Directory::new("names");
        let link = dir.join("link");
        symlink("/", &link).expect("symlink");
        for name in ["//".as_ref(), "/proc/self/root".as_ref(), link.as_path()] {
            let mut chroot = Chroot::new(name, "sh");
            chroot.args(["-c", "echo $$"]).namespace(Namespace::Pid).map_zero();
            assert_eq!(printed(&chroot), "1\n", "{name:?}");
        }
    });
}

/// The working directory is the present one, whose path is longer than getcwd(2) can return.
#[test]
fn a_working_directory_with_a_long_path() {
    ns_testbed::run_as!([Root, User], {
        let dir = Directory::new("deep");
        std::env::set_current_dir(&*dir).expect("chdir");
        let name = "n".repeat(199);
        for _ in 0..30 {
            fs::create_dir(&name).expect("mkdir");
            std::env::set_current_dir(&name).expect("chdir");
        }
        fs::write("file", "deep\n").expect("write");
        let mut cat = container("cat file");
        assert_eq!(printed(cat.workdir(".")), "deep\n");
    });
}
