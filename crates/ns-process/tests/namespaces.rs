//! Programs in the namespaces that were asked for.

mod common;

use std::fs;

use common::{Output, prints, shell};
use ns_process::{CloneFlags, Container, Namespace, Stdio};
use ns_testbed::{Leftovers, Role, SharedMount, role};
use rustix::process::{getegid, geteuid};

/// The namespaces of whoever reads, by kind.
const LINKS: &str =
    "for n in cgroup ipc mnt net pid time user uts; do readlink /proc/self/ns/$n; done";

fn own_links() -> Vec<String> {
    let link = |kind: Namespace| fs::read_link(format!("/proc/self/ns/{kind}")).expect("a link");
    Namespace::ALL.map(link).map(|link| link.to_string_lossy().into_owned()).into()
}

fn is_new(kinds: impl FnOnce(&mut Container)) -> Vec<Namespace> {
    let inside = prints(kinds, LINKS);
    let pairs = own_links().into_iter().zip(inside.lines().map(str::to_owned).collect::<Vec<_>>());
    pairs
        .zip(Namespace::ALL)
        .filter(|((own, inner), _)| own != inner)
        .map(|(_, kind)| kind)
        .collect()
}

/// README, first example: pid 1 is the shell, root of its namespaces, and ps sees two processes.
#[test]
fn first_container() {
    ns_testbed::run_as!([Root, User, Nested], {
        let listed = prints(
            |container| {
                container.namespaces([Namespace::User, Namespace::Pid, Namespace::Mnt]).map_zero();
            },
            "mount -t proc proc /proc && ps ax; id -u; id -g",
        );
        let lines: Vec<&str> = listed.lines().collect();
        assert_eq!(lines.len(), 5, "{listed}");
        assert!(lines[0].contains("PID"), "{listed}");
        assert!(lines[1].trim_start().starts_with("1 ") && lines[1].contains("sh -c"), "{listed}");
        assert!(lines[2].contains("ps ax"), "{listed}");
        assert_eq!(lines[3..], ["0", "0"]);
    });
}

/// Every namespace of the kernel, inode by inode.
#[test]
fn all_makes_every_namespace() {
    ns_testbed::run_as!([Root, User, Nested], {
        assert_eq!(
            is_new(|container| {
                container.all().map_zero();
            }),
            Namespace::ALL
        );
    });
}

/// Each single kind is new and the others are the caller's.
#[test]
fn one_kind_at_a_time() {
    ns_testbed::run_as!([Root], {
        for kind in Namespace::ALL {
            assert_eq!(
                is_new(|container| {
                    container.namespace(kind);
                }),
                [kind]
            );
            assert_eq!(
                is_new(|container| {
                    container.flags(kind.clone_flag());
                }),
                [kind]
            );
        }
        assert_eq!(is_new(|_| {}), []);
    });
}

/// `all` can be taken back in part, whatever the order of the setters before it was.
#[test]
fn all_without() {
    ns_testbed::run_as!([Root, User, Nested], {
        let new = is_new(|container| {
            container.all().without(Namespace::Net).without(Namespace::Time).map_zero();
        });
        assert_eq!(new.len(), 6);
        assert!(!new.contains(&Namespace::Net) && !new.contains(&Namespace::Time));
    });
}

/// The program never runs unmapped: 500 of 500 have capabilities.
#[test]
fn a01_mapped_before_exec() {
    ns_testbed::run_as!([Root, User], {
        let output = Output::new();
        let script = format!("grep CapEff /proc/self/status >> {}", output.path());
        for _ in 0..500 {
            let mut container = shell(&script);
            container.namespace(Namespace::User).map_zero();
            assert!(container.start().expect("start").join().expect("join").success());
        }
        let text = output.read();
        assert_eq!(text.lines().count(), 500);
        assert_eq!(text.lines().filter(|line| line.ends_with("0000000000000000")).count(), 0);
    });
}

/// Unprivileged, setgroups is denied, because the kernel asks for it; root keeps it.
#[test]
fn a11_setgroups_as_the_kernel_demands() {
    ns_testbed::run_as!([Root, User], {
        let inside = prints(
            |container| {
                container.namespace(Namespace::User).map_zero();
            },
            "cat /proc/self/setgroups /proc/self/uid_map /proc/self/gid_map | tr -s ' '",
        );
        let setgroups = if role() == Role::Root { "allow" } else { "deny" };
        let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
        assert_eq!(inside, format!("{setgroups}\n 0 {uid} 1\n 0 {gid} 1\n"));
    });
}

