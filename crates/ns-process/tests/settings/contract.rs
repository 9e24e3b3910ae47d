//! The contract of pyspaces for programs. Each test is named by section and row. Some rows have more tests in
//! other files.

use std::fs;
use std::io::Write;
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use crate::common::target::{PRINT_NAMESPACES, sleep};
use crate::common::users::inside;
use crate::common::{Directory, Output, only_nicer, printed, prints, reap_all, shell};
use ns_process::{
    Chroot, CloneFlags, Container, Errno, GidMap, Mount, Namespace, Process, Setgroups, Side,
    Signal, Stdio, Step, UidMap,
};
use rustix::process::geteuid;

/// A program has a path or a name, arguments and an environment. An empty program is an error.
#[test]
fn s1_target_has_arguments_and_an_environment() {
    ns_testbed::run_as!([User], {
        let mut container = Container::new("/bin/sh");
        container.args(["-c", "echo $0 $1 $NAME", "zero"]).arg("one").env("NAME", "value");
        assert_eq!(printed(&container), "zero one value\n");
        assert_eq!(Container::new("").start().expect_err("empty").step(), Step::Check);
    });
}

/// `all` selects every kind of namespace, and `without` removes one.
#[test]
fn s1_all_without_one_kind() {
    ns_testbed::run_as!([Root, User, Nested], {
        let own = printed(&shell(PRINT_NAMESPACES));
        let mut container = shell(PRINT_NAMESPACES);
        container.all().without(Namespace::Net).map_zero();
        let seen = printed(&container);
        for (kind, (own, seen)) in Namespace::ALL.iter().zip(own.lines().zip(seen.lines())) {
            assert_eq!(own == seen, *kind == Namespace::Net, "{kind}: {own} {seen}");
        }
    });
}

/// Kinds are given by name, in both spellings.
#[test]
fn s1_names_of_kinds_are_accepted() {
    let mut container = Container::new("true");
    container.namespaces(["newpid", "uts", "newns"]);
    let kinds: Vec<Namespace> = container.get_namespaces().kinds().collect();
    assert!(
        [Namespace::Pid, Namespace::Uts, Namespace::Mnt].iter().all(|kind| kinds.contains(kind))
    );
}

