//! A cgroup namespace whose root is the cgroup to which a hook moves the child.

use std::fs;
use std::sync::{Arc, Mutex};

use crate::common::cgroup::OwnCgroup;
use crate::common::{printed, shell};
use ns_process::{Container, Errno, Init, Memory, Namespace, Parked, Stdio, Step};
use ns_testbed::{forked, refuse};

/// A shell that prints its cgroups, which a hook moves to `cgroup`.
fn moved(cgroup: &OwnCgroup) -> Container {
    let file = format!("{}/cgroup.procs", cgroup.0);
    let mut container = shell("cat /proc/self/cgroup");
    container.before_go(move |child| fs::write(&file, child.pid().to_string()));
    container
}

/// The path in the hierarchy of `cgroup`, as the program sees it.
fn path_in(cgroup: &OwnCgroup, text: &str) -> String {
    let is_freezer = cgroup.0.contains("/freezer/");
    let prefix = if is_freezer { ":freezer:" } else { "0::" };
    let mut paths = text.lines().filter_map(|line| line.split_once(prefix).map(|(_, path)| path));
    paths.next().unwrap_or_else(|| panic!("{prefix} in {text}")).to_owned()
}

/// In every kind of start the program sees the cgroup of the hook as `/`, in both versions of cgroups.
#[test]
fn a_cgroup_namespace_begins_at_the_cgroup_of_the_hook() {
    ns_testbed::run_as!([Root], {
        let cgroups: Vec<_> =
            [OwnCgroup::freezer(), OwnCgroup::new()].into_iter().flatten().collect();
        if cgroups.is_empty() {
            ns_testbed::skip!("no cgroup can be made");
        }
        for cgroup in &cgroups {
            let seen = |container: &Container| path_in(cgroup, &printed(container));
            let outside = seen(&moved(cgroup));
            assert!(outside.len() > 1 && cgroup.0.ends_with(&outside), "{outside}");
            let namespaced = || {
                let mut container = moved(cgroup);
                container.namespaces([Namespace::Cgroup, Namespace::Pid]);
                container
            };
            assert_eq!(seen(&namespaced()), "/");
            assert_eq!(seen(namespaced().namespace(Namespace::User).map_zero()), "/");
            assert_eq!(seen(namespaced().init(Init::builtin())), "/");
            assert_eq!(seen(namespaced().memory(Memory::Copied)), "/");
            assert_eq!(seen(namespaced().without(Namespace::Pid).memory(Memory::Copied)), "/");
            assert_eq!(seen(namespaced().daemonize_as_child()), "/");
            let parked = namespaced().stdout(Stdio::piped()).start_parked();
            let process = parked.and_then(Parked::release).expect("start");
            let output = process.wait_with_output().expect("output");
            assert_eq!(path_in(cgroup, &String::from_utf8_lossy(&output.stdout)), "/");
        }
        println!("shown: in {} hierarchies", cgroups.len());
    });
}

/// A hook that moves nothing sees the namespace of the program, and a failure to make another one names the kind.
#[test]
fn a_late_cgroup_namespace_is_described() {
    ns_testbed::run_as!([Root], {
        let mut container = Container::new("true");
        container.namespaces([Namespace::Cgroup, Namespace::Uts]).before_go(|_| ());
        let text = container.plan().expect("plan").describe().to_string();
        let unshare =
            "child: unshare(CLONE_NEWCGROUP) if the hook has moved the child to another cgroup";
        let at = text.find(unshare).unwrap_or_else(|| panic!("{text}"));
        assert!(text.find("child: futex(go, wait)").is_some_and(|wait| wait < at), "{text}");
        let seen = Arc::new(Mutex::new(None));
        let kept = Arc::clone(&seen);
        let mut container = shell("readlink /proc/self/ns/cgroup");
        container.namespace(Namespace::Cgroup).before_go(move |child| {
            let link = fs::read_link(format!("/proc/{}/ns/cgroup", child.pid())).expect("readlink");
            *kept.lock().expect("no panic") = Some(link);
        });
        let printed = printed(&container);
        let seen = seen.lock().expect("no panic").take().expect("the hook has run");
        assert_eq!(seen.to_str(), Some(printed.trim_end()));
        let Some(cgroup) = OwnCgroup::freezer().or_else(OwnCgroup::new) else { return };
        let mut container = moved(&cgroup);
        container.namespace(Namespace::Cgroup);
        let code = forked(|| {
            refuse(libc::SYS_unshare, Errno::XDEV);
            let error = container.start().expect_err("unshare is refused");
            assert_eq!((error.step(), error.errno()), (Step::Clone, Some(Errno::XDEV)));
            assert!(error.to_string().contains("cgroup"), "{error}");
            0
        });
        assert_eq!(code, 0);
        let mut plain = Container::new("true");
        plain.namespace(Namespace::Cgroup);
        assert!(!plain.plan().expect("plan").describe().to_string().contains("unshare"));
    });
}