/// `/proc` shows the new pid namespace, and the caller's mounts stay as they are.
#[test]
fn d10_mount_proc() {
    ns_testbed::run_as!([Root, User, Nested], {
        let before = Leftovers::mountinfo();
        let listed = prints(
            |container| {
                container.all().map_zero().mount_proc();
            },
            "ls /proc | grep -c '^[0-9]*$'; readlink /proc/self >/dev/null; echo $$",
        );
        assert_eq!(before, Leftovers::mountinfo());
        let (processes, own) = listed.split_once('\n').expect("two lines");
        assert!(processes.parse::<u32>().expect("a count") <= 3, "{listed}");
        assert_eq!(own.trim(), "1");
    });
}

/// What is mounted inside does not show outside, on a mount that would propagate.
#[test]
fn d06_mounts_stay_inside() {
    ns_testbed::run_as!([Root, Nested], {
        let shared = SharedMount::new();
        let target = shared.path().join("inner");
        fs::create_dir(&target).expect("mkdir");
        let before = Leftovers::mountinfo();
        let mount =
            format!("mount -t tmpfs none {} && grep -c {0} /proc/self/mountinfo", target.display());
        let seen = prints(
            |container| {
                container.namespace(Namespace::Mnt);
            },
            &mount,
        );
        assert_eq!(seen.trim(), "1");
        assert_eq!(before, Leftovers::mountinfo());
    });
}

/// Flags that clone(2) has and a start can keep are taken.
#[test]
fn harmless_flags_are_taken() {
    ns_testbed::run_as!([Root, User], {
        for flags in [
            CloneFlags::IO,
            CloneFlags::FS | CloneFlags::FILES,
            CloneFlags::SYSVSEM,
            CloneFlags::UNTRACED,
            CloneFlags::PTRACE,
            CloneFlags::VM | CloneFlags::VFORK,
        ] {
            let mut container = Container::new("true");
            let status = container.flags(flags).start().expect("start").join().expect("join");
            assert!(status.success(), "{flags}");
        }
    });
}

/// Flags that name namespaces can be taken back like others, and the rest is read back.
#[test]
fn flags_and_namespaces_are_one() {
    let mut container = Container::new("true");
    container.flags(CloneFlags::NEWNET | CloneFlags::NEWUTS | CloneFlags::IO);
    container.without(Namespace::Net);
    assert!(container.get_namespaces().kinds().eq([Namespace::Uts]));
    assert_eq!(container.get_flags(), CloneFlags::IO);
}

/// Flags reach the kernel: with `FS` the child's directory is the caller's.
#[test]
fn shared_directory() {
    ns_testbed::run_as!([Root, User], {
        let mut child = shell("cd /proc");
        assert!(child.start().expect("start").join().expect("join").success());
        assert_ne!(std::env::current_dir().expect("cwd").to_str(), Some("/proc"));
        child.flags(CloneFlags::FS);
        assert!(child.start().expect("start").join().expect("join").success());
        assert_eq!(std::env::current_dir().expect("cwd").to_str(), Some("/proc"));
    });
}

/// The environment is the caller's, with changes, or empty.
#[test]
fn environments() {
    ns_testbed::run_as!([User], {
        let own = std::env::vars().count();
        let count = |seen: &str| seen.lines().filter(|line| line.contains('=')).count();
        // A shell adds PWD and the like by itself, so `env -i` words are not compared.
        let inherited = prints(|_| {}, "cat /proc/$$/environ | tr '\\0' '\\n'");
        assert_eq!(count(&inherited), own, "{inherited}");
        let cleared = prints(
            |container| {
                container
                    .env("LOST", "1")
                    .env_clear()
                    .envs([("A", "x"), ("B", "y")])
                    .env_remove("B");
                container.env("PATH", "/usr/bin:/bin");
            },
            "cat /proc/$$/environ | tr '\\0' '\\n'",
        );
        assert_eq!(cleared, "A=x\nPATH=/usr/bin:/bin\n");
    });
}

