//! The seven tests of pyspaces itself, by their meaning; its targets were callables.

mod common;

use std::fs;

use common::alone;
use common::target::Target;
use ns_process::{Chroot, Container, Inject, Namespace, setns, setns_process};
use ns_testbed::{Role, role};

fn links_in(process: &str) -> Vec<String> {
    let link = |kind: Namespace| fs::read_link(format!("{process}/ns/{}", kind.name()));
    Namespace::ALL.map(|kind| link(kind).expect("a link").display().to_string()).to_vec()
}

fn links() -> Vec<String> {
    links_in("/proc/self")
}

/// A container whose callable waits, to be entered.
fn sleeper(kinds: impl FnOnce(&mut Container) -> &mut Container) -> Target {
    let mut container = Container::from_fn(|| {
        std::thread::sleep(std::time::Duration::from_secs(1000));
    });
    container.map_zero().mount_proc();
    kinds(&mut container);
    Target::new(&container)
}

/// Which of the eight differ from the caller's, in the order of their names, as bits of the exit code.
fn differing(own: &[String]) -> u8 {
    let differs = links().into_iter().zip(own).map(|(inside, outside)| inside != *outside);
    differs.enumerate().map(|(at, differs)| u8::from(differs) << at).sum()
}

const ALL: u8 = 0b1111_1111;
const NET: u8 = 1 << 3;

/// A callable in a namespace of its own, its value the exit code.
#[test]
fn basic_container() {
    ns_testbed::run_as!([Root, User, Nested], {
        alone(|| {
            let own = links();
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
        alone(|| {
            let own = links();
            let mut container = Container::from_fn(move || differing(&own));
            let status = container.all().map_zero().mount_proc().status().expect("start");
            assert_eq!(status.code(), Some(i32::from(ALL)));
        });
    });
}

#[test]
fn all_namespaces_without_net() {
    ns_testbed::run_as!([Root, User, Nested], {
        alone(|| {
            let own = links();
            let mut container = Container::from_fn(move || differing(&own));
            container.all().without(Namespace::Net).map_zero().mount_proc();
            assert_eq!(container.status().expect("start").code(), Some(i32::from(ALL - NET)));
        });
    });
}

/// A callable that sees the new root and nothing else.
#[test]
fn chroot() {
    ns_testbed::run_as!([Root, User, Nested], {
        let root = std::env::temp_dir().join(format!("ns-process-root-{}", std::process::id()));
        fs::create_dir_all(root.join("home")).expect("mkdir");
        let path = root.clone();
        alone(|| {
            let mut chroot = Chroot::from_fn(path, || {
                let seen = fs::read_dir("/").expect("list").map(|entry| entry.expect("an entry"));
                let names: Vec<_> = seen.map(|entry| entry.file_name()).collect();
                i32::from(names != ["home"])
            });
            assert!(chroot.map_zero().status().expect("start").success());
        });
        fs::remove_dir_all(&root).expect("remove");
    });
}

#[test]
fn inject_all() {
    ns_testbed::run_as!([Root, User, Nested], {
        alone(|| {
            let target = sleeper(Container::all);
            let theirs = links_in(&format!("/proc/{}", target.pid()));
            let inject = Inject::from_fn(&*target, move || i32::from(links() != theirs));
            assert!(inject.status().expect("start").success());
        });
    });
}

#[test]
fn inject_without_net() {
    ns_testbed::run_as!([Root, User, Nested], {
        alone(|| {
            let target = sleeper(Container::all);
            let (own, pid) = (links(), target.pid());
            let mut inject = Inject::from_fn(pid, move || differing(&own));
            let status = inject.without(Namespace::Net).status().expect("start");
            assert_eq!(status.code(), Some(i32::from(ALL - NET)));
        });
    });
}

/// The context manager: the caller's own code inside, and back out.
#[test]
fn scoped_setns() {
    ns_testbed::run_as!([Root, User, Nested], {
        alone(|| {
            let target = sleeper(|container| {
                container.namespaces(["user", "pid", "mnt", "uts"]).hostname("inside")
            });
            let hostname = || fs::read("/proc/sys/kernel/hostname").expect("read");
            let own = (links(), hostname());
            let inside = setns_process(&*target, ["user", "uts"]).expect("a target");
            assert_eq!(inside.run(hostname).expect("run"), b"inside\n");
            assert_eq!((links(), hostname()), own);
            // Without its user namespace only who has privilege may enter, on a thread.
            if role() != Role::User {
                let inside = setns(&*target, ["uts"]).expect("a target");
                assert_eq!(inside.run(hostname).expect("run"), b"inside\n");
                assert_eq!((links(), hostname()), own);
            }
        });
    });
}
