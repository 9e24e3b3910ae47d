//! Host name, domain name and loopback interface of a joined namespace.

use std::fs::{self, File};

use crate::common::target::{Target, sleep};
use crate::common::{assert_refused, printed, shell, start_error};
use ns_process::{Builder, Container, Errno, Inject, Namespace, Step};

const HOSTNAME: &str = "cat /proc/sys/kernel/hostname";

fn own_hostname() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").expect("read")
}

/// A target in new user, UTS and network namespaces.
fn target() -> Target {
    Target::new(sleep().namespaces(["user", "uts", "net"]).map_zero())
}

fn inject(target: &Target, script: &str) -> Inject {
    let mut inject = Inject::new(&**target, "sh");
    inject.args(["-c", script]);
    inject
}

/// The names are set in the joined namespace, by process and by file, and those of the caller stay.
#[test]
fn names_are_set_in_the_joined_namespace() {
    ns_testbed::run_as!([Root, User, Nested], {
        let (before, target) = (own_hostname(), target());
        let script = "cat /proc/sys/kernel/hostname /proc/sys/kernel/domainname";
        let mut all = inject(&target, script);
        all.hostname("box").domainname("example.org");
        assert_eq!(printed(&all), "box\nexample.org\n");
        // Another program in the namespace has the same name.
        assert_eq!(printed(&inject(&target, HOSTNAME)), "box\n");
        let mut selected = inject(&target, HOSTNAME);
        selected.namespaces([Namespace::User, Namespace::Uts]).hostname("selected");
        assert_eq!(printed(&selected), "selected\n");
        let mut by_file = shell(HOSTNAME);
        by_file.namespace_file(Namespace::User, target.file(Namespace::User));
        by_file.namespace_file(Namespace::Uts, target.file(Namespace::Uts)).hostname("file");
        assert_eq!(printed(&by_file), "file\n");
        let mut by_descriptor = shell(HOSTNAME);
        for kind in [Namespace::User, Namespace::Uts] {
            by_descriptor.join_namespace(kind, File::open(target.file(kind)).expect("open"));
        }
        by_descriptor.namespace(Namespace::Pid).hostname("descriptor");
        assert_eq!(printed(&by_descriptor), "descriptor\n");
        assert_eq!(own_hostname(), before);
    });
}

/// The loopback interface of a joined namespace is brought up.
#[test]
fn loopback_is_up_in_the_joined_namespace() {
    ns_testbed::run_as!([Root, User, Nested], {
        let target = target();
        let script = "grep -q 127.0.0.1 /proc/net/fib_trie";
        assert!(!inject(&target, script).status().expect("start").success());
        assert!(inject(&target, script).loopback().status().expect("start").success());
    });
}

/// The namespaces of the caller are never changed, whether they are joined by process or by file.
#[test]
fn the_namespaces_of_the_caller_are_not_changed() {
    ns_testbed::run_as!([Root, User, Nested], {
        let before = own_hostname();
        let refused = |setter: &str, kind: &str, error: ns_process::Error| {
            let message = format!("{setter}: the {kind} namespace to join is the caller's own");
            assert_eq!((error.step(), error.object()), (Step::Check, Some(&*message)));
        };
        let target = Target::new(sleep().namespace(Namespace::User).map_zero());
        refused("hostname", "uts", start_error(inject(&target, "true").hostname("x")));
        refused("domainname", "uts", start_error(inject(&target, "true").domainname("x")));
        refused("loopback", "net", start_error(inject(&target, "true").loopback()));
        let mut by_file = Container::new("true");
        by_file.namespace_file(Namespace::Uts, "/proc/self/ns/uts").hostname("x");
        refused("hostname", "uts", start_error(&by_file));
        assert_eq!(own_hostname(), before);
        let needs = "hostname: needs a uts namespace that is new or joined";
        assert_refused(inject(&target, "true").without(Namespace::Uts).hostname("x"), needs);
        let mut closure = Inject::from_fn(&*target, || 0);
        assert_refused(closure.namespace(Namespace::User).hostname("x"), needs);
    });
}

/// A user namespace that is not joined may own the namespace: then the names cannot be set.
#[test]
fn f12_refused_names_of_a_joined_namespace_are_named() {
    ns_testbed::run_as!([Root, Nested], {
        let target = Target::new(sleep().namespaces(["uts", "net"]));
        let refused = |container: &Container, step| {
            let error = start_error(container);
            assert_eq!((error.step(), error.errno()), (step, Some(Errno::PERM)));
            assert!(error.hint().is_some_and(|hint| hint.contains("user namespace")), "{error}");
        };
        let inside = |kind| {
            let mut container = Container::new("true");
            container.namespace(Namespace::User).map_zero();
            container.namespace_file(kind, target.file(kind));
            container
        };
        refused(inside(Namespace::Uts).hostname("x"), Step::Hostname);
        refused(inside(Namespace::Net).loopback(), Step::Loopback);
        // Without a new user namespace it is permitted.
        let mut container: Builder<_> = shell(HOSTNAME);
        container.namespace_file(Namespace::Uts, target.file(Namespace::Uts)).hostname("box");
        assert_eq!(printed(&container), "box\n");
    });
}
