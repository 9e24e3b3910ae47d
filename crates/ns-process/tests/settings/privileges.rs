//! Capabilities, no_new_privs, seccomp filters and labels.

use crate::common::{filter, printed, shell};
use ns_process::{BpfInstruction, CapabilitySet, Container, Errno, Namespace, Step};
use ns_testbed::USER;

/// A capability set of a program that prints its status.
fn printed_set(container: &Container, field: &str) -> u64 {
    let status = printed(container);
    let line = status.lines().find_map(|line| line.strip_prefix(field)).expect("the field");
    u64::from_str_radix(line.trim(), 16).expect("a set")
}

fn status() -> Container {
    let mut container = Container::new("cat");
    container.arg("/proc/self/status");
    container
}

const NONE: u64 = 0;

/// A program with another ID than 0 has the kept capabilities only; one with ID 0 has all.
#[test]
fn f21_capabilities_are_kept_through_exec() {
    ns_testbed::run_as!([Root, User, Nested], {
        let own = rustix::process::geteuid().as_raw();
        let own_gid = rustix::process::getegid().as_raw();
        let mut container = status();
        container.namespace(Namespace::User);
        let seven = format!("7 {own} 1").parse().expect("map");
        container.uid_map(seven).gid_map(format!("7 {own_gid} 1").parse().expect("map"));
        assert_eq!(printed_set(&container, "CapEff:"), NONE);
        let kept = CapabilitySet::NET_ADMIN | CapabilitySet::SYS_CHROOT;
        container.keep_capabilities(kept);
        for field in ["CapEff:", "CapPrm:", "CapInh:", "CapAmb:"] {
            assert_eq!(printed_set(&container, field) & kept.bits(), kept.bits(), "{field}");
        }
        assert_eq!(printed_set(&container, "CapAmb:"), kept.bits());
        assert_eq!(container.get_kept_capabilities(), kept);
        let mut zero = status();
        zero.namespace(Namespace::User).map_zero();
        assert!(printed_set(&zero, "CapEff:").count_ones() > 30);
    });
}

/// Exactly the kept capabilities survive a change of the uid.
#[test]
fn f21_capabilities_are_kept_through_setresuid() {
    ns_testbed::run_as!([Root], {
        let mut container = status();
        container.uid(USER).gid(USER);
        assert_eq!(printed_set(&container, "CapEff:"), NONE);
        container.keep_capabilities(CapabilitySet::NET_RAW);
        assert_eq!(printed_set(&container, "CapEff:"), CapabilitySet::NET_RAW.bits());
        assert_eq!(printed_set(&container, "CapPrm:"), CapabilitySet::NET_RAW.bits());
    });
}

/// Dropped capabilities are removed from the bounding set, for root as well.
#[test]
fn dropped_capabilities_cannot_be_regained() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dropped = CapabilitySet::SYS_ADMIN | CapabilitySet::NET_RAW;
        let mut container = status();
        container.namespace(Namespace::User).map_zero().drop_capabilities(dropped);
        for field in ["CapEff:", "CapPrm:", "CapBnd:"] {
            let set = printed_set(&container, field);
            assert!(set & dropped.bits() == 0 && set.count_ones() > 30, "{field} {set:x}");
        }
        assert_eq!(container.get_dropped_capabilities(), dropped);
        let error = container.keep_capabilities(dropped).start().expect_err("both");
        assert_eq!(error.step(), Step::Check);
        assert!(error.object().is_some_and(|object| object.starts_with("keep_capabilities: ")));
    });
}

/// Without the privilege to drop capabilities or to set a filter, the step is named.
#[test]
fn f12_refused_privileges_are_named() {
    ns_testbed::run_as!([User], {
        let mut container = Container::new("true");
        let error =
            container.drop_capabilities(CapabilitySet::CHOWN).start().expect_err("no CAP_SETPCAP");
        assert_eq!((error.step(), error.errno()), (Step::Capabilities, Some(Errno::PERM)));
        let mut container = Container::new("true");
        container.seccomp(filter::allow_all());
        let error = container.start().expect_err("neither no_new_privs nor CAP_SYS_ADMIN");
        assert_eq!((error.step(), error.errno()), (Step::Seccomp, Some(Errno::ACCESS)));
    });
}

/// `no_new_privs` is set on request.
#[test]
fn no_new_privs_is_set_on_request() {
    ns_testbed::run_as!([Root, User, Nested], {
        let line = |container: &Container| {
            let status = printed(container);
            status.lines().find_map(|line| line.strip_prefix("NoNewPrivs:\t")).map(str::to_owned)
        };
        let mut container = status();
        assert_eq!(line(&container).as_deref(), Some("0"));
        assert_eq!(line(container.no_new_privs()).as_deref(), Some("1"));
        assert!(container.get_no_new_privs());
    });
}

