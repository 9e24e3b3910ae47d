//! What pyspaces promised, row by row, for programs. Each test is named by section and row; rows that
//! have a file of tests of their own are only touched here.

mod common;

use std::fs;
use std::io::Write;
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use common::{only_nicer, prints, shell};
use ns_process::{
    Chroot, CloneFlags, Container, Errno, GidMap, Mount, Namespace, Process, Setgroups, Side,
    Signal, Stdio, Step, UidMap,
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
fn s1_unmapped() {
    ns_testbed::run_as!([Root, User, Nested], {
        let seen = printed(&user("id -u; grep CapEff /proc/self/status"));
        assert_eq!(seen, "65534\nCapEff:\t0000000000000000\n");
    });
}

/// Settable, and settled late: with the rights of 0 until then, and 0 is an id like others.
#[test]
fn s1_ids() {
    ns_testbed::run_as!([Root], {
        let mut container = user("id -u; id -g; id -G");
        let map = "0 100000 10";
        container.uid_map(map.parse().expect("map")).gid_map(map.parse().expect("map"));
        assert_eq!(printed(&container), "0\n0\n0\n", "0 inside, as their own id is unmapped");
        container.uid(3).gid(4).groups([5, 6]).namespace(Namespace::Mnt);
        container.mount(Mount::tmpfs("/mnt"));
        assert_eq!(printed(&container), "3\n4\n4 5 6\n");
        assert_eq!((container.get_uid(), container.get_gid()), (Some(3), Some(4)));
    });
}

/// A folder becomes the root, named relatively too: the old one is gone where the mount namespace is new,
/// and chroot(2) is what happens otherwise or by name.
#[test]
fn s1_rootdir() {
    ns_testbed::run_as!([Root, Nested], {
        let folder = common::Output::new();
        fs::create_dir(folder.path()).expect("mkdir");
        std::env::set_current_dir(folder.path()).expect("chdir");
        let calls = |container: &mut Container| {
            let error = container.rootdir(".").start().expect_err("nothing is in there");
            assert_eq!((error.step(), error.errno()), (Step::Exec, Some(Errno::NOENT)), "{error}");
            let told = container.plan().expect("plan").describe().to_string();
            (told.contains("pivot_root("), told.contains("chroot("))
        };
        assert_eq!(calls(Container::new("/true").namespace(Namespace::Mnt)), (true, false));
        let mut named = Container::new("/true");
        assert_eq!(calls(named.namespace(Namespace::Mnt).by_chroot()), (false, true));
        assert_eq!(calls(&mut Container::new("/true")), (false, true));
        std::env::set_current_dir("/").expect("chdir");
        fs::remove_dir(folder.path()).expect("remove");
    });
}

/// The caller's own by default, `/` under a new root, or what is named, in the new root.
#[test]
fn s1_workdir() {
    ns_testbed::run_as!([Root, User], {
        std::env::set_current_dir("/usr").expect("chdir");
        assert_eq!(printed(&shell("pwd")), "/usr\n");
        assert_eq!(printed(shell("pwd").workdir("bin/..")), "/usr\n");
        let mut chroot = Chroot::new("/", "sh");
        chroot.args(["-c", "pwd"]).map_zero();
        assert_eq!(String::from_utf8_lossy(&chroot.output().expect("start").stdout), "/\n");
        chroot.workdir("/usr");
        assert_eq!(String::from_utf8_lossy(&chroot.output().expect("start").stdout), "/usr\n");
    });
}

/// The proc through which maps are written, for whom has it elsewhere.
#[test]
fn s1_proc() {
    ns_testbed::run_as!([Root, Nested], {
        let folder = common::Output::new();
        fs::create_dir(folder.path()).expect("mkdir");
        rustix::mount::mount_bind("/proc", folder.path()).expect("bind");
        let mut container = user("id -u");
        assert_eq!(printed(container.map_zero().proc(folder.path())), "0\n");
        let none = rustix::mount::UnmountFlags::empty();
        rustix::mount::unmount(folder.path(), none).expect("unmount");
        assert_eq!(container.start().expect_err("no proc there").step(), Step::UidMap);
        fs::remove_dir(folder.path()).expect("remove");
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

/// A daemon of Python's multiprocessing: it dies with its parent, which is the thread that started it.
#[test]
fn s2_daemon() {
    ns_testbed::run_as!([Root, User], {
        let mut container = Container::new("sleep");
        container.arg("1000").die_with_parent();
        let process = std::thread::spawn(move || container.start().expect("start")).join();
        assert_eq!(
            process.expect("a thread").join().map(|status| status.code()).expect("join"),
            None
        );
    });
}

/// A handle that is dropped neither kills nor waits, and leaves no zombie; on request it kills.
#[test]
fn s2_drop() {
    ns_testbed::run_as!([Root, User], {
        let mut container = Container::new("sleep");
        container.arg("1000");
        for kills in [false, true] {
            let process = container.kill_on_drop(kills).start().expect("start");
            let pidfd = process.pidfd().try_clone_to_owned().expect("dup");
            drop(process);
            if !kills {
                assert_eq!(ns_process::reap(), 1, "it runs on");
                ns_sys::pidfd_send_signal(&pidfd, Signal::KILL).expect("it is there");
            }
            common::eventually("it is reaped", || ns_process::reap() == 0);
        }
    });
}

/// A label of a security module; where there is none, a step that says so.
#[test]
fn s2_label() {
    ns_testbed::run_as!([User], {
        let mut container = Container::new("true");
        container.exec_label("no such label");
        assert_eq!(container.start().expect_err("nobody knows it").step(), Step::ExecLabel);
        assert_eq!(container.get_exec_label(), Some("no such label".as_ref()));
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

/// An end without a word is never success: a child that is killed before its program is an error that
/// says so.
#[test]
fn s6_eof() {
    ns_testbed::run_as!([Root, User], {
        let mut container = Container::new("true");
        container.before_go(|child| ns_sys::pidfd_send_signal(child, Signal::KILL));
        let error = container.start().expect_err("killed");
        assert!(error.to_string().contains("ended by signal 9 before it executed"), "{error}");
    });
}

/// Step, side, errno, object and what to do about it.
#[test]
fn s6_errors() {
    ns_testbed::run_as!([User], {
        only_nicer();
        let error = Container::new("true").nice(-5).start().expect_err("no privilege");
        assert_eq!((error.step(), error.side()), (Step::Nice, Side::Child));
        assert_eq!(error.errno(), Some(Errno::ACCESS));
        assert!(error.hint().is_some_and(|hint| hint.contains("CAP_SYS_NICE")));
        let mut stdin = shell("read line; test $line = told");
        let mut process = stdin.stdin(Stdio::piped()).start().expect("start");
        process.take_stdin().expect("the pipe").write_all(b"told\n").expect("write");
        assert!(process.join().expect("join").success());
        assert_eq!(prints(|_| (), "echo seen"), "seen\n");
    });
}
