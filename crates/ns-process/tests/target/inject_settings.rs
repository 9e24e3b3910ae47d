//! IDs, privileges, root and cgroup of an injected program: by default, and taken over from the target.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::target::{Target, sleep};
use crate::common::users::as_user;
use crate::common::{Directory, eventually, filter, host_directories, printed};
use ns_process::{
    CapabilitySet, Container, Errno, Inject, Memory, Mount, Namespace, Setgroups, Step,
};
use ns_testbed::Role;

fn script(target: &Target, script: &str) -> Inject {
    let mut inject = Inject::new(&**target, "sh");
    inject.args(["-c", script]);
    inject
}

/// A shell script that prints uid, gid and groups.
const IDS: &str = "echo $(id -u) $(id -g) $(grep ^Groups /proc/self/status | cut -f 2)";

/// By default the program has ID 0 if the IDs of the caller have no mapping. Then it has no groups either, unless
/// the target denies setgroups.
#[test]
fn c09_ids_after_a_join() {
    ns_testbed::run_as!([Root], {
        ns_sys::child::setgroups(&[7, 8]).expect("setgroups");
        let target = |map: &str, setgroups| {
            let mut container = sleep();
            container.namespaces(["user", "pid", "mnt"]).mount_proc();
            container.uid_map(map.parse().expect("a map")).gid_map(map.parse().expect("a map"));
            Target::new(container.setgroups(setgroups))
        };
        let allowed = target("0 100000 10", Setgroups::Keep);
        assert_eq!(printed(&script(&allowed, IDS)).trim(), "0 0");
        assert_eq!(printed(script(&allowed, IDS).uid(3).gid(4)).trim(), "3 4");
        assert_eq!(printed(script(&allowed, IDS).groups([5])).trim(), "0 0 5");
        let denied = target("0 100000 10", Setgroups::Deny);
        assert_eq!(printed(&script(&denied, IDS)).trim(), "0 0 65534 65534");
        assert_eq!(printed(script(&denied, IDS).uid(3).gid(4)).trim(), "3 4 65534 65534");
        let error = script(&denied, IDS).groups([5]).start().expect_err("denied");
        assert_eq!((error.step(), error.errno()), (Step::Groups, Some(Errno::PERM)), "{error}");
        let without_zero = target("5 100000 10", Setgroups::Keep);
        assert_eq!(printed(&script(&without_zero, IDS)).trim(), "65534 65534 65534 65534");
        assert_eq!(printed(script(&without_zero, IDS).uid(5).gid(6)).trim(), "5 6");
        let own = target("3 0 1", Setgroups::Keep);
        assert_eq!(printed(&script(&own, IDS)).trim(), "3 3 65534 65534");
        // The ID of the caller outside is not its ID inside.
        let error = script(&own, IDS).uid(0).start().expect_err("no mapping");
        assert_eq!((error.step(), error.errno()), (Step::Uid, Some(Errno::INVAL)), "{error}");
    });
}

/// Without privilege the program has the only ID that the target can map.
#[test]
fn c09_ids_after_a_join_without_privilege() {
    ns_testbed::run_as!([User, Nested], {
        let mut container = sleep();
        container.namespaces(["user", "pid", "mnt"]).mount_proc();
        let target = Target::new(container.map_zero());
        // Where setgroups is denied, the program keeps the groups of the caller.
        let own = rustix::process::getegid();
        let groups = rustix::process::getgroups().expect("getgroups").into_iter();
        let groups: String = groups.map(|id| if id == own { " 0" } else { " 65534" }).collect();
        assert_eq!(printed(&script(&target, IDS)).trim(), format!("0 0{groups}"));
        let target = Target::new(sleep().namespace(Namespace::User));
        assert_eq!(printed(&script(&target, "id -u; id -g")), "65534\n65534\n");
    });
}

const PRIVILEGES: &str =
    "grep -E '^(Cap(Prm|Eff|Bnd|Amb)|NoNewPrivs|Seccomp):' /proc/self/status | tr -d '\\t'";

/// A target that has dropped privileges.
fn unprivileged() -> Container {
    let mut container = sleep();
    container.namespaces(["user", "pid", "mnt", "net"]).map_zero().mount_proc();
    let kept = CapabilitySet::NET_BIND_SERVICE | CapabilitySet::SETPCAP;
    container.drop_capabilities(CapabilitySet::all() - kept).no_new_privs();
    container.seccomp(filter::allow_all());
    container
}

