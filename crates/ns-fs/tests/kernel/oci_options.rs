//! Each option string of the OCI runtime-spec, "Linux mount options", read back from mountinfo.
//!
//! The README maps the strings to this crate. Each table below has the strings of one kind.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::process::{Command, Stdio};

use linux_raw_sys::general::{__NR_mount_setattr, __NR_move_mount, __NR_open_tree};
use ns_fs::{Mount, MountAttrs, MountFlags, Propagation, Root, Step, StepError, Tree};
use ns_sys::Errno;
use ns_testbed::{Leftovers, refuse};

use crate::fixture::{in_own_mounts, mounts_at, plan};

/// The system calls that an older kernel lacks: none, and those of Linux 5.12 and 5.2.
const MISSING: [&[u32]; 3] =
    [&[], &[__NR_mount_setattr], &[__NR_mount_setattr, __NR_open_tree, __NR_move_mount]];

/// A change of attributes.
#[derive(Clone, Copy, Debug)]
enum Change {
    Set(MountAttrs),
    Clear(MountAttrs),
}
use Change::{Clear, Set};

impl Change {
    fn of(self, mount: Mount) -> Mount {
        match self {
            Set(attrs) => mount.set(attrs),
            Clear(attrs) => mount.clear(attrs),
        }
    }

    fn of_all(self, mount: Mount) -> Mount {
        match self {
            Set(attrs) => mount.set_all(attrs),
            Clear(attrs) => mount.clear_all(attrs),
        }
    }

    fn of_tree(self, tree: Tree) -> Tree {
        match self {
            Set(attrs) => tree.set(attrs),
            Clear(attrs) => tree.clear(attrs),
        }
    }

    fn of_whole_tree(self, tree: Tree) -> Tree {
        match self {
            Set(attrs) => tree.set_all(attrs),
            Clear(attrs) => tree.clear_all(attrs),
        }
    }
}

/// An option, its change, and what mountinfo shows of a mount before and after it. The option with `r` in
/// front is the same change of a whole tree.
const ATTRIBUTES: [(&str, Change, &str, &str); 18] = [
    ("ro", Set(MountAttrs::RDONLY), "rw,relatime", "ro,relatime"),
    ("rw", Clear(MountAttrs::RDONLY), "ro,relatime", "rw,relatime"),
    ("nosuid", Set(MountAttrs::NOSUID), "rw,relatime", "rw,nosuid,relatime"),
    ("suid", Clear(MountAttrs::NOSUID), "rw,nosuid,relatime", "rw,relatime"),
    ("nodev", Set(MountAttrs::NODEV), "rw,relatime", "rw,nodev,relatime"),
    ("dev", Clear(MountAttrs::NODEV), "rw,nodev,relatime", "rw,relatime"),
    ("noexec", Set(MountAttrs::NOEXEC), "rw,relatime", "rw,noexec,relatime"),
    ("exec", Clear(MountAttrs::NOEXEC), "rw,noexec,relatime", "rw,relatime"),
    ("noatime", Set(MountAttrs::NOATIME), "rw,relatime", "rw,noatime"),
    ("atime", Clear(MountAttrs::NOATIME), "rw,noatime", "rw,relatime"),
    ("nodiratime", Set(MountAttrs::NODIRATIME), "rw", "rw,nodiratime"),
    ("diratime", Clear(MountAttrs::NODIRATIME), "rw,nodiratime", "rw"),
    ("relatime", Set(MountAttrs::RELATIME), "rw,noatime", "rw,relatime"),
    // The kernel has no mount that only lacks it: relatime is the default.
    ("norelatime", Clear(MountAttrs::RELATIME), "rw,relatime", "rw,relatime"),
    ("strictatime", Set(MountAttrs::STRICTATIME), "rw,relatime", "rw"),
    ("nostrictatime", Clear(MountAttrs::STRICTATIME), "rw", "rw,relatime"),
    ("nosymfollow", Set(MountAttrs::NOSYMFOLLOW), "rw,relatime", "rw,relatime,nosymfollow"),
    ("symfollow", Clear(MountAttrs::NOSYMFOLLOW), "rw,relatime,nosymfollow", "rw,relatime"),
];

