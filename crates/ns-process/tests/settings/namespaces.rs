//! Programs in the selected namespaces.

use std::fs;

use crate::common::target::{PRINT_NAMESPACES, namespaces_of};
use crate::common::{Output, in_child, prints, shell};
use ns_process::{CloneFlags, Container, Namespace, NamespaceFlags};
use ns_sys::UnshareFlags;
use ns_testbed::{Leftovers, Role, SharedMount, role};
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};
use rustix::process::{getegid, geteuid};

/// The kinds of namespaces that the program does not share with the caller.
fn new_kinds(select: impl FnOnce(&mut Container)) -> Vec<Namespace> {
    let inside = prints(select, PRINT_NAMESPACES);
    let own = namespaces_of("self");
    let pairs = own.iter().zip(inside.lines());
    pairs.zip(Namespace::ALL).filter(|((own, new), _)| own != new).map(|(_, kind)| kind).collect()
}

/// The first example of the README: the shell is process 1 and root, and ps lists two processes.
#[test]
fn a_shell_is_process_1_and_root() {
    ns_testbed::run_as!([Root, User, Nested], {
        let listing = prints(
            |container| {
                container.namespaces([Namespace::User, Namespace::Pid, Namespace::Mnt]).map_zero();
            },
            "mount -t proc proc /proc && ps ax; id -u; id -g",
        );
        let lines: Vec<&str> = listing.lines().collect();
        assert_eq!(lines.len(), 5, "{listing}");
        assert!(lines[0].contains("PID"), "{listing}");
        assert!(lines[1].trim_start().starts_with("1 ") && lines[1].contains("sh -c"), "{listing}");
        assert!(lines[2].contains("ps ax"), "{listing}");
        assert_eq!(lines[3..], ["0", "0"]);
    });
}

/// `all` makes a new namespace of every kind.
#[test]
fn all_makes_every_namespace() {
    ns_testbed::run_as!([Root, User, Nested], {
        assert_eq!(
            new_kinds(|container| {
                container.all().map_zero();
            }),
            Namespace::ALL
        );
    });
}

/// Without proc, `all` selects all kinds, never none.
#[test]
fn all_without_proc_selects_every_kind() {
    ns_testbed::run_as!([Root, Nested], {
        in_child(|| {
            ns_sys::unshare(UnshareFlags::NEWNS).expect("unshare");
            let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
            mount_change("/", private).expect("private");
            mount("none", "/proc", "tmpfs", MountFlags::empty(), None).expect("cover proc");
            let mut container = Container::new("true");
            assert_eq!(container.all().get_namespaces(), NamespaceFlags::all());
            container = Container::new("true");
            assert_eq!(container.namespaces("all").get_namespaces(), NamespaceFlags::all());
        });
    });
}

/// A single kind can be selected, by kind and by flag; the others are shared with the caller.
#[test]
fn each_kind_can_be_selected_alone() {
    ns_testbed::run_as!([Root], {
        for kind in Namespace::ALL {
            assert_eq!(
                new_kinds(|container| {
                    container.namespace(kind);
                }),
                [kind]
            );
            assert_eq!(
                new_kinds(|container| {
                    container.flags(kind.clone_flag());
                }),
                [kind]
            );
        }
        assert_eq!(new_kinds(|_| {}), []);
    });
}

/// `without` removes kinds from `all`.
#[test]
fn kinds_can_be_removed_from_all() {
    ns_testbed::run_as!([Root, User, Nested], {
        let new = new_kinds(|container| {
            container.all().without(Namespace::Net).without(Namespace::Time).map_zero();
        });
        assert_eq!(new.len(), 6);
        assert!(!new.contains(&Namespace::Net) && !new.contains(&Namespace::Time));
    });
}

/// The program never runs unmapped: it has capabilities in each of 500 starts.
#[test]
fn a01_maps_are_written_before_exec() {
    ns_testbed::run_as!([Root, User], {
        let output = Output::new();
        let script = format!("grep CapEff /proc/self/status >> {}", output.path());
        for _ in 0..500 {
            let mut container = shell(&script);
            container.namespace(Namespace::User).map_zero();
            assert!(container.start().expect("start").join().expect("join").success());
        }
        let text = output.read();
        assert_eq!(text.lines().count(), 500);
        assert_eq!(text.lines().filter(|line| line.ends_with("0000000000000000")).count(), 0);
    });
}

/// setgroups(2) is denied for an unprivileged caller, as the kernel requires, and allowed for root.
#[test]
fn a11_setgroups_is_denied_if_required() {
    ns_testbed::run_as!([Root, User], {
        let inside = prints(
            |container| {
                container.namespace(Namespace::User).map_zero();
            },
            "cat /proc/self/setgroups /proc/self/uid_map /proc/self/gid_map | tr -s ' '",
        );
        let setgroups = if role() == Role::Root { "allow" } else { "deny" };
        let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
        assert_eq!(inside, format!("{setgroups}\n 0 {uid} 1\n 0 {gid} 1\n"));
    });
}