/// By default the program has more privileges than the target: all capabilities in its user namespace, no
/// `no_new_privs` and no filter. With `match_privileges` it has the same, in shared and in copied memory.
#[test]
fn c10_privileges_are_matched_on_request() {
    ns_testbed::run_as!([Root, User, Nested], {
        let target = Target::new(&unprivileged());
        let all = printed(&script(&target, PRIVILEGES));
        let full = all.lines().find_map(|line| line.strip_prefix("CapBnd:")).expect("a line");
        let full = u64::from_str_radix(full, 16).expect("a number");
        let lines = format!(
            "CapPrm:{full:016x}\nCapEff:{full:016x}\nCapBnd:{full:016x}\nCapAmb:{:016x}\n",
            0
        );
        assert!(full.count_ones() >= 38);
        let own = fs::read_to_string("/proc/self/status").expect("status");
        let filtered = own.lines().any(|line| line == "Seccomp:\t2");
        assert_eq!(all, format!("{lines}NoNewPrivs:0\nSeccomp:{}\n", if filtered { 2 } else { 0 }));
        for memory in [Memory::Auto, Memory::Copied] {
            let matched = printed(script(&target, PRIVILEGES).match_privileges().memory(memory));
            let kept = CapabilitySet::NET_BIND_SERVICE | CapabilitySet::SETPCAP;
            let kept = format!("{:016x}", kept.bits());
            let same = format!("CapPrm:{kept}\nCapEff:{kept}\nCapBnd:{kept}\nCapAmb:{:016x}\n", 0);
            assert!(matched.starts_with(&format!("{same}NoNewPrivs:1\n")), "{matched}");
        }
        let mut more = script(&target, "true");
        more.match_privileges().keep_capabilities(CapabilitySet::SYS_ADMIN);
        let error = more.start().expect_err("the target does not have it");
        assert_eq!(
            (error.step(), error.errno()),
            (Step::Capabilities, Some(Errno::PERM)),
            "{error}"
        );
    });
}

/// Ambient capabilities are taken over from a target with another ID than 0.
#[test]
fn c10_ambient_capabilities_are_matched() {
    ns_testbed::run_as!([Root], {
        let mut container = sleep();
        container.namespaces(["user", "pid", "mnt"]).mount_proc().uid(5).gid(5);
        container
            .uid_map("0 0 10".parse().expect("a map"))
            .gid_map("0 0 10".parse().expect("a map"));
        container.keep_capabilities(CapabilitySet::NET_RAW);
        let target = Target::new(&container);
        let raw = format!("{:016x}", CapabilitySet::NET_RAW.bits());
        let matched = printed(script(&target, PRIVILEGES).match_privileges().uid(5).gid(5));
        let expected = format!("CapPrm:{raw}\nCapEff:{raw}\nCapBnd:{raw}\nCapAmb:{raw}\n");
        assert!(matched.starts_with(&expected), "{matched}");
    });
}

/// In the user namespace of the caller `match_privileges` needs CAP_SETPCAP.
#[test]
fn c10_privileges_are_matched_in_the_user_namespace_of_the_caller() {
    ns_testbed::run_as!([Root, User, Nested], {
        let plain = Target::new(&sleep());
        let own = printed(&script(&plain, PRIVILEGES));
        let matched = script(&plain, PRIVILEGES).match_privileges().output();
        if ns_testbed::role() == Role::User {
            let error = matched.expect_err("no CAP_SETPCAP");
            assert_eq!(error.step(), Step::Capabilities, "{error}");
        } else {
            assert_eq!(String::from_utf8(matched.expect("start").stdout).expect("text"), own);
        }
    });
}

/// `follow_root` gives the program the root and the working directory of a chrooted target.
#[test]
fn c11_the_root_is_followed_on_request() {
    ns_testbed::run_as!([Root, User, Nested], {
        let root = Directory::with("follow", &["inside/here"]);
        let mut chroot = Container::new("chroot");
        chroot.arg(&*root).args(["sh", "-c", "cd /inside/here; exec sleep 1000"]);
        chroot.namespaces([Namespace::User, Namespace::Mnt, Namespace::Pid]).map_zero();
        for path in host_directories() {
            let below = root.join(path.trim_start_matches('/'));
            chroot.mount(Mount::bind(path, below).recursive().create());
        }
        let target = Target::new(&chroot);
        let comm = format!("/proc/{}/comm", target.pid());
        eventually("the target has its root", || {
            fs::read_to_string(&comm).is_ok_and(|name| name == "sleep\n")
        });
        let inspect = "pwd; test -e /inside && echo its own; test -e /proc && echo the whole";
        assert_eq!(printed(&script(&target, &format!("{inspect}; true"))), "/\nthe whole\n");
        let mut follow = script(&target, &format!("{inspect}; true"));
        for memory in [Memory::Auto, Memory::Copied] {
            assert_eq!(printed(follow.follow_root().memory(memory)), "/inside/here\nits own\n");
        }
        assert_eq!(printed(follow.workdir("/inside")), "/inside\nits own\n");
        let error = follow.rootdir("/usr").start().expect_err("two roots");
        assert_eq!(error.step(), Step::Check);
    });
}