/// The attributes that mountinfo shows as this text.
fn parse(shown: &str) -> MountAttrs {
    let attrs = shown.split(',').map(|name| match name {
        "ro" => MountAttrs::RDONLY,
        "nosuid" => MountAttrs::NOSUID,
        "nodev" => MountAttrs::NODEV,
        "noexec" => MountAttrs::NOEXEC,
        "noatime" => MountAttrs::NOATIME,
        "nodiratime" => MountAttrs::NODIRATIME,
        "nosymfollow" => MountAttrs::NOSYMFOLLOW,
        _ => MountAttrs::empty(),
    });
    let attrs = attrs.fold(MountAttrs::empty(), MountAttrs::union);
    let is_strict = !shown.contains(",noatime") && !shown.contains("relatime");
    if is_strict { attrs | MountAttrs::STRICTATIME } else { attrs }
}

/// Each option of a new file system, of a remount, of a bind mount and of a tree.
#[test]
fn attributes_of_one_mount() {
    ns_testbed::run_as!([Root, User, Nested], {
        each(|option, change, before, after| {
            mount(Mount::tmpfs("/tmp/new").clear(MountAttrs::all()).set(parse(before)));
            mount(change.of(Mount::tmpfs("/tmp/new").clear(MountAttrs::all()).set(parse(before))));
            assert_eq!(shown("/tmp/new"), [before, after], "{option}: new");

            make_source(before);
            mount(change.of(Mount::bind("/tmp/source", "/tmp/target").recursive()));
            assert_eq!(shown("/tmp/target"), [after], "{option}: bind");
            assert_eq!(shown("/tmp/target/below"), [before], "{option}: below a bind");

            mount(Mount::tree(change.of_tree(source()), "/tmp/target"));
            assert_eq!(shown("/tmp/target"), [after, after], "{option}: tree");
            assert_eq!(shown("/tmp/target/below").last().map(|s| &**s), Some(before), "{option}");

            mount(change.of(Mount::remount("/tmp/source")));
            assert_eq!(shown("/tmp/source"), [after], "{option}: remount");
            assert_eq!(shown("/tmp/source/below"), [before], "{option}: below a remount");
        });
    });
}

/// Each option with `r` of a bind mount, of a tree and of a remount. Before Linux 5.12 that is an error, and
/// nothing is mounted.
#[test]
fn attributes_of_a_whole_tree() {
    ns_testbed::run_as!([Root, User, Nested], {
        each(|option, change, before, after| {
            make_source(before);
            let mounts = [
                change.of_all(Mount::bind("/tmp/source", "/tmp/target").recursive()),
                Mount::tree(change.of_whole_tree(source()), "/tmp/target"),
                change.of_all(Mount::remount("/tmp/source").recursive()),
            ];
            for mount in mounts {
                let target = mount.target().to_str().expect("text").to_owned();
                let below = target.clone() + "/below";
                match apply([mount]) {
                    Ok(()) => {
                        let tops =
                            [shown(&target), shown(&below)].map(|lines| lines.last().cloned());
                        assert_eq!(
                            tops,
                            [Some(after.to_owned()), Some(after.to_owned())],
                            "r{option}"
                        );
                    }
                    Err(error) => {
                        let refused = StepError { step: Step::Mount(0), errno: Errno::NOSYS };
                        assert_eq!(error, refused, "r{option}");
                        assert!(!has_mount_setattr(), "r{option}");
                        assert_eq!(shown("/tmp/target"), [""; 0], "r{option}");
                    }
                }
            }
        });
    });
}

/// Runs `check` in a new mount namespace for each option, also on older kernels.
fn each(check: impl Fn(&str, Change, &str, &str)) {
    for missing in MISSING {
        for (option, change, before, after) in ATTRIBUTES {
            in_tmp(missing, || check(option, change, before, after));
        }
    }
}

