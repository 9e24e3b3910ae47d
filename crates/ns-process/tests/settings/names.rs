//! Names of new UTS namespaces, and the loopback interface of new network namespaces.

use crate::common::{assert_refused, printed, shell};
use ns_process::{Container, Namespace};

/// A shell as root of a new user namespace, in another new namespace.
fn shell_in(script: &str, kind: Namespace) -> Container {
    let mut container = shell(script);
    container.namespaces([Namespace::User, kind]).map_zero();
    container
}

/// Host name and domain name are set in the new namespace only.
#[test]
fn names_are_set_in_the_new_namespace_only() {
    ns_testbed::run_as!([Root, User, Nested], {
        let own = || std::fs::read_to_string("/proc/sys/kernel/hostname").expect("read");
        let before = own();
        let mut container =
            shell_in("cat /proc/sys/kernel/hostname /proc/sys/kernel/domainname", Namespace::Uts);
        container.hostname("box").domainname("example.org");
        assert_eq!(printed(&container), "box\nexample.org\n");
        assert_eq!(own(), before);
        assert_eq!(container.get_hostname(), Some("box".as_ref()));
        assert_eq!(container.get_domainname(), Some("example.org".as_ref()));
        container.hostname("x".repeat(64));
        assert_eq!(printed(&container).len(), 65 + 12);
    });
}

/// The loopback interface is down by default, and up on request.
#[test]
fn f24_loopback_is_up_on_request() {
    ns_testbed::run_as!([Root, User, Nested], {
        let route = "cut -f 1,2 /proc/net/route; cat /sys/class/net/lo/flags 2>/dev/null; \
                     grep -c 127.0.0.1 /proc/net/fib_trie";
        let mut container = shell_in(route, Namespace::Net);
        let status = container.status().expect("start");
        assert!(!status.success(), "127.0.0.1 exists while the interface is down");
        container.loopback();
        assert!(container.status().expect("start").success());
        assert!(container.get_loopback());
    });
}

/// Invalid names are refused with the name of the setter.
#[test]
fn invalid_names_are_refused() {
    let uts = "needs a uts namespace that is new or joined";
    assert_refused(Container::new("true").hostname("x"), &format!("hostname: {uts}"));
    assert_refused(Container::new("true").domainname("x"), &format!("domainname: {uts}"));
    let net = "loopback: needs a net namespace that is new or joined";
    assert_refused(Container::new("true").loopback(), net);
    let mut long = Container::new("true");
    assert_refused(
        long.namespace(Namespace::Uts).hostname("x".repeat(65)),
        "hostname: longer than 64 bytes",
    );
}