/// The plan tells what will be done, in order, and keeps the environment to itself.
#[test]
fn describe_lists_the_steps() {
    ns_testbed::run_as!([Root], {
        // With a core limit to take back there were two lines more.
        ns_sys::child::prlimit(ns_process::Resource::Core as u32, 0, 0).expect("prlimit");
        let mut container = Container::new("/bin/true");
        let kinds = [Namespace::User, Namespace::Pid, Namespace::Mnt];
        container.namespaces(kinds).map_zero().mount_proc().env("TOKEN", "secret");
        let plan = container.plan().expect("plan");
        let flags = "CLONE_VM | CLONE_PIDFD | CLONE_NEWNS | CLONE_CHILD_CLEARTID | CLONE_UNTRACED \
                     | CLONE_NEWUSER | CLONE_NEWPID | CLONE_CLEAR_SIGHAND";
        let expected = [
            "memory: shared; tail: exec",
            "memory: copied where another start holds the dumpable flag",
            "parent: pidfd_open(own thread, PIDFD_THREAD); prctl(PR_GET_TID_ADDRESS)",
            "parent: fstat(file of the record locks)",
            "parent: prctl(PR_GET_DUMPABLE); prctl(PR_SET_DUMPABLE, 0)",
            "parent: rt_sigprocmask(all)",
            &format!("parent: clone3({flags})"),
            "parent: rt_sigprocmask(former)",
            "parent: readlinkat(\"/proc/self\")",
            "parent: open(\"/proc/PID/comm\")",
            "parent: readlinkat(\"/proc/self\")",
            "parent: open(\"/proc/PID\")",
            "parent: write(uid_map, \"0 0 1\\n\")",
            "parent: write(gid_map, \"0 0 1\\n\")",
            "parent: futex(go, wake)",
            "child: fcntl(F_SETFD); fcntl(F_SETLK)",
            "child: rt_sigaction(1 to 64, SIG_DFL)",
            "child: futex(go, wait)",
            "child: mount(NULL, \"/\", NULL, MS_REC | MS_PRIVATE, NULL)",
            "child: mount(\"proc\", \"/proc\", \"proc\", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL)",
            "child: setsid() unless 0, 1 or 2 is a terminal",
            "child: close_range(3, 4294967295, 0)",
            "child: prctl(PR_SET_NAME)",
            "child: rt_sigprocmask(none)",
            "child: execve(\"/bin/true\")",
            "parent: futex(child_tid, wait)",
            "parent: fcntl(F_GETLK)",
            "parent: pread(comm)",
            "parent: prctl(PR_SET_DUMPABLE, 1)",
            "parent: waitid(pidfd, WNOHANG | WNOWAIT)",
        ];
        assert_eq!(plan.describe().to_string(), expected.join("\n"));
        assert!(!format!("{plan:?}").contains("secret"));
    });
}

/// Threads that do not stand still change nothing, and nothing of theirs changes.
#[test]
fn b09_from_a_threaded_program() {
    ns_testbed::run_as!([Root, User], {
        let links = own_links();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for size in 0..25 {
                        let mut container = Container::new("sh");
                        container.args(["-c", "exit 3"]).all().without(Namespace::Net).map_zero();
                        let noise = vec![1_u8; size * 4096];
                        let status = container.start().expect("start").join().expect("join");
                        assert_eq!(status.code(), Some(3));
                        drop(noise);
                    }
                });
            }
        });
        assert_eq!(own_links(), links);
    });
}

/// Names stand for kinds, as pyspaces and the flags spell them; one that does not is a mistake.
#[test]
fn namespaces_by_name() {
    let mut container = Container::new("true");
    container.namespaces(["net", "newuts", "mnt"]);
    let wished = [Namespace::Net, Namespace::Uts, Namespace::Mnt];
    let mut same = Container::new("true");
    same.namespaces(wished);
    assert_eq!(container.get_namespaces(), same.get_namespaces());
    let mut all = Container::new("true");
    all.namespaces(["all"]).without(Namespace::Net);
    same.all().without(Namespace::Net);
    assert_eq!(all.get_namespaces(), same.get_namespaces());
    let error = container.namespaces(["nett"]).start().expect_err("no such kind");
    assert_eq!(error.step(), ns_process::Step::Check);
    assert!(error.object().is_some_and(|said| said.starts_with("namespaces: \"nett\"")), "{error}");
}

/// Whatever a path has in it, each line of a description is a step.
#[test]
fn a_line_end_in_a_path_does_not_end_the_line() {
    let mut container = Container::new("true");
    container.namespace_file(Namespace::Uts, "a\nb").stdin(Stdio::path("c\nd"));
    let text = container.plan().expect("plan").describe().to_string();
    let sides = ["memory: ", "parent: ", "middle: ", "child: "];
    assert!(text.lines().all(|line| sides.iter().any(|side| line.starts_with(side))), "{text}");
}