/// `shared`, `slave`, `private`, `unbindable`, and the same with `r`: of a bind mount, of a tree, and of a
/// mounted one.
#[test]
fn propagation() {
    const OPTIONS: [(&str, Propagation, Propagation, &str, &str); 4] = [
        ("shared", Propagation::Shared, Propagation::Private, "", "shared:"),
        ("slave", Propagation::Slave, Propagation::Shared, "shared:", "master:"),
        ("private", Propagation::Private, Propagation::Shared, "shared:", ""),
        ("unbindable", Propagation::Unbindable, Propagation::Private, "", "unbindable"),
    ];
    ns_testbed::run_as!([Root, User, Nested], {
        for missing in MISSING {
            for (option, to, from, before, after) in OPTIONS {
                in_tmp(missing, || {
                    make_source("rw,relatime");
                    mount(Mount::propagation("/tmp/source", from).recursive());
                    let bind = || Mount::bind("/tmp/source", "/tmp/target").recursive();
                    let tree = |tree| Mount::tree(tree, "/tmp/target");
                    // Nothing below a tree that the caller has cloned propagates to it.
                    let isolated = match option {
                        _ if !missing.is_empty() => before,
                        "slave" => "master:",
                        _ => "",
                    };
                    let cases = [
                        (bind(), before, before),
                        (bind().with_propagation(to), after, before),
                        (bind().with_propagation_all(to), after, after),
                        (tree(source().propagation(to)), after, isolated),
                        (tree(source().propagation_all(to)), after, after),
                    ];
                    for (one, top, below) in cases {
                        mount(one);
                        assert_propagation("/tmp/target", [top, below], option);
                        // An unmount propagates too.
                        mount(Mount::propagation("/tmp/target", Propagation::Private).recursive());
                        unmount("/tmp/target");
                    }
                    mount(bind());
                    mount(Mount::propagation("/tmp/target", to));
                    assert_propagation("/tmp/target", [after, before], option);
                    mount(Mount::propagation("/tmp/target", to).recursive());
                    assert_propagation("/tmp/target", [after, after], option);
                    mount(Mount::tmpfs("/tmp/new").with_propagation(from));
                    assert_propagation("/tmp/new", [before], option);
                });
            }
        }
    });
}

/// Asserts the optional fields of a mount and of the one below it.
fn assert_propagation<const N: usize>(target: &str, expected: [&str; N], option: &str) {
    let info = Leftovers::mountinfo();
    let paths = [target.to_owned(), format!("{target}/below")];
    for (path, expected) in paths.iter().zip(expected) {
        let line = mounts_at(path, &info).pop().expect("a mount");
        let fields: Vec<_> = line[6..].iter().take_while(|field| *field != "-").collect();
        let matches = match expected {
            "" => fields.is_empty(),
            _ => fields.len() == 1 && fields[0].starts_with(expected),
        };
        assert!(matches, "{option}: {path}: {line:?}");
    }
}

/// Options of the file system, in the last field of mountinfo: what they set and clear, in a new file system
/// and in a remount.
#[test]
fn file_system_flags() {
    const MANDLOCK: MountFlags = MountFlags::from_bits_retain(1 << 6);
    const I_VERSION: MountFlags = MountFlags::from_bits_retain(1 << 23);
    // An option, its opposite, its flag, what mountinfo shows, and whether a remount changes it.
    const OPTIONS: [(&str, &str, MountFlags, &str, bool); 6] = [
        ("sync", "async", MountFlags::SYNCHRONOUS, "sync", true),
        ("dirsync", "", MountFlags::DIRSYNC, "dirsync", false),
        ("lazytime", "nolazytime", MountFlags::LAZYTIME, "lazytime", true),
        // Since Linux 5.15 it has no effect, though it is shown.
        ("mand", "nomand", MANDLOCK, "mand", true),
        // These cannot be seen.
        ("iversion", "noiversion", I_VERSION, "", true),
        ("silent", "loud", MountFlags::SILENT, "", true),
    ];
    ns_testbed::run_as!([Root, User, Nested], {
        for (option, opposite, flag, name, in_remount) in OPTIONS {
            in_tmp(&[], || {
                let has = |expected: bool, what: &str| {
                    let line = mounts_at("/tmp/new", &Leftovers::mountinfo()).pop().expect("line");
                    let has = line.last().expect("field").split(',').any(|option| option == name);
                    assert_eq!(has, expected && !name.is_empty(), "{what}: {line:?}");
                };
                let new = || Mount::tmpfs("/tmp/new");
                mount(new().flags(flag));
                has(true, option);
                let remount = || Mount::remount("/tmp/new");
                let refused = StepError { step: Step::Mount(0), errno: Errno::INVAL };
                let expected = if in_remount { Ok(()) } else { Err(refused) };
                assert_eq!(apply([remount().clear_flags(flag)]), expected, "{opposite}");
                has(!in_remount, opposite);
                mount(new().flags(flag).clear_flags(flag));
                has(false, opposite);
                assert_eq!(apply([remount().flags(flag)]), expected, "{option}");
                has(in_remount, option);
                mount(remount().data("size=1m"));
                has(in_remount, option);
            });
        }
    });
}