/// A map is made from a number, text or a list. 0 is a valid ID.
#[test]
fn s1_map_has_several_forms() {
    ns_testbed::run_as!([Root], {
        let print_map = "cat /proc/self/uid_map | tr -s ' '";
        let seen = |map: UidMap| printed(inside(print_map).uid_map(map));
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

/// `map_zero` maps the uid and the gid of the caller to 0. It conflicts with `uid_map`.
#[test]
fn s1_map_zero_maps_the_caller_to_root() {
    ns_testbed::run_as!([Root, User, Nested], {
        assert_eq!(printed(inside("id -u; id -g").map_zero()), "0\n0\n");
        let mut both = inside("true");
        assert_eq!(
            both.map_zero().uid_map(0.into()).start().expect_err("both").step(),
            Step::Check
        );
    });
}

/// Without a map the program has the overflow ID and no capabilities.
#[test]
fn s1_unmapped_programs_have_the_overflow_id() {
    ns_testbed::run_as!([Root, User, Nested], {
        let seen = printed(&inside("id -u; grep CapEff /proc/self/status"));
        assert_eq!(seen, "65534\nCapEff:\t0000000000000000\n");
    });
}

/// IDs are set after the steps that need the privileges of root.
#[test]
fn s1_ids_are_set_last() {
    ns_testbed::run_as!([Root], {
        let mut container = inside("id -u; id -g; id -G");
        let map = "0 100000 10";
        container.uid_map(map.parse().expect("map")).gid_map(map.parse().expect("map"));
        assert_eq!(printed(&container), "0\n0\n0\n", "0 because the ID of the caller is unmapped");
        container.uid(3).gid(4).groups([5, 6]).namespace(Namespace::Mnt);
        container.mount(Mount::tmpfs("/mnt"));
        assert_eq!(printed(&container), "3\n4\n4 5 6\n");
        assert_eq!((container.get_uid(), container.get_gid()), (Some(3), Some(4)));
    });
}

/// A directory, also by a relative path, becomes the root: by pivot_root(2) in a new mount namespace, else and on
/// request by chroot(2).
#[test]
fn s1_rootdir_changes_the_root() {
    ns_testbed::run_as!([Root, Nested], {
        let directory = Directory::new("root");
        std::env::set_current_dir(&directory).expect("chdir");
        let calls = |container: &mut Container| {
            let error = container.rootdir(".").start().expect_err("an empty root");
            assert_eq!((error.step(), error.errno()), (Step::Exec, Some(Errno::NOENT)), "{error}");
            let text = container.plan().expect("plan").describe().to_string();
            (text.contains("pivot_root("), text.contains("chroot("))
        };
        assert_eq!(calls(Container::new("/true").namespace(Namespace::Mnt)), (true, false));
        let mut by_chroot = Container::new("/true");
        assert_eq!(calls(by_chroot.namespace(Namespace::Mnt).by_chroot()), (false, true));
        assert_eq!(calls(&mut Container::new("/true")), (false, true));
        std::env::set_current_dir("/").expect("chdir");
    });
}

/// The working directory is that of the caller by default, `/` in a new root, or the given path in the new root.
#[test]
fn s1_workdir_defaults_to_that_of_the_caller() {
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

/// Maps are written through the proc at the given path.
#[test]
fn s1_proc_may_be_mounted_elsewhere() {
    ns_testbed::run_as!([Root, Nested], {
        let directory = Directory::new("proc");
        rustix::mount::mount_bind("/proc", &*directory).expect("bind");
        let mut container = inside("id -u");
        assert_eq!(printed(container.map_zero().proc(&*directory)), "0\n");
        let none = rustix::mount::UnmountFlags::empty();
        rustix::mount::unmount(&*directory, none).expect("unmount");
        assert_eq!(container.start().expect_err("no proc at the path").step(), Step::UidMap);
    });
}

/// setgroups(2) is denied if the kernel requires it, or on request.
#[test]
fn s1_setgroups_is_denied_if_required() {
    ns_testbed::run_as!([Root, User], {
        let mut container = inside("cat /proc/self/setgroups");
        let expected = if geteuid().is_root() { "allow\n" } else { "deny\n" };
        assert_eq!(printed(container.map_zero()), expected);
        assert_eq!(printed(container.setgroups(Setgroups::Deny)), "deny\n");
        assert_eq!(container.get_setgroups(), Setgroups::Deny);
    });
}

/// Both streams may share one file.
#[test]
fn s1_streams_may_share_a_file() {
    ns_testbed::run_as!([Root, User], {
        let file = Output::new();
        let mut container = shell("echo out; echo err >&2");
        let shared = fs::File::create(file.path()).expect("create");
        container.stdout(Stdio::fd(shared.try_clone().expect("dup"))).stderr(Stdio::fd(shared));
        assert!(container.status().expect("start").success());
        assert_eq!(file.read(), "out\nerr\n");
    });
}

/// The flags of pyspaces by name: each is accepted, or refused with the reason.
#[test]
fn s1_flags_are_accepted_or_refused() {
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
            assert!(error.object().is_some_and(|object| object.starts_with("flags: ")), "{error}");
        }
    });
}

/// A container can be started again. `Ok` means that the program was executed.
#[test]
fn s2_start_does_not_consume_the_container() {
    ns_testbed::run_as!([Root, User], {
        let container = shell("exit 3");
        let (one, two) = (container.start().expect("start"), container.start().expect("again"));
        assert_eq!(
            (one.join().expect("join").code(), two.join().expect("join").code()),
            (Some(3), Some(3))
        );
        assert_eq!(Container::new("/nope").start().expect_err("no such file").step(), Step::Exec);
    });
}

/// The methods of the handle: join with and without a timeout, is_alive, exit_code, signals, pid and name.
#[test]
fn s2_handle_methods() {
    fn is_shared<T: Send + Sync>(_: &T) {}
    ns_testbed::run_as!([Root, User], {
        let mut container = sleep();
        container.name("sleeper");
        let process: Process = container.start().expect("start");
        is_shared(&process);
        assert_eq!(process.join_timeout(Duration::from_millis(20)).expect("join"), None);
        assert!(process.is_alive().expect("is_alive"));
        assert_eq!(process.exit_code().expect("exit_code"), None);
        assert_eq!((process.name(), process.pid() > 1), ("sleeper", true));
        assert_eq!(process.as_fd().as_raw_fd(), process.pidfd().as_raw_fd());
        process.signal(Signal::TERM).expect("signal");
        process.join().expect("join");
        assert_eq!(process.exit_code().expect("exit_code"), Some(-15));
        assert!(!process.is_alive().expect("is_alive"));
        process.terminate().expect("no error after the exit");
        let default = Container::new("true");
        assert_ne!(default.get_name(), Container::new("true").get_name());
    });
}

/// `terminate_timeout` kills process 1 of a pid namespace, which ignores SIGTERM.
#[test]
fn s2_terminate_timeout_kills_process_1() {
    ns_testbed::run_as!([Root, User], {
        let mut container = sleep();
        container.namespaces([Namespace::User, Namespace::Pid]).map_zero();
        let process = container.start().expect("start");
        let status = process.terminate_timeout(Duration::from_millis(50)).expect("terminate");
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9));
    });
}

