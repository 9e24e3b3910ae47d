//! Who and where an injected program is, by default and with what it takes on from the target.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::target::Target;
use ns_process::{
    BpfInstruction, CapabilitySet, Chroot, Container, Errno, Inject, Memory, Namespace, Setgroups,
    Step,
};
use ns_testbed::Role;

fn printed(inject: &Inject) -> String {
    let output = inject.output().expect("start");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn script(target: &Target, script: &str) -> Inject {
    let mut inject = Inject::new(&**target, "sh");
    inject.args(["-c", script]);
    inject
}

/// Uid, gid and groups inside.
const IDS: &str = "echo $(id -u) $(id -g) $(grep ^Groups /proc/self/status | cut -f 2)";

/// By default 0 inside, where the caller's own ids have no mapping; then no groups of the caller's either,
/// unless the target denies setgroups to everybody.
#[test]
fn c09_ids_after_the_join() {
    ns_testbed::run_as!([Root], {
        ns_sys::child::setgroups(&[7, 8]).expect("setgroups");
        let target = |map: &str, setgroups| {
            let mut container = Container::new("sleep");
            container.arg("1000").namespaces(["user", "pid", "mnt"]).mount_proc();
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
        // The caller's number outside is not that inside.
        let error = script(&own, IDS).uid(0).start().expect_err("no mapping");
        assert_eq!((error.step(), error.errno()), (Step::Uid, Some(Errno::INVAL)), "{error}");
    });
}

/// What an unprivileged caller is: the one id that the target can have mapped.
#[test]
fn c09_ids_without_privilege() {
    ns_testbed::run_as!([User, Nested], {
        let mut container = Container::new("sleep");
        container.arg("1000").namespaces(["user", "pid", "mnt"]).mount_proc();
        let target = Target::new(container.map_zero());
        // Whoever denies setgroups leaves it the groups that the caller has.
        let own = rustix::process::getegid();
        let groups = rustix::process::getgroups().expect("getgroups").into_iter();
        let groups: String = groups.map(|id| if id == own { " 0" } else { " 65534" }).collect();
        assert_eq!(printed(&script(&target, IDS)).trim(), format!("0 0{groups}"));
        let mut unmapped = Container::new("sleep");
        let target = Target::new(unmapped.arg("1000").namespace(Namespace::User));
        assert_eq!(printed(&script(&target, "id -u; id -g")), "65534\n65534\n");
    });
}

const PRIVILEGES: &str =
    "grep -E '^(Cap(Prm|Eff|Bnd|Amb)|NoNewPrivs|Seccomp):' /proc/self/status | tr -d '\\t'";

fn allow_all() -> [BpfInstruction; 1] {
    [BpfInstruction { code: 0x06, jt: 0, jf: 0, k: 0x7fff_0000 }]
}

/// A target that gave up what it does not need.
fn narrowed() -> Container {
    let mut container = Container::new("sleep");
    container.arg("1000").namespaces(["user", "pid", "mnt", "net"]).map_zero().mount_proc();
    let kept = CapabilitySet::NET_BIND_SERVICE | CapabilitySet::SETPCAP;
    container.drop_capabilities(CapabilitySet::all() - kept).no_new_privs();
    container.seccomp(allow_all());
    container
}

/// By default stronger than the target: all capabilities over its user namespace, no `no_new_privs`, no
/// filter. On request not, in either kind of memory.
#[test]
fn c10_privileges_by_default_and_on_request() {
    ns_testbed::run_as!([Root, User, Nested], {
        let target = Target::new(&narrowed());
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
            let seen = printed(script(&target, PRIVILEGES).match_privileges().memory(memory));
            let kept = CapabilitySet::NET_BIND_SERVICE | CapabilitySet::SETPCAP;
            let kept = format!("{:016x}", kept.bits());
            let same = format!("CapPrm:{kept}\nCapEff:{kept}\nCapBnd:{kept}\nCapAmb:{:016x}\n", 0);
            assert!(seen.starts_with(&format!("{same}NoNewPrivs:1\n")), "{seen}");
        }
        let mut more = script(&target, "true");
        more.match_privileges().keep_capabilities(CapabilitySet::SYS_ADMIN);
        let error = more.start().expect_err("the target has it not");
        assert_eq!(
            (error.step(), error.errno()),
            (Step::Capabilities, Some(Errno::PERM)),
            "{error}"
        );
    });
}

/// Ambient capabilities of a target that is not 0 are taken on as well.
#[test]
fn c10_ambient_capabilities() {
    ns_testbed::run_as!([Root], {
        let mut container = Container::new("sleep");
        container.arg("1000").namespaces(["user", "pid", "mnt"]).mount_proc().uid(5).gid(5);
        container
            .uid_map("0 0 10".parse().expect("a map"))
            .gid_map("0 0 10".parse().expect("a map"));
        container.keep_capabilities(CapabilitySet::NET_RAW);
        let target = Target::new(&container);
        let raw = format!("{:016x}", CapabilitySet::NET_RAW.bits());
        let seen = printed(script(&target, PRIVILEGES).match_privileges().uid(5).gid(5));
        let expected = format!("CapPrm:{raw}\nCapEff:{raw}\nCapBnd:{raw}\nCapAmb:{raw}\n");
        assert!(seen.starts_with(&expected), "{seen}");
    });
}

/// In the caller's own user namespace capabilities are given up by whom has them; who has none, and may
/// take none from the bounding set, is told.
#[test]
fn c10_in_the_callers_user_namespace() {
    ns_testbed::run_as!([Root, User, Nested], {
        let plain = Target::new(Container::new("sleep").arg("1000"));
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

/// A folder of programs, as a root.
fn root_folder() -> PathBuf {
    let path = std::env::temp_dir().join(format!("ns-process-follow-{}", std::process::id()));
    fs::create_dir_all(path.join("inside/here")).expect("mkdir");
    path
}

/// The root of a target that chroot(2) moved, and its directory.
#[test]
fn c11_follow_root() {
    ns_testbed::run_as!([Root, User, Nested], {
        let root = root_folder();
        let mut chroot = Chroot::new(&root, "sleep");
        chroot.arg("1000").map_zero().by_chroot().workdir("/inside/here").namespace(Namespace::Pid);
        for folder in ["/usr", "/bin", "/lib", "/lib64"] {
            if Path::new(folder).exists() {
                let bind = ns_process::Mount::bind(folder, folder);
                chroot.mount(bind.recursive().read_only().create());
            }
        }
        let target = Target::new(&chroot);
        let look = "pwd; test -e /inside && echo its own; test -e /proc && echo the whole";
        assert_eq!(printed(&script(&target, &format!("{look}; true"))), "/\nthe whole\n");
        let mut follow = script(&target, &format!("{look}; true"));
        for memory in [Memory::Auto, Memory::Copied] {
            assert_eq!(printed(follow.follow_root().memory(memory)), "/inside/here\nits own\n");
        }
        assert_eq!(printed(follow.workdir("/inside")), "/inside\nits own\n");
        let error = follow.rootdir("/usr").start().expect_err("two roots");
        assert_eq!(error.step(), Step::Check);
        drop(target);
        for folder in ["inside/here", "inside", "usr", "bin", "lib", "lib64", ""] {
            let _ = fs::remove_dir(root.join(folder));
        }
        assert!(!root.exists());
    });
}

/// Of those who may not look at the target, with the reason.
#[test]
fn c11_nothing_is_followed_unseen() {
    ns_testbed::run_as!([User], {
        for setter in [Inject::follow_root, Inject::join_cgroup, Inject::match_privileges] {
            let mut inject = Inject::new(1, "true");
            setter(inject.namespace(Namespace::Uts));
            let error = inject.start().expect_err("root's");
            assert!(matches!(error.errno(), Some(Errno::PERM | Errno::ACCESS)), "{error}");
            assert!(error.hint().is_some_and(|hint| hint.contains("CAP_SYS_PTRACE")), "{error}");
        }
    });
}

/// Folders in two hierarchies of cgroups, removed on drop.
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
        let folders = roots.map(|root| Path::new(root).join(ns_testbed::own_name()));
        Self(folders.filter(|folder| fs::create_dir(folder).is_ok()).collect())
    }

    fn holds(&self, pid: u32) -> bool {
        self.0.iter().all(|folder| {
            let members = fs::read_to_string(folder.join("cgroup.procs")).expect("members");
            members.lines().any(|line| line == pid.to_string())
        })
    }
}

impl Drop for Cgroups {
    fn drop(&mut self) {
        for folder in &self.0 {
            common::eventually("nobody is in it", || fs::remove_dir(folder).is_ok());
        }
    }
}

/// The caller's cgroups by default, the target's on request: of version 2, and of version 1 where it is.
#[test]
fn c10_cgroups() {
    ns_testbed::run_as!([Root], {
        let cgroups = Cgroups::new();
        if cgroups.0.is_empty() {
            ns_testbed::skip!("no cgroup can be made here");
        }
        let target = Target::in_all();
        for folder in &cgroups.0 {
            fs::write(folder.join("cgroup.procs"), target.pid().to_string()).expect("move");
        }
        let start = |inject: &mut Inject| inject.arg("1000").start().expect("start");
        for memory in [Memory::Auto, Memory::Copied] {
            let outside = start(Inject::new(&*target, "sleep").memory(memory));
            assert!(!cgroups.holds(outside.pid()));
            let inside = start(Inject::new(&*target, "sleep").join_cgroup().memory(memory));
            assert!(cgroups.holds(inside.pid()));
        }
        // With nothing but the caller's own there is nothing to move.
        let plain = Target::new(Container::new("sleep").arg("1000"));
        assert!(Inject::new(&*plain, "true").join_cgroup().status().expect("start").success());
        let folder = fs::File::open(&cgroups.0[0]).expect("open");
        let error = Inject::new(&*target, "true").join_cgroup().cgroup(folder).start();
        assert_eq!(error.expect_err("two of them").step(), Step::Check);
        println!("shown: cgroups of {} hierarchies joined", cgroups.0.len());
    });
}

/// A cgroup that the caller may not write to.
#[test]
fn c10_a_cgroup_of_somebody_else() {
    ns_testbed::run_as!([Root], {
        let cgroups = Cgroups::new();
        if cgroups.0.is_empty() {
            ns_testbed::skip!("no cgroup can be made here");
        }
        let mut theirs = Container::new("sleep");
        let target = Target::new(theirs.arg("1000").uid(ns_testbed::USER).gid(ns_testbed::USER));
        fs::write(cgroups.0[0].join("cgroup.procs"), target.pid().to_string()).expect("move");
        common::mapped::as_user(|| {
            let error = Inject::new(target.pid(), "true").join_cgroup().start();
            let error = error.expect_err("not the caller's");
            assert_eq!(
                (error.step(), error.errno()),
                (Step::Cgroup, Some(Errno::ACCESS)),
                "{error}"
            );
            assert!(error.to_string().contains("cgroup.procs"), "{error}");
        });
    });
}
