//! Resource limits, niceness, umask, and attributes that no namespace covers.

use crate::common::{assert_refused, in_child, only_nicer, printed, shell};
use ns_process::{Container, Errno, Namespace, Resource, Step};
use ns_testbed::nicer;

/// Whether core dumps of a mebibyte are allowed.
fn may_dump() -> bool {
    ns_sys::child::prlimit(Resource::Core as u32, 1 << 20, 1 << 20).is_ok()
}

/// Limits, niceness and umask apply to the program, and those of the caller do not change.
#[test]
fn limits_apply_to_the_program_only() {
    ns_testbed::run_as!([Root, User, Nested], {
        if !may_dump() {
            ns_testbed::skip!("the hard limit of core dumps is too low");
        }
        let print = "ulimit -S -n; ulimit -H -n; ulimit -S -c; nice; umask";
        let before = printed(&shell(print));
        let mut container = shell(print);
        container.rlimit(Resource::Nofile, 50, 60).rlimit(Resource::Core, 512, 1024);
        let nice = nicer(7);
        container.nice(nice).umask(0o027);
        assert_eq!(printed(&container), format!("50\n60\n1\n{nice}\n0027\n"));
        assert_eq!(printed(&shell(print)), before);
        assert_eq!(container.get_rlimits().len(), 2);
        assert_eq!((container.get_nice(), container.get_umask()), (Some(nice), Some(0o027)));
    });
}

/// If the kernel refuses a limit, the error names it.
#[test]
fn f12_refused_limits_are_named() {
    ns_testbed::run_as!([User], {
        only_nicer();
        let mut container = Container::new("true");
        let error = container.nice(-20).start().expect_err("no privilege");
        assert_eq!((error.step(), error.errno()), (Step::Nice, Some(Errno::ACCESS)));
        let mut container = Container::new("true");
        container.rlimit(Resource::Nofile, 10, 100);
        in_child(|| {
            ns_sys::child::prlimit(Resource::Nofile as u32, 50, 50).expect("prlimit");
            let error = container.start().expect_err("above the hard limit");
            assert_eq!((error.step(), error.errno()), (Step::Rlimit, Some(Errno::PERM)));
            assert_eq!(error.object(), Some("Nofile"));
        });
    });
}

/// The core limit of the program is that of the caller: the limit that protects the child is reset.
#[test]
fn f26_the_core_limit_of_the_program_is_that_of_the_caller() {
    ns_testbed::run_as!([Root, User, Nested], {
        if !may_dump() {
            ns_testbed::skip!("the hard limit of core dumps is too low");
        }
        for (soft, hard) in [(0, 1 << 20), (1 << 19, 1 << 20), (0, 0), (1 << 20, 1 << 20)] {
            in_child(|| {
                ns_sys::child::prlimit(Resource::Core as u32, soft, hard).expect("prlimit");
                let limits = printed(&shell("grep core /proc/self/limits | tr -s ' '"));
                assert!(limits.contains(&format!("size {soft} {hard} ")), "{limits}");
            });
        }
    });
}

/// Attributes that no namespace covers are inherited, as documented at `start`.
#[test]
fn f23_attributes_outside_namespaces_are_inherited() {
    ns_testbed::run_as!([Root, User, Nested], {
        let print = "umask; nice; ulimit -a; cat /proc/self/cgroup; \
                    grep -E '^(Cpus_allowed|Mems_allowed):' /proc/self/status; echo $MARK; pwd";
        let caller = std::process::Command::new("sh").args(["-c", print]).env("MARK", "x").output();
        let caller = String::from_utf8(caller.expect("sh").stdout).expect("text");
        let mut container = shell(print);
        container.all().without(Namespace::Cgroup).map_zero().env("MARK", "x");
        assert_eq!(printed(&container), caller);
    });
}

/// Invalid limits are refused with the name of the setter.
#[test]
fn invalid_limits_are_refused() {
    let message = "rlimit: Nofile: the soft limit is above the hard one";
    assert_refused(Container::new("true").rlimit(Resource::Nofile, 2, 1), message);
    assert_refused(Container::new("true").nice(20), "nice: must be from -20 to 19");
    assert_refused(
        Container::new("true").umask(0o1000),
        "umask: only permission bits, 0o777, are allowed",
    );
}