/// `follow_root` gives the program the `host_root` of its target; a `host_root` of its own is refused.
#[test]
fn c11_a_host_root_is_followed() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut sandbox = Container::new("sleep");
        sandbox.arg("1000").namespaces([Namespace::User, Namespace::Mnt, Namespace::Pid]);
        sandbox.map_zero().host_root().mount(Mount::directory("/own")).workdir("/own");
        let target = Target::new(&sandbox);
        let inspect = "pwd; ls -d /own /home /srv 2>/dev/null; true";
        let mut follow = script(&target, inspect);
        for memory in [Memory::Auto, Memory::Copied] {
            assert_eq!(printed(follow.follow_root().memory(memory)), "/own\n/own\n");
        }
        let error = follow.host_root().start().expect_err("two roots");
        let conflict = "follow_root: conflicts with rootdir, host_root and a mount on /";
        assert_eq!((error.step(), error.object()), (Step::Check, Some(conflict)));
    });
}

/// A caller that may not inspect the target gets an error with the reason.
#[test]
fn c11_an_uninspectable_target_is_refused() {
    ns_testbed::run_as!([User], {
        for setter in [Inject::follow_root, Inject::join_cgroup, Inject::match_privileges] {
            let mut inject = Inject::new(1, "true");
            setter(inject.namespace(Namespace::Uts));
            let error = inject.start().expect_err("a process of root");
            assert!(matches!(error.errno(), Some(Errno::PERM | Errno::ACCESS)), "{error}");
            assert!(error.hint().is_some_and(|hint| hint.contains("CAP_SYS_PTRACE")), "{error}");
        }
    });
}

/// A cgroup in each of up to two hierarchies, removed on drop.
struct Cgroups(Vec<PathBuf>);

impl Cgroups {
    fn new() -> Self {
        let mounts = fs::read_to_string("/proc/self/mounts").expect("mounts");
        let line = |kind: &str| mounts.lines().find(|line| line.split(' ').nth(2) == Some(kind));
        let of_kinds = [
            line("cgroup2"),
            mounts.lines().find(|line| line.contains(" cgroup rw") && line.contains("pids")),
        ];
        let roots = of_kinds.into_iter().flatten().filter_map(|line| line.split(' ').nth(1));
        let paths = roots.map(|root| Path::new(root).join(ns_testbed::own_name()));
        Self(paths.filter(|path| fs::create_dir(path).is_ok()).collect())
    }

    fn contain(&self, pid: u32) -> bool {
        self.0.iter().all(|path| {
            let members = fs::read_to_string(path.join("cgroup.procs")).expect("members");
            members.lines().any(|line| line == pid.to_string())
        })
    }
}

impl Drop for Cgroups {
    fn drop(&mut self) {
        for path in &self.0 {
            eventually("the cgroup is empty", || fs::remove_dir(path).is_ok());
        }
    }
}

/// The program is in the cgroups of the caller by default, and in those of the target on request, of both versions.
#[test]
fn c10_the_cgroups_of_the_target_are_joined_on_request() {
    ns_testbed::run_as!([Root], {
        let cgroups = Cgroups::new();
        if cgroups.0.is_empty() {
            ns_testbed::skip!("no cgroup can be made here");
        }
        let target = Target::in_all();
        for path in &cgroups.0 {
            fs::write(path.join("cgroup.procs"), target.pid().to_string()).expect("move");
        }
        let start = |inject: &mut Inject| inject.arg("1000").start().expect("start");
        for memory in [Memory::Auto, Memory::Copied] {
            let outside = start(Inject::new(&*target, "sleep").memory(memory));
            assert!(!cgroups.contain(outside.pid()));
            let inside = start(Inject::new(&*target, "sleep").join_cgroup().memory(memory));
            assert!(cgroups.contain(inside.pid()));
        }
        // A target in the cgroups of the caller.
        let plain = Target::new(&sleep());
        assert!(Inject::new(&*plain, "true").join_cgroup().status().expect("start").success());
        let cgroup = fs::File::open(&cgroups.0[0]).expect("open");
        let error = Inject::new(&*target, "true").join_cgroup().cgroup(cgroup).start();
        assert_eq!(error.expect_err("two cgroups").step(), Step::Check);
        println!("shown: cgroups of {} hierarchies joined", cgroups.0.len());
    });
}

/// A cgroup that the caller may not write is an error.
#[test]
fn c10_a_cgroup_of_another_user_is_refused() {
    ns_testbed::run_as!([Root], {
        let cgroups = Cgroups::new();
        if cgroups.0.is_empty() {
            ns_testbed::skip!("no cgroup can be made here");
        }
        let target = Target::new(sleep().uid(ns_testbed::USER).gid(ns_testbed::USER));
        fs::write(cgroups.0[0].join("cgroup.procs"), target.pid().to_string()).expect("move");
        as_user(|| {
            let error = Inject::new(target.pid(), "true").join_cgroup().start();
            let error = error.expect_err("a cgroup of root");
            assert_eq!(
                (error.step(), error.errno()),
                (Step::Cgroup, Some(Errno::ACCESS)),
                "{error}"
            );
            assert!(error.to_string().contains("cgroup.procs"), "{error}");
        });
    });
}
