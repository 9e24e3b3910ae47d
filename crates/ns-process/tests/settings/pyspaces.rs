//! The seven tests of pyspaces, with closures in place of Python callables.

use std::fs;

use crate::common::target::{Target, namespaces_of};
use crate::common::{Directory, in_child};
use ns_process::{Chroot, Container, Inject, Namespace, setns, setns_process};
use ns_testbed::{Role, role};

fn own_namespaces() -> Vec<String> {
    namespaces_of("self")
}

/// A target with a closure that sleeps.
fn sleeper(kinds: impl FnOnce(&mut Container) -> &mut Container) -> Target {
    let mut container = Container::from_fn(|| {
        std::thread::sleep(std::time::Duration::from_secs(1000));
    });
    container.map_zero().mount_proc();
    kinds(&mut container);
    Target::new(&container)
}

/// A bit for each namespace that differs from `own`, in the order of [`Namespace::ALL`].
fn differing(own: &[String]) -> u8 {
    let differs = own_namespaces().into_iter().zip(own).map(|(inside, outside)| inside != *outside);
    differs.enumerate().map(|(at, differs)| u8::from(differs) << at).sum()
}

const ALL: u8 = 0b1111_1111;
const NET: u8 = 1 << 3;

/// The exit code of a container is the value of its closure.
#[test]
fn basic_container() {
    ns_testbed::run_as!([Root, User, Nested], {
        in_child(|| {
            let own = own_namespaces();
            let mut container = Container::from_fn(move || differing(&own));
            let status = container.namespaces(["newuser", "newuts"]).map_zero().status();
            assert_eq!(status.expect("start").code(), Some(0b1100_0000));
            let mut container = Container::from_fn(|| 3);
            let process = container.namespace(Namespace::User).start().expect("start");
            assert_eq!(process.join().expect("join").code(), Some(3));
            assert_eq!(process.exit_code().expect("code"), Some(3));
            assert!(!process.is_alive().expect("alive"));
        });
    });
}

#[test]
fn all_namespaces() {
    ns_testbed::run_as!([Root, User, Nested], {
        in_child(|| {
            let own = own_namespaces();
            let mut container = Container::from_fn(move || differing(&own));
            let status = container.all().map_zero().mount_proc().status().expect("start");
            assert_eq!(status.code(), Some(i32::from(ALL)));
        });
    });
}

#[test]
fn all_namespaces_without_net() {
    ns_testbed::run_as!([Root, User, Nested], {
        in_child(|| {
            let own = own_namespaces();
            let mut container = Container::from_fn(move || differing(&own));
            container.all().without(Namespace::Net).map_zero().mount_proc();
            assert_eq!(container.status().expect("start").code(), Some(i32::from(ALL - NET)));
        });
    });
}

/// A closure lists its new root.
#[test]
fn chroot() {
    ns_testbed::run_as!([Root, User, Nested], {
        let root = Directory::with("root", &["home"]);
        in_child(|| {
            let mut chroot = Chroot::from_fn(&*root, || {
                let seen = fs::read_dir("/").expect("list").map(|entry| entry.expect("an entry"));
                let names: Vec<_> = seen.map(|entry| entry.file_name()).collect();
                i32::from(names != ["home"])
            });
            assert!(chroot.map_zero().status().expect("start").success());
        });
    });
}

#[test]
fn inject_all() {
    ns_testbed::run_as!([Root, User, Nested], {
        in_child(|| {
            let target = sleeper(Container::all);
            let theirs = namespaces_of(target.pid());
            let inject = Inject::from_fn(&*target, move || i32::from(own_namespaces() != theirs));
            assert!(inject.status().expect("start").success());
        });
    });
}

#[test]
fn inject_without_net() {
    ns_testbed::run_as!([Root, User, Nested], {
        in_child(|| {
            let target = sleeper(Container::all);
            let (own, pid) = (own_namespaces(), target.pid());
            let mut inject = Inject::from_fn(pid, move || differing(&own));
            let status = inject.without(Namespace::Net).status().expect("start");
            assert_eq!(status.code(), Some(i32::from(ALL - NET)));
        });
    });
}

/// As pyspaces' context manager: a closure runs in the namespaces, and the caller stays outside.
#[test]
fn scoped_setns() {
    ns_testbed::run_as!([Root, User, Nested], {
        in_child(|| {
            let target = sleeper(|container| {
                container.namespaces(["user", "pid", "mnt", "uts"]).hostname("inside")
            });
            let hostname = || fs::read("/proc/sys/kernel/hostname").expect("read");
            let own = (own_namespaces(), hostname());
            let inside = setns_process(&*target, ["user", "uts"]).expect("a target");
            assert_eq!(inside.run(hostname).expect("run"), b"inside\n");
            assert_eq!((own_namespaces(), hostname()), own);
            // Joining on a thread, without the user namespace, needs privilege.
            if role() != Role::User {
                let inside = setns(&*target, ["uts"]).expect("a target");
                assert_eq!(inside.run(hostname).expect("run"), b"inside\n");
                assert_eq!((own_namespaces(), hostname()), own);
            }
        });
    });
}
