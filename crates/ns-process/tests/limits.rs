//! Limits, niceness, mask, and what no namespace covers.

mod common;

use common::{only_nicer, shell};
use ns_process::{Container, Errno, Namespace, Resource, Step};
use ns_testbed::nicer;

fn printed(container: &Container) -> String {
    let output = container.output().expect("start");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// Whether dumps of a megabyte are allowed.
fn may_dump() -> bool {
    ns_sys::child::prlimit(Resource::Core as u32, 1 << 20, 1 << 20).is_ok()
}

/// Limits, niceness and mask hold in the program, and the caller's are as before.
#[test]
fn limits_hold_inside() {
    ns_testbed::run_as!([Root, User, Nested], {
        if !may_dump() {
            ns_testbed::skip!("the hard limit of dumps is lower");
        }
        let look = "ulimit -S -n; ulimit -H -n; ulimit -S -c; nice; umask";
        let before = printed(&shell(look));
        let mut container = shell(look);
        container.rlimit(Resource::Nofile, 50, 60).rlimit(Resource::Core, 512, 1024);
        let nice = nicer(7);
        container.nice(nice).umask(0o027);
        assert_eq!(printed(&container), format!("50\n60\n1\n{nice}\n0027\n"));
        assert_eq!(printed(&shell(look)), before);
        assert_eq!(container.get_rlimits().len(), 2);
        assert_eq!((container.get_nice(), container.get_umask()), (Some(nice), Some(0o027)));
    });
}

/// What the kernel refuses is named.
#[test]
fn f12_limits_are_named() {
    ns_testbed::run_as!([User], {
        only_nicer();
        let mut container = Container::new("true");
        let error = container.nice(-20).start().expect_err("no privilege");
        assert_eq!((error.step(), error.errno()), (Step::Nice, Some(Errno::ACCESS)));
        let mut container = Container::new("true");
        container.rlimit(Resource::Nofile, 10, 100);
        let code = ns_testbed::forked(|| {
            ns_sys::child::prlimit(Resource::Nofile as u32, 50, 50).expect("prlimit");
            let error = container.start().expect_err("above the hard limit");
            assert_eq!((error.step(), error.errno()), (Step::Rlimit, Some(Errno::PERM)));
            assert_eq!(error.object(), Some("Nofile"));
            0
        });
        assert_eq!(code, 0);
    });
}

/// The program's core limit is the caller's: what keeps a child from dumping is taken back.
#[test]
fn f26_core_limit_of_the_program() {
    ns_testbed::run_as!([Root, User, Nested], {
        if !may_dump() {
            ns_testbed::skip!("the hard limit of dumps is lower");
        }
        for (soft, hard) in [(0, 1 << 20), (1 << 19, 1 << 20), (0, 0), (1 << 20, 1 << 20)] {
            let code = ns_testbed::forked(|| {
                ns_sys::child::prlimit(Resource::Core as u32, soft, hard).expect("prlimit");
                let seen = printed(&shell("grep core /proc/self/limits | tr -s ' '"));
                assert!(seen.contains(&format!("size {soft} {hard} ")), "{seen}");
                0
            });
            assert_eq!(code, 0);
        }
    });
}

/// What no namespace covers is the caller's, as the documentation of `start` has it.
#[test]
fn f23_what_is_inherited() {
    ns_testbed::run_as!([Root, User, Nested], {
        let look = "umask; nice; ulimit -a; cat /proc/self/cgroup; \
                    grep -E '^(Cpus_allowed|Mems_allowed):' /proc/self/status; echo $MARK; pwd";
        let caller = std::process::Command::new("sh").args(["-c", look]).env("MARK", "x").output();
        let caller = String::from_utf8(caller.expect("sh").stdout).expect("text");
        let mut container = shell(look);
        container.all().without(Namespace::Cgroup).map_zero().env("MARK", "x");
        assert_eq!(printed(&container), caller);
    });
}

/// Mistakes are told by the setter's name.
#[test]
fn mistakes_of_limits() {
    let told = |container: &Container, said: &str| {
        let error = container.start().expect_err("a mistake");
        assert_eq!((error.step(), error.object()), (Step::Check, Some(said)));
    };
    let said = "rlimit: Nofile: the soft limit is above the hard one";
    told(Container::new("true").rlimit(Resource::Nofile, 2, 1), said);
    told(Container::new("true").nice(20), "nice: is not from -20 to 19");
    told(Container::new("true").umask(0o1000), "umask: has more than permissions");
}