/// As a daemon of Python's multiprocessing, the program is killed when its parent, the starting thread, exits.
#[test]
fn s2_daemon_is_killed_with_its_parent() {
    ns_testbed::run_as!([Root, User], {
        let mut container = sleep();
        container.die_with_parent();
        let process = std::thread::spawn(move || container.start().expect("start")).join();
        assert_eq!(
            process.expect("a thread").join().map(|status| status.code()).expect("join"),
            None
        );
    });
}

/// Dropping a handle neither kills nor waits, and leaves no zombie. With `kill_on_drop` it kills.
#[test]
fn s2_drop_kills_on_request_only() {
    ns_testbed::run_as!([Root, User], {
        let mut container = sleep();
        for kills in [false, true] {
            let process = container.kill_on_drop(kills).start().expect("start");
            let pidfd = process.pidfd().try_clone_to_owned().expect("dup");
            drop(process);
            if !kills {
                assert_eq!(ns_process::reap(), 1, "it is running");
                ns_sys::pidfd_send_signal(&pidfd, Signal::KILL).expect("kill");
            }
            reap_all();
        }
    });
}

/// A label that no security module accepts is an error of the `exec_label` step.
#[test]
fn s2_label_that_is_unknown_is_refused() {
    ns_testbed::run_as!([User], {
        let mut container = Container::new("true");
        container.exec_label("no such label");
        assert_eq!(container.start().expect_err("an unknown label").step(), Step::ExecLabel);
        assert_eq!(container.get_exec_label(), Some("no such label".as_ref()));
    });
}

/// Settings can be read back and printed.
#[test]
fn s2_readers_return_the_settings() {
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

/// `Chroot` has a user namespace, a mount namespace and a root. A missing root is named.
#[test]
fn s4_chroot_has_a_root_and_namespaces() {
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

/// A child that is killed before exec is an error that says so.
#[test]
fn s6_eof_is_not_success() {
    ns_testbed::run_as!([Root, User], {
        let mut container = Container::new("true");
        container.before_go(|child| ns_sys::pidfd_send_signal(child, Signal::KILL));
        let error = container.start().expect_err("killed");
        assert!(error.to_string().contains("ended by signal 9 before it executed"), "{error}");
    });
}

/// An error has a step, a side, an errno and a hint.
#[test]
fn s6_errors_have_step_side_errno_and_hint() {
    ns_testbed::run_as!([User], {
        only_nicer();
        let error = Container::new("true").nice(-5).start().expect_err("no privilege");
        assert_eq!((error.step(), error.side()), (Step::Nice, Side::Child));
        assert_eq!(error.errno(), Some(Errno::ACCESS));
        assert!(error.hint().is_some_and(|hint| hint.contains("CAP_SYS_NICE")));
        let mut stdin = shell("read line; test $line = text");
        let mut process = stdin.stdin(Stdio::piped()).start().expect("start");
        process.take_stdin().expect("the pipe").write_all(b"text\n").expect("write");
        assert!(process.join().expect("join").success());
        assert_eq!(prints(|_| (), "echo printed"), "printed\n");
    });
}