/// `defaults`, `bind`, `rbind` and `remount`, with `ro` and `rw` of the mount and of the file system.
#[test]
fn kinds_of_mounts() {
    ns_testbed::run_as!([Root, User, Nested], {
        in_tmp(&[], || {
            mount(Mount::new("tmpfs", "tmpfs", "/tmp/new"));
            assert_eq!(shown("/tmp/new"), ["rw,relatime"], "defaults");
            make_source("rw,relatime");
            mount(Mount::bind("/tmp/source", "/tmp/target"));
            assert_eq!(shown("/tmp/target/below"), [""; 0], "bind");
            unmount("/tmp/target");
            mount(Mount::bind("/tmp/source", "/tmp/target").recursive());
            assert_eq!(shown("/tmp/target/below"), ["rw,relatime"], "rbind");

            let is_writable = |path: &str| fs::write(format!("{path}/file"), "").is_ok();
            let writable = || ["/tmp/source", "/tmp/target"].map(is_writable);
            for (options, change, expected) in [
                ("bind,remount,ro", Mount::remount("/tmp/source").read_only(), [false, true]),
                (
                    "bind,remount,rw",
                    Mount::remount("/tmp/source").clear(MountAttrs::RDONLY),
                    [true; 2],
                ),
                ("remount,ro", Mount::remount("/tmp/source").flags(MountFlags::RDONLY), [false; 2]),
                (
                    "remount,rw",
                    Mount::remount("/tmp/source").clear_flags(MountFlags::RDONLY),
                    [true; 2],
                ),
            ] {
                let id = |path| mounts_at(path, &Leftovers::mountinfo())[0][0].clone();
                let before = id("/tmp/source");
                mount(change);
                assert_eq!(writable(), expected, "{options}");
                assert_eq!(id("/tmp/source"), before, "{options}");
            }
            let change = Mount::remount("/tmp/source").recursive().data("size=1m");
            mount(change.set_all(MountAttrs::NOEXEC).with_propagation(Propagation::Shared));
            let lines = ["/tmp/source", "/tmp/source/below"].map(|path| shown(path).concat());
            assert_eq!(lines, ["rw,noexec,relatime", "rw,noexec,relatime"], "remount of a tree");
            assert_propagation("/tmp/source", ["shared:", ""], "remount");
        });
    });
}

/// `idmap` and `ridmap`: the topmost mount, or all of them.
#[test]
fn id_mapped() {
    ns_testbed::run_as!([Root, User, Nested], {
        in_tmp(&[], || {
            make_source("rw,relatime");
            let is_mapped = |path| shown(path).concat().contains("idmapped");
            let both = || ["/tmp/target", "/tmp/target/below"].map(is_mapped);
            let tree = || Tree::open("/tmp/source").expect("open");
            mount(Mount::tree(tree().idmap(user_namespace()), "/tmp/target"));
            assert_eq!(both(), [true, false], "idmap");
            unmount("/tmp/target");
            mount(Mount::tree(tree().recursive().idmap(user_namespace()), "/tmp/target"));
            assert_eq!(both(), [true, true], "ridmap");
        });
    });
}

