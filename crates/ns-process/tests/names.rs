//! Names of the new namespaces, and their loopback.

mod common;

use common::shell;
use ns_process::{Container, Namespace, Step};

fn printed(container: &Container) -> String {
    let output = container.output().expect("start");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn inside(script: &str, kind: Namespace) -> Container {
    let mut container = shell(script);
    container.namespaces([Namespace::User, kind]).map_zero();
    container
}

/// Both names hold inside and not outside.
#[test]
fn names_of_the_uts_namespace() {
    ns_testbed::run_as!([Root, User, Nested], {
        let own = || std::fs::read_to_string("/proc/sys/kernel/hostname").expect("read");
        let before = own();
        let mut container =
            inside("cat /proc/sys/kernel/hostname /proc/sys/kernel/domainname", Namespace::Uts);
        container.hostname("box").domainname("example.org");
        assert_eq!(printed(&container), "box\nexample.org\n");
        assert_eq!(own(), before);
        assert_eq!(container.get_hostname(), Some("box".as_ref()));
        assert_eq!(container.get_domainname(), Some("example.org".as_ref()));
        container.hostname("x".repeat(64));
        assert_eq!(printed(&container).len(), 65 + 12);
    });
}

/// Down by default, so that one's own 127.0.0.1 cannot be reached; up on request.
#[test]
fn f24_loopback() {
    ns_testbed::run_as!([Root, User, Nested], {
        let route = "cut -f 1,2 /proc/net/route; cat /sys/class/net/lo/flags 2>/dev/null; \
                     grep -c 127.0.0.1 /proc/net/fib_trie";
        let mut container = inside(route, Namespace::Net);
        let status = container.status().expect("start");
        assert!(!status.success(), "the address is there only once the interface is up");
        container.loopback();
        assert!(container.status().expect("start").success());
        assert!(container.get_loopback());
    });
}

/// Mistakes are told by the setter's name.
#[test]
fn mistakes_of_names() {
    let told = |container: &Container, said: &str| {
        let error = container.start().expect_err("a mistake");
        assert_eq!((error.step(), error.object()), (Step::Check, Some(said)));
    };
    told(Container::new("true").hostname("x"), "hostname: needs a new uts namespace");
    told(Container::new("true").domainname("x"), "domainname: needs a new uts namespace");
    told(Container::new("true").loopback(), "loopback: needs a new net namespace");
    let mut long = Container::new("true");
    told(long.namespace(Namespace::Uts).hostname("x".repeat(65)), "hostname: longer than 64 bytes");
}