/// A filter with which `call` fails.
fn refusing(call: i64) -> [BpfInstruction; 4] {
    filter::for_call(call, filter::fail(Errno::XDEV))
}

/// A filter applies to the program, with no_new_privs and by the privilege of a user namespace without it. It does
/// not affect the steps of the child, because it is set last.
#[test]
fn a_filter_applies_to_the_program() {
    ns_testbed::run_as!([Root, User, Nested], {
        let script = "mkdir /tmp/ns-process-filtered 2>/dev/null";
        let mut container = shell(script);
        container.no_new_privs().seccomp(refusing(libc::SYS_mkdir));
        assert!(!container.status().expect("start").success());
        let mut container = shell(script);
        container.namespace(Namespace::User).map_zero().seccomp(refusing(libc::SYS_mkdir));
        container.drop_capabilities(CapabilitySet::SYS_ADMIN);
        assert!(!container.status().expect("start").success());
        // The child itself calls prctl(2).
        let mut container = Container::new("true");
        container.no_new_privs().seccomp(refusing(libc::SYS_prctl));
        container.namespace(Namespace::User).map_zero();
        container.drop_capabilities(CapabilitySet::SYS_ADMIN);
        assert!(container.status().expect("start").success());
        let error = Container::new("true").seccomp([]).start().expect_err("empty");
        assert_eq!(error.object(), Some("seccomp: a filter has 1 to 4096 instructions"));
        let mut container = Container::new("true");
        container.no_new_privs().seccomp([BpfInstruction { code: 0xffff, jt: 0, jf: 0, k: 0 }]);
        let error = container.start().expect_err("an invalid instruction");
        assert_eq!((error.step(), error.errno()), (Step::Seccomp, Some(Errno::INVAL)));
    });
}

/// If no security module accepts labels, the `exec_label` step fails.
#[test]
fn a_label_without_a_security_module_is_refused() {
    ns_testbed::run_as!([Root, User, Nested], {
        let modules = std::fs::read_to_string("/sys/kernel/security/lsm").unwrap_or_default();
        if modules.contains("apparmor") || modules.contains("selinux") {
            ns_testbed::skip!("a security module accepts labels here");
        }
        let mut container = Container::new("true");
        container.exec_label("no-such-profile");
        let error = container.start().expect_err("no module");
        assert_eq!(error.step(), Step::ExecLabel);
        let errno = error.errno();
        assert!([Errno::NOENT, Errno::INVAL, Errno::PERM].map(Some).contains(&errno), "{error}");
        assert_eq!(error.object(), Some("no-such-profile"));
        assert!(error.hint().is_some_and(|hint| hint.contains("security module")), "{error}");
    });
}

/// A filter without `no_new_privs` can be set for a program of another user: the child keeps the privilege until then,
/// and the program has the IDs and capabilities of that user.
#[test]
fn f39_a_filter_is_set_for_another_user() {
    ns_testbed::run_as!([Root, Nested], {
        let script = "mkdir /tmp/refused-by-filter 2>&1; id -u; \
                      grep -E '^(CapEff|CapPrm|NoNewPrivs|Seccomp):' /proc/self/status";
        let is_root = ns_testbed::role() == ns_testbed::Role::Root;
        let outside = || {
            let mut container = shell(script);
            container.uid(1000).gid(1000);
            container
        };
        let inside = || {
            let mut container = shell(script);
            let map = if is_root { "0 0 2000" } else { "0 0 1" };
            container.namespace(Namespace::User).uid_map(map.parse().expect("map"));
            container.gid_map(map.parse().expect("map"));
            if is_root {
                container.uid(1000).gid(1000)
            } else {
                container.uid(0).gid(0)
            };
            container
        };
        let mut cases = vec![inside()];
        if is_root {
            cases.push(outside());
        }
        for mut container in cases {
            container.seccomp(refusing(libc::SYS_mkdir));
            let plain = printed(&container);
            assert!(plain.contains("Seccomp:\t2"), "{plain}");
            assert!(plain.contains("NoNewPrivs:\t0"), "{plain}");
            assert!(plain.contains("cannot create"), "{plain}");
            if is_root {
                assert!(plain.contains("\n1000\n"), "{plain}");
                let nothing = "CapPrm:\t0000000000000000\nCapEff:\t0000000000000000";
                assert!(plain.contains(nothing), "{plain}");
                container.keep_capabilities(CapabilitySet::NET_BIND_SERVICE);
                let kept = printed(&container);
                assert!(kept.contains("CapEff:\t0000000000000400"), "{kept}");
                assert!(kept.contains("Seccomp:\t2") && kept.contains("\n1000\n"), "{kept}");
            }
        }
    });
}
