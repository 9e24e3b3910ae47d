//! What pyspaces promised, row by row, for programs. Each test is named by section and row; rows that
//! have a file of tests of their own are only touched here.

mod common;

use std::fs;
use std::io::Write;
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use common::{prints, shell};
use ns_process::{
    Chroot, CloneFlags, Container, Errno, GidMap, Namespace, Process, Setgroups, Side, Signal,
    Stdio, Step, UidMap,
};
use rustix::process::geteuid;

fn printed(container: &Container) -> String {
    let output = container.output().expect("start");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn user(script: &str) -> Container {
    let mut container = shell(script);
    container.namespace(Namespace::User);
    container
}

/// A program by path or by name, with arguments and an environment; an empty one is an error.
#[test]
fn s1_target_args() {
    ns_testbed::run_as!([User], {
        let mut container = Container::new("/bin/sh");
        container.args(["-c", "echo $0 $1 $NAME", "zero"]).arg("one").env("NAME", "value");
        assert_eq!(printed(&container), "zero one value\n");
        assert_eq!(Container::new("").start().expect_err("empty").step(), Step::Check);
    });
}

/// Every kind that the kernel has, and each can be taken back.
#[test]
fn s1_all_but_one() {
    ns_testbed::run_as!([Root, User, Nested], {
        let ids = "for kind in cgroup ipc mnt net pid time user uts; do readlink /proc/self/ns/$kind; done";
        let own = printed(&shell(ids));
        let mut container = shell(ids);
        container.all().without(Namespace::Net).map_zero();
        let seen = printed(&container);
        for (kind, (own, seen)) in Namespace::ALL.iter().zip(own.lines().zip(seen.lines())) {
            assert_eq!(own == seen, *kind == Namespace::Net, "{kind}: {own} {seen}");
        }
    });
}

/// Names in bulk, in both spellings.
#[test]
fn s1_names_in_bulk() {
    let mut container = Container::new("true");
    container.namespaces(["newpid", "uts", "newns"]);
    let kinds: Vec<Namespace> = container.get_namespaces().kinds().collect();
    assert!(
        [Namespace::Pid, Namespace::Uts, Namespace::Mnt].iter().all(|kind| kinds.contains(kind))
    );
}

/// bool, int, str and list; 0 is an id.
#[test]
fn s1_map_forms() {
    ns_testbed::run_as!([Root], {
        let look = "cat /proc/self/uid_map | tr -s ' '";
        let seen = |map: UidMap| printed(user(look).uid_map(map));
        assert_eq!(seen(UidMap::current()), " 0 0 1\n");
        assert_eq!(seen(0.into()), " 0 0 1\n");
        assert_eq!(seen(1000.into()), " 0 1000 1\n");
        assert_eq!(seen("1000,1001".parse().expect("map")), " 0 1000 1\n 1 1001 1\n");
        assert_eq!(seen("0 1000 1\n5 1001 2".parse().expect("map")), " 0 1000 1\n 5 1001 2\n");
        let list = UidMap::from_list(["1000", "1 100000 10"]).expect("map");
        assert_eq!(seen(list), " 0 1000 1\n 1 100000 10\n");
        let error = "1000,x".parse::<GidMap>().expect_err("bad text").to_string();
        assert!(error.contains("entry 2"), "{error}");
    });
}

/// Both ids of the caller become 0; with a map of the same kind it is an error.
#[test]
fn s1_map_zero() {
    ns_testbed::run_as!([Root, User, Nested], {
        assert_eq!(printed(user("id -u; id -g").map_zero()), "0\n0\n");
        let mut both = user("true");
        assert_eq!(
            both.map_zero().uid_map(0.into()).start().expect_err("both").step(),
            Step::Check
        );
    });
}

/// Allowed: the program is nobody, without capabilities.
#[test]
fn s1_no_map() {
    ns_testbed::run_as!([Root, User, Nested], {
        let seen = printed(&user("id -u; grep CapEff /proc/self/status"));
        assert_eq!(seen, "65534\nCapEff:\t0000000000000000\n");
    });
}

/// Denied exactly when the kernel demands it, or as told.
#[test]
fn s1_setgroups() {
    ns_testbed::run_as!([Root, User], {
        let mut container = user("cat /proc/self/setgroups");
        let expected = if geteuid().is_root() { "allow\n" } else { "deny\n" };
        assert_eq!(printed(container.map_zero()), expected);
        assert_eq!(printed(container.setgroups(Setgroups::Deny)), "deny\n");
        assert_eq!(container.get_setgroups(), Setgroups::Deny);
    });
}

/// Each stream on its own number, also where the sources overlap.
#[test]
fn s1_streams() {
    ns_testbed::run_as!([Root, User], {
        let file = common::Output::new();
        let mut container = shell("echo out; echo err >&2");
        let shared = fs::File::create(file.path()).expect("create");
        container.stdout(Stdio::fd(shared.try_clone().expect("dup"))).stderr(Stdio::fd(shared));
        assert!(container.status().expect("start").success());
        assert_eq!(file.read(), "out\nerr\n");
    });
}

/// pyspaces' flags by their names: kept, refused with the rule, or true already.
#[test]
fn s1_flags() {
    ns_testbed::run_as!([User], {
        for name in ["vm", "vfork", "io", "untraced", "ptrace", "sysvsem", "files", "fs"] {
            let flags: CloneFlags = name.parse().expect(name);
            let mut container = Container::new("true");
            assert!(container.flags(flags).status().expect(name).success());
            assert_eq!(container.get_flags(), flags);
        }
        for name in
            ["thread", "sighand", "detached", "settls", "settid", "child_cleartid", "child_settid"]
        {
            let flags: CloneFlags = name.parse().expect(name);
            let error = Container::new("true").flags(flags).start().expect_err(name);
            assert_eq!(error.step(), Step::Check);
            assert!(error.object().is_some_and(|said| said.starts_with("flags: ")), "{error}");
        }
    });
}

/// The start consumes nothing; Ok means executed, Err that nothing is left.
#[test]
fn s2_start() {
    ns_testbed::run_as!([Root, User], {
        let container = shell("exit 3");
        let (one, two) = (container.start().expect("start"), container.start().expect("again"));
        assert_eq!(
            (one.join().expect("join").code(), two.join().expect("join").code()),
            (Some(3), Some(3))
        );
        assert_eq!(Container::new("/nope").start().expect_err("nothing").step(), Step::Exec);
    });
}

/// Join with and without a limit, is_alive, exit_code, signals; pid and name.
#[test]
fn s2_handle() {
    fn is_shared<T: Send + Sync>(_: &T) {}
    ns_testbed::run_as!([Root, User], {
        let mut container = Container::new("sleep");
        container.arg("1000").name("sleeper");
        let process: Process = container.start().expect("start");
        is_shared(&process);
        assert_eq!(process.join_timeout(Duration::from_millis(20)).expect("join"), None);
        assert!(process.is_alive().expect("ask"));
        assert_eq!(process.exit_code().expect("ask"), None);
        assert_eq!((process.name(), process.pid() > 1), ("sleeper", true));
        assert_eq!(process.as_fd().as_raw_fd(), process.pidfd().as_raw_fd());
        process.signal(Signal::TERM).expect("signal");
        process.join().expect("join");
        assert_eq!(process.exit_code().expect("ask"), Some(-15));
        assert!(!process.is_alive().expect("ask"));
        process.terminate().expect("no error once it has ended");
        let default = Container::new("true");
        assert_ne!(default.get_name(), Container::new("true").get_name());
    });
}

/// Pid 1 of a pid namespace ignores SIGTERM; the forms that go on end it.
#[test]
fn s2_terminate_timeout() {
    ns_testbed::run_as!([Root, User], {
        let mut container = Container::new("sleep");
        container.arg("1000").namespaces([Namespace::User, Namespace::Pid]).map_zero();
        let process = container.start().expect("start");
        let status = process.terminate_timeout(Duration::from_millis(50)).expect("ended");
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9));
    });
}