/// `tmpcopyup`, with `ro`; the attributes apply after the copy.
#[test]
fn tmpcopyup() {
    ns_testbed::run_as!([Root, User, Nested], {
        for missing in [&[][..], &[__NR_mount_setattr]] {
            in_tmp(missing, || {
                fs::write("/tmp/new/file", "text").expect("write");
                mount(Mount::tmpfs("/tmp/new").copy_up().read_only().noexec());
                assert_eq!(shown("/tmp/new"), ["ro,nosuid,nodev,noexec,relatime"]);
                assert_eq!(fs::read_to_string("/tmp/new/file").expect("read"), "text");
                let error = fs::write("/tmp/new/file", "").expect_err("read-only");
                assert_eq!(error.kind(), ErrorKind::ReadOnlyFilesystem);
            });
        }
    });
}

/// Runs `body` in a new mount namespace with an empty `/tmp`, without the system calls in `missing`.
fn in_tmp(missing: &[u32], body: impl FnOnce()) {
    in_own_mounts(|| {
        ns_fs::apply::propagation(Propagation::Private).expect("private");
        mount(Mount::tmpfs("/tmp"));
        for name in ["new", "source", "target"] {
            fs::create_dir(format!("/tmp/{name}")).expect("mkdir");
        }
        for call in missing {
            refuse(*call, Errno::NOSYS);
        }
        body();
    });
}

/// Mounts a file system on `/tmp/source` and another one below it, of which mountinfo shows these options.
fn make_source(shown: &str) {
    for path in ["/tmp/source", "/tmp/source/below"] {
        // The attributes alone: a read-only file system would stay so for each mount of it.
        mount(Mount::tmpfs(path).clear(MountAttrs::all()));
        fs::create_dir_all("/tmp/source/below").expect("mkdir");
    }
    for path in ["/tmp/source", "/tmp/source/below"] {
        mount(Mount::remount(path).set(parse(shown)));
        assert_eq!(self::shown(path), [shown], "{path}");
    }
}

fn source() -> Tree {
    Tree::open("/tmp/source").expect("open").recursive()
}

/// What mountinfo shows of the mounts at a path, the topmost last.
fn shown(path: &str) -> Vec<String> {
    let lines = mounts_at(path, &Leftovers::mountinfo()).into_iter();
    lines.map(|mut line| line.remove(5)).collect()
}

fn mount(mount: Mount) {
    let text = format!("{mount:?}");
    apply([mount]).unwrap_or_else(|error| panic!("{text}: {error}: {}", error.errno));
}

fn apply(mounts: impl IntoIterator<Item = Mount>) -> Result<(), StepError> {
    let root = Root::current().propagation(None);
    let plan = plan(mounts.into_iter().fold(root, Root::mount));
    // Unlike `RootPlan::apply`, this stays in the mount namespace.
    ns_fs::apply::root(plan.apply_data())
}

fn unmount(path: &str) {
    rustix::mount::unmount(path, rustix::mount::UnmountFlags::DETACH).expect("umount");
}

/// Whether the kernel has mount_setattr(2), or seccomp hides it.
fn has_mount_setattr() -> bool {
    let attr = ns_sys::child::MountAttr::default();
    let flags = ns_sys::child::AtFlags::empty();
    let dir = crate::fixture::borrow(-100);
    ns_sys::child::mount_setattr(dir, c"/", flags, &attr) != Err(Errno::NOSYS)
}

/// A user namespace in which the caller is root, held until it is opened.
fn user_namespace() -> File {
    let mut command = Command::new("unshare");
    let command = command.args(["--user", "--map-root-user", "cat"]).stdin(Stdio::piped());
    let mut child = command.spawn().expect("unshare");
    let maps = ["uid_map", "gid_map"].map(|file| format!("/proc/{}/{file}", child.id()));
    let own = fs::read_link("/proc/self/ns/user").expect("readlink");
    let path = format!("/proc/{}/ns/user", child.id());
    let is_ready = || {
        let is_mapped = |map| fs::read_to_string(map).is_ok_and(|map| !map.is_empty());
        fs::read_link(&path).expect("readlink") != own && maps.iter().all(is_mapped)
    };
    while !is_ready() {
        std::thread::yield_now();
    }
    let userns = File::open(&path).expect("open");
    child.wait().expect("wait");
    userns
}