/// `mount_proc` mounts the proc of the new pid namespace, and no mount of the caller changes.
#[test]
fn d10_mount_proc_shows_the_new_pid_namespace() {
    ns_testbed::run_as!([Root, User, Nested], {
        let before = Leftovers::mountinfo();
        let listing = prints(
            |container| {
                container.all().map_zero().mount_proc();
            },
            "ls /proc | grep -c '^[0-9]*$'; readlink /proc/self >/dev/null; echo $$",
        );
        assert_eq!(before, Leftovers::mountinfo());
        let (processes, own) = listing.split_once('\n').expect("two lines");
        assert!(processes.parse::<u32>().expect("a count") <= 3, "{listing}");
        assert_eq!(own.trim(), "1");
    });
}

/// A mount in the new namespace does not appear in the caller's, even below a shared mount.
#[test]
fn d06_mounts_do_not_propagate_to_the_caller() {
    ns_testbed::run_as!([Root, Nested], {
        let shared = SharedMount::new();
        let target = shared.path().join("inner");
        fs::create_dir(&target).expect("mkdir");
        let before = Leftovers::mountinfo();
        let mount =
            format!("mount -t tmpfs none {} && grep -c {0} /proc/self/mountinfo", target.display());
        let count = prints(
            |container| {
                container.namespace(Namespace::Mnt);
            },
            &mount,
        );
        assert_eq!(count.trim(), "1");
        assert_eq!(before, Leftovers::mountinfo());
    });
}

/// Flags of clone(2) that a start supports are accepted.
#[test]
fn supported_flags_are_accepted() {
    ns_testbed::run_as!([Root, User], {
        for flags in [
            CloneFlags::IO,
            CloneFlags::FS | CloneFlags::FILES,
            CloneFlags::SYSVSEM,
            CloneFlags::UNTRACED,
            CloneFlags::PTRACE,
            CloneFlags::VM | CloneFlags::VFORK,
        ] {
            let mut container = Container::new("true");
            let status = container.flags(flags).start().expect("start").join().expect("join");
            assert!(status.success(), "{flags}");
        }
    });
}

/// Flags that select namespaces can be removed by `without`; other flags are read back.
#[test]
fn flags_may_select_namespaces() {
    let mut container = Container::new("true");
    container.flags(CloneFlags::NEWNET | CloneFlags::NEWUTS | CloneFlags::IO);
    container.without(Namespace::Net);
    assert!(container.get_namespaces().kinds().eq([Namespace::Uts]));
    assert_eq!(container.get_flags(), CloneFlags::IO);
}

/// With CLONE_FS the working directory is shared with the caller.
#[test]
fn the_working_directory_is_shared_by_flag() {
    ns_testbed::run_as!([Root, User], {
        let mut child = shell("cd /proc");
        assert!(child.start().expect("start").join().expect("join").success());
        assert_ne!(std::env::current_dir().expect("cwd").to_str(), Some("/proc"));
        child.flags(CloneFlags::FS);
        assert!(child.start().expect("start").join().expect("join").success());
        assert_eq!(std::env::current_dir().expect("cwd").to_str(), Some("/proc"));
    });
}

/// The environment is that of the caller with changes, or empty.
#[test]
fn the_environment_is_inherited_or_cleared() {
    ns_testbed::run_as!([User], {
        let own = std::env::vars().count();
        let count = |text: &str| text.lines().filter(|line| line.contains('=')).count();
        // A shell adds variables such as PWD to its environment, but not to /proc/PID/environ.
        let inherited = prints(|_| {}, "cat /proc/$$/environ | tr '\\0' '\\n'");
        assert_eq!(count(&inherited), own, "{inherited}");
        let cleared = prints(
            |container| {
                container
                    .env("LOST", "1")
                    .env_clear()
                    .envs([("A", "x"), ("B", "y")])
                    .env_remove("B");
                container.env("PATH", "/usr/bin:/bin");
            },
            "cat /proc/$$/environ | tr '\\0' '\\n'",
        );
        assert_eq!(cleared, "A=x\nPATH=/usr/bin:/bin\n");
    });
}

/// Several threads start programs at once; their namespaces do not change.
#[test]
fn b09_threads_start_programs_at_once() {
    ns_testbed::run_as!([Root, User], {
        let before = namespaces_of("self");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for size in 0..25 {
                        let mut container = Container::new("sh");
                        container.args(["-c", "exit 3"]).all().without(Namespace::Net).map_zero();
                        let noise = vec![1_u8; size * 4096];
                        let status = container.start().expect("start").join().expect("join");
                        assert_eq!(status.code(), Some(3));
                        drop(noise);
                    }
                });
            }
        });
        assert_eq!(namespaces_of("self"), before);
    });
}

/// Kinds are selected by name, as spelled by pyspaces and the flags. An unknown name is refused.
#[test]
fn namespaces_are_selected_by_name() {
    let mut container = Container::new("true");
    container.namespaces(["net", "newuts", "mnt"]);
    let kinds = [Namespace::Net, Namespace::Uts, Namespace::Mnt];
    let mut same = Container::new("true");
    same.namespaces(kinds);
    assert_eq!(container.get_namespaces(), same.get_namespaces());
    let mut all = Container::new("true");
    all.namespaces(["all"]).without(Namespace::Net);
    same.all().without(Namespace::Net);
    assert_eq!(all.get_namespaces(), same.get_namespaces());
    let error = container.namespaces(["nett"]).start().expect_err("no such kind");
    assert_eq!(error.step(), ns_process::Step::Check);
    assert!(
        error.object().is_some_and(|object| object.starts_with("namespaces: \"nett\"")),
        "{error}"
    );
}