/// What was set can be read back, and printed.
#[test]
fn s2_readers() {
    let mut container = Container::new("make");
    container.args(["all", "-j2"]).flags(CloneFlags::IO).uid_map(5.into()).gid_map(6.into());
    container.namespace(Namespace::User).proc("/other/proc");
    assert_eq!(container.get_args().collect::<Vec<_>>(), ["all", "-j2"]);
    assert_eq!(container.get_program(), "make");
    assert_eq!(container.get_flags(), CloneFlags::IO);
    assert_eq!(container.get_uid_map(), Some(&UidMap::from(5)));
    assert_eq!(container.get_gid_map(), Some(&GidMap::from(6)));
    assert!(!container.get_map_zero());
    assert_eq!(container.get_proc(), std::path::Path::new("/other/proc"));
    let recipe = format!("{container:?}");
    assert!(recipe.contains("make") && recipe.contains("-j2"), "{recipe}");
}

/// User and mount namespaces and a root; what is missing in there is named.
#[test]
fn s4_chroot() {
    ns_testbed::run_as!([Root, User], {
        let chroot = Chroot::new("/", "true");
        let kinds: Vec<Namespace> = chroot.get_namespaces().kinds().collect();
        assert!(kinds.contains(&Namespace::User) && kinds.contains(&Namespace::Mnt));
        assert_eq!(chroot.get_rootdir(), Some(std::path::Path::new("/")));
        let missing = Chroot::new("/no/such/root", "true").start().expect_err("missing");
        assert_eq!((missing.step(), missing.errno()), (Step::OpenRoot, Some(Errno::NOENT)));
        assert_eq!(missing.object(), Some("/no/such/root"));
    });
}

/// Step, side, errno, object; a child that is killed before its program is an error that says so.
#[test]
fn s6_errors() {
    ns_testbed::run_as!([User], {
        let error = Container::new("true").nice(-5).start().expect_err("no privilege");
        assert_eq!((error.step(), error.side()), (Step::Nice, Side::Child));
        assert_eq!(error.errno(), Some(Errno::ACCESS));
        assert!(error.hint().is_some_and(|hint| hint.contains("CAP_SYS_NICE")));
        let mut container = Container::new("true");
        container.before_go(|child| ns_sys::pidfd_send_signal(child, Signal::KILL));
        let error = container.start().expect_err("killed");
        assert!(error.to_string().contains("ended by signal 9 before it executed"), "{error}");
        let mut stdin = shell("read line; test $line = told");
        let mut process = stdin.stdin(Stdio::piped()).start().expect("start");
        process.take_stdin().expect("the pipe").write_all(b"told\n").expect("write");
        assert!(process.join().expect("join").success());
        assert_eq!(prints(|_| (), "echo seen"), "seen\n");
    });
}
