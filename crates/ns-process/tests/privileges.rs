//! Capabilities, no_new_privs, filters and labels.

mod common;

use common::shell;
use ns_process::{BpfInstruction, CapabilitySet, Container, Errno, Namespace, Step};
use ns_testbed::USER;

fn printed(container: &Container) -> String {
    let output = container.output().expect("start");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// A line of the program's status.
fn seen(container: &Container, field: &str) -> u64 {
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

/// A program that is not 0 inside has no capabilities, unless some are kept; one that is has all.
#[test]
fn f21_kept_through_exec() {
    ns_testbed::run_as!([Root, User, Nested], {
        let own = rustix::process::geteuid().as_raw();
        let own_gid = rustix::process::getegid().as_raw();
        let mut container = status();
        container.namespace(Namespace::User);
        let seven = format!("7 {own} 1").parse().expect("map");
        container.uid_map(seven).gid_map(format!("7 {own_gid} 1").parse().expect("map"));
        assert_eq!(seen(&container, "CapEff:"), NONE);
        let wish = CapabilitySet::NET_ADMIN | CapabilitySet::SYS_CHROOT;
        container.keep_capabilities(wish);
        for field in ["CapEff:", "CapPrm:", "CapInh:", "CapAmb:"] {
            assert_eq!(seen(&container, field) & wish.bits(), wish.bits(), "{field}");
        }
        assert_eq!(seen(&container, "CapAmb:"), wish.bits());
        assert_eq!(container.get_kept_capabilities(), wish);
        let mut zero = status();
        zero.namespace(Namespace::User).map_zero();
        assert!(seen(&zero, "CapEff:").count_ones() > 30);
    });
}

/// Kept through a change of uid too, and nothing else is.
#[test]
fn f21_kept_through_setresuid() {
    ns_testbed::run_as!([Root], {
        let mut container = status();
        container.uid(USER).gid(USER);
        assert_eq!(seen(&container, "CapEff:"), NONE);
        container.keep_capabilities(CapabilitySet::NET_RAW);
        assert_eq!(seen(&container, "CapEff:"), CapabilitySet::NET_RAW.bits());
        assert_eq!(seen(&container, "CapPrm:"), CapabilitySet::NET_RAW.bits());
    });
}

/// What is dropped is gone for good, for root as well.
#[test]
fn dropped_for_good() {
    ns_testbed::run_as!([Root, User, Nested], {
        let wish = CapabilitySet::SYS_ADMIN | CapabilitySet::NET_RAW;
        let mut container = status();
        container.namespace(Namespace::User).map_zero().drop_capabilities(wish);
        for field in ["CapEff:", "CapPrm:", "CapBnd:"] {
            let set = seen(&container, field);
            assert!(set & wish.bits() == 0 && set.count_ones() > 30, "{field} {set:x}");
        }
        assert_eq!(container.get_dropped_capabilities(), wish);
        let error = container.keep_capabilities(wish).start().expect_err("both");
        assert_eq!(error.step(), Step::Check);
        assert!(error.object().is_some_and(|said| said.starts_with("keep_capabilities: ")));
    });
}

/// Without the right to drop, the step is named.
#[test]
fn f12_capabilities_are_named() {
    ns_testbed::run_as!([User], {
        let mut container = Container::new("true");
        let error =
            container.drop_capabilities(CapabilitySet::CHOWN).start().expect_err("no right");
        assert_eq!((error.step(), error.errno()), (Step::Capabilities, Some(Errno::PERM)));
        let mut container = Container::new("true");
        container.seccomp(allow_all());
        let error = container.start().expect_err("neither no_new_privs nor CAP_SYS_ADMIN");
        assert_eq!((error.step(), error.errno()), (Step::Seccomp, Some(Errno::ACCESS)));
    });
}

#[test]
fn no_new_privs_holds() {
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

fn instruction(code: u16, jt: u8, jf: u8, k: u32) -> BpfInstruction {
    BpfInstruction { code, jt, jf, k }
}

fn allow_all() -> Vec<BpfInstruction> {
    vec![instruction(0x06, 0, 0, 0x7fff_0000)]
}

/// Every call but `number`, which fails with `EXDEV`.
fn refusing(number: i64) -> Vec<BpfInstruction> {
    let number = u32::try_from(number).expect("a number");
    let errno = 0x0005_0000 | Errno::XDEV.raw_os_error().unsigned_abs();
    vec![
        instruction(0x20, 0, 0, 0),
        instruction(0x15, 0, 1, number),
        instruction(0x06, 0, 0, errno),
        instruction(0x06, 0, 0, 0x7fff_0000),
    ]
}

/// The filter holds in the program: after all that the child does with no_new_privs, and by the right
/// of a user namespace without.
#[test]
fn a_filter_for_the_program() {
    ns_testbed::run_as!([Root, User, Nested], {
        let script = "mkdir /tmp/ns-process-filtered 2>/dev/null";
        let mut container = shell(script);
        container.no_new_privs().seccomp(refusing(libc::SYS_mkdir));
        assert!(!container.status().expect("start").success());
        let mut container = shell(script);
        container.namespace(Namespace::User).map_zero().seccomp(refusing(libc::SYS_mkdir));
        container.drop_capabilities(CapabilitySet::SYS_ADMIN);
        assert!(!container.status().expect("start").success());
        // What the child itself needs is not touched by a filter that comes last.
        let mut container = Container::new("true");
        container.no_new_privs().seccomp(refusing(libc::SYS_prctl));
        container.namespace(Namespace::User).map_zero();
        container.drop_capabilities(CapabilitySet::SYS_ADMIN);
        assert!(container.status().expect("start").success());
        let error = Container::new("true").seccomp([]).start().expect_err("empty");
        assert_eq!(error.object(), Some("seccomp: a filter has 1 to 4096 instructions"));
        let mut container = Container::new("true");
        container.no_new_privs().seccomp([instruction(0xffff, 0, 0, 0)]);
        let error = container.start().expect_err("nonsense");
        assert_eq!((error.step(), error.errno()), (Step::Seccomp, Some(Errno::INVAL)));
    });
}

/// Where no security module takes labels, that is an error of its own step.
#[test]
fn a_label_that_nobody_takes() {
    ns_testbed::run_as!([Root, User, Nested], {
        let modules = std::fs::read_to_string("/sys/kernel/security/lsm").unwrap_or_default();
        if modules.contains("apparmor") || modules.contains("selinux") {
            ns_testbed::skip!("a security module takes labels here");
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

/// A filter without `no_new_privs` is set though the program becomes a user, who may set none: its ids and its
/// capabilities are those of that user.
#[test]
fn f39_another_user_and_a_filter() {
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
